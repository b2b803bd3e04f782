"""Is the learning real? Several seeds of a preset, and two controls that must not learn: random and sign-flipped reward.

    python -m examples.seeds_and_controls                 # three seeds and both controls, one run after the other
    python -m examples.seeds_and_controls --jobs 2        # two at a time, one thread each
    python -m examples.seeds_and_controls --fast          # a smoke run of two steps

Every run is `selfplay train PRESET --seed S --reward ARM` in a folder of its own; a run that was interrupted goes on, one
that is finished is not repeated. The table shows sampled pass@1 in percent before and after training on held-out
problems, and the gain with its 95 % bootstrap interval over programs: task types that ask about one program are no independent
evidence. Below it stand the processors that the runs began on: means are reproducible on the same kind.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tyro

from agents.display.timings import processor_of
from agents.evaluation.comparison import compare
from agents.runs.rows import read_rows


@dataclass(frozen=True, kw_only=True)
class Options:
    """The runs, and where they go."""

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
    """Trains one arm; returns its folder."""
    folder = options.out / f"{arm}-{seed}"
    command = [sys.executable, "-m", "agents", "train", options.preset, "--no-live", "--out", str(folder)]
    command += ["--resume"] if (folder / "config.json").is_file() else ["--seed", str(seed), "--reward", arm]
    command += ["--steps", "2", "--evaluation.limit", "20", "--fresh", "2", "--replay", "1"] if options.fast else []
    threads = {"OMP_NUM_THREADS": "1"} if options.jobs > 1 else {}
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{arm} reward, seed {seed}: {folder}", flush=True)
    with (options.out / f"{arm}-{seed}.log").open("a") as log:
        subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **threads})
    return folder


def line(name: str, folder: Path) -> tuple[str, list[str], float]:
    """One row of the table, the names of its columns, and the mean gain over all problems."""
    rows = read_rows(folder / "eval.jsonl")
    results = {result.name: result for result in compare(rows[0], rows[-1]) if result.k == 1}
    cells: list[str] = []
    for result in results.values():
        values = (result.before, result.after, result.gain, result.low, result.high)
        before, after, gain, low, high = (100 * value for value in values)
        cells.append(f"{before:.1f} → {after:.1f} (**{gain:+.1f}** [{low:+.1f}, {high:+.1f}])")
    return f"| {name} | " + " | ".join(cells) + " |", list(results), results["all problems"].gain


def main(options: Options) -> list[float]:
    """Runs every arm, prints the table, returns the gains of the seeds."""
    arms = [("true", seed) for seed in options.seeds] + [(arm, options.seeds[0]) for arm in options.controls]
    with ThreadPoolExecutor(options.jobs) as pool:
        folders = list(pool.map(lambda arm: run(options, *arm), arms))
    table: list[str] = []
    gains: list[float] = []
    for (arm, seed), folder in zip(arms, folders, strict=True):
        text, names, gain = line(f"{arm}, {seed}", folder)
        table = table or [f"| reward, seed | {' | '.join(names)} |", "|" + "---|" * (len(names) + 1)]
        table.append(text)
        gains += [gain] if arm == "true" else []
    mean = 100 * sum(gains) / len(gains)
    table += ["", f"Mean gain of the {len(gains)} seeds with the true reward: {mean:+.1f} points of sampled pass@1."]
    table += [f"Processor: {name}." for name in sorted({processor_of(folder) for folder in folders} - {""})]
    print("\n".join(table))
    (options.out / "table.md").write_text("\n".join(table) + "\n")
    return gains


if __name__ == "__main__":
    main(tyro.cli(Options))
