"""Does Language Self-Play teach the tiny model? Seeds of `lsp-tiny`, its baseline on data, and rewards that carry nothing.

    python -m tests.benchmarks.lsp_learns                # 3 seeds, 3 of random reward, 3 of grpo-data-tiny; one after the other
    python -m tests.benchmarks.lsp_learns --jobs 2       # two at a time, one thread each
    python -m tests.benchmarks.lsp_learns --fast         # a smoke run of two steps

Measured on the 200 held-out combinations of clauses, before and after: the mean share of clauses that an answer meets, and
pass@1, the share of answers that meet all. Intervals are bootstraps over combinations, at 95 %. A run that was interrupted goes
on; one that is finished is not repeated. Ends with status 1 where a seed of the true reward has no gain above its interval.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tyro

from agents.evaluation.comparison import Comparison, compare
from agents.runs.rows import read_rows
from examples import seeds_and_controls


@dataclass(frozen=True, kw_only=True)
class Options:
    """The runs, and where they go."""

    seeds: tuple[int, ...] = (0, 1, 2)
    out: Path = Path("runs/lsp_learns")
    jobs: int = 1
    """Runs at a time."""
    fast: bool = False
    """Two steps and 20 combinations."""


ARMS = (("lsp-tiny", "true"), ("lsp-tiny", "random"), ("grpo-data-tiny", "true"))
"""Presets and rewards, each with every seed."""


def gains(folder: Path) -> dict[str, Comparison]:
    """The gains of a finished run by measure: `score` and `pass@1`."""
    rows = read_rows(folder / "eval.jsonl")
    return {result.measure: result for result in compare(rows[0], rows[-1]) if result.k < 2}


def cell(gain: Comparison) -> str:
    """Before, after, and the gain with its interval, in percent."""
    before, after, mean, low, high = (100 * n for n in (gain.before, gain.after, gain.gain, gain.low, gain.high))
    return f"{before:.1f} → {after:.1f} ({mean:+.1f} [{low:+.1f}, {high:+.1f}])"


def main(options: Options) -> int:
    """Runs every arm and prints the table; 0 where every seed of self-play gained."""
    runs = [(preset, reward, seed) for preset, reward in ARMS for seed in options.seeds]

    def folder_of(arm: tuple[str, str, int]) -> Path:
        preset, reward, seed = arm
        settings = seeds_and_controls.Options(preset=preset, out=options.out / preset, jobs=options.jobs, fast=options.fast)
        return seeds_and_controls.run(settings, reward, seed)

    with ThreadPoolExecutor(options.jobs) as pool:
        folders = list(pool.map(folder_of, runs))
    found = [gains(folder) for folder in folders]
    table = ["| run, reward, seed | clauses met, % | pass@1, % |", "|---|---|---|"]
    for (preset, reward, seed), by_measure in zip(runs, found, strict=True):
        table.append(f"| {preset}, {reward}, {seed} | {cell(by_measure['score'])} | {cell(by_measure['pass@1'])} |")
    print("\n".join(table))
    (options.out / "table.md").write_text("\n".join(table) + "\n")
    own = [by_measure["score"] for arm, by_measure in zip(runs, found, strict=True) if arm[:2] == ARMS[0]]
    gained = sum(one.low > 0 for one in own)
    print(f"{gained} of {len(own)} seeds of lsp-tiny with the true reward gained more than their interval.")
    return 0 if gained == len(own) else 1


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options)))
