"""Is the learning real? Several seeds of a preset, and two controls that must not learn: random and sign-flipped reward.

    python -m examples.seeds_and_controls                 # three seeds and both controls, one run after the other
    python -m examples.seeds_and_controls --jobs 2        # two at a time, one thread each
    python -m examples.seeds_and_controls --fast          # a smoke run of two steps

Every run is `selfplay train PRESET --seed S --reward ARM` in a folder of its own; those that are finished are not repeated.
The table shows sampled pass@1 in percent before and after, with a 95 % bootstrap interval of the difference over problems.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from agents.evaluate import bootstrap_difference
from agents.metrics import read_rows


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to run."""

    preset: str = "azr-tiny"
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the true reward; the controls take the first of them."""
    controls: tuple[str, ...] = ("random", "flipped")
    out: Path = Path("runs/seeds_and_controls")
    jobs: int = 1
    """Runs at a time."""
    fast: bool = False
    """Two steps and 20 problems per game."""


def run(options: Options, arm: str, seed: int) -> Path:
    """Trains one arm, unless its folder holds the finished run; returns the folder."""
    folder = options.out / f"{arm}-{seed}"
    command = [
        sys.executable,
        "-m",
        "agents",
        "train",
        options.preset,
        "--seed",
        str(seed),
        "--reward",
        arm,
        "--out",
        str(folder),
    ]
    command += ["--no-live"] + (["--steps", "2", "--evaluation.limit", "20"] if options.fast else [])
    threads = {"OMP_NUM_THREADS": "1"} if options.jobs > 1 else {}
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"{arm} reward, seed {seed}: {folder}", flush=True)
    with (options.out / f"{arm}-{seed}.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **threads})
    return folder


def per_problem(row: dict) -> dict[str, np.ndarray]:
    """Sampled pass@1 of every problem, by game."""
    return {env_id: np.array(own["right"]) / own["samples"] for env_id, own in row["problems"].items()}


def line(name: str, folder: Path) -> tuple[str, float]:
    """One row of the table, and the mean gain over all problems."""
    rows = read_rows(folder / "eval.jsonl")
    before, after = per_problem(rows[0]), per_problem(rows[-1])
    rng = np.random.default_rng(0)
    cells = []
    for env_id in before:
        gain, low, high = bootstrap_difference(before[env_id], after[env_id], rng)
        cells.append(f"{100 * before[env_id].mean():.1f} → {100 * after[env_id].mean():.1f} ({100 * gain:+.1f})")
    every = [np.concatenate(list(scores.values())) for scores in (before, after)]
    gain, low, high = bootstrap_difference(*every, rng)
    cells.append(f"**{100 * gain:+.1f}** [{100 * low:+.1f}, {100 * high:+.1f}]")
    return f"| {name} | " + " | ".join(cells) + f" | {len(every[0])} |", gain


def main(options: Options) -> list[float]:
    """Runs every arm, prints the table, returns the gains of the seeds."""
    arms = [("true", seed) for seed in options.seeds] + [(arm, options.seeds[0]) for arm in options.controls]
    with ThreadPoolExecutor(options.jobs) as pool:
        folders = list(pool.map(lambda arm: run(options, *arm), arms))
    games = [env_id.partition("/")[2] for env_id in per_problem(read_rows(folders[0] / "eval.jsonl")[0])]
    table = [f"| reward, seed | {' | '.join(games)} | all, difference | problems |", "|" + "---|" * (len(games) + 3)]
    gains = []
    for (arm, seed), folder in zip(arms, folders, strict=True):
        text, gain = line(f"{arm}, {seed}", folder)
        table.append(text)
        gains += [gain] if arm == "true" else []
    table.append(
        f"\nMean gain of the {len(gains)} seeds with the true reward: {100 * float(np.mean(gains)):+.1f} points of sampled pass@1."
    )
    print("\n".join(table))
    (options.out / "table.md").write_text("\n".join(table) + "\n")
    return gains


if __name__ == "__main__":
    main(tyro.cli(Options))
