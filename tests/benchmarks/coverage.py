"""How often do intervals of pass@k hold the truth? Simulated answers, three mixes of what varies, 3 and 5 seeds.

    python -m tests.benchmarks.coverage                       # 4,000 experiments per row
    python -m tests.benchmarks.coverage --clusters 40 --runs 1000

The arms are those of `tests.helpers.simulated_arms`. Each row is a mix and a number of seeds; what is shown, at k = 1, 8
and 64, is the coverage of the level, of the difference to a base of one seed, of the difference to 3 other seeds of the same
arm, not paired, and of the difference to the base with Satterthwaite's degrees of freedom, which are not used; and how much
wider than +- 1.96 true standard errors the interval of the difference is on average, as it is used and with Satterthwaite's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import stdtrit

from agents.analysis.intervals import GAIN, RATE, Estimate, crossed_difference, crossed_mean
from agents.analysis.variance_components import crossed_table
from agents.evaluation.statistics import pass_at_ks
from tests.helpers.simulated_arms import MIXES, Mix, draw_answers, true_pass_at_k

KS = (1, 8, 64)
COLUMNS = ("level", "difference", "unpaired", "satterthwaite")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to simulate."""

    runs: int = 4_000
    clusters: int = 120
    """Programs; 1 to 5 problems are about each."""
    samples: int = 128
    seeds: tuple[int, ...] = (3, 5)
    seed: int = 0
    out: Path | None = None
    """Also write the numbers as JSON."""


@dataclass(slots=True)
class Tally:
    """Counts of one row, per column and k."""

    held: dict[str, np.ndarray] = field(default_factory=lambda: {name: np.zeros(len(KS)) for name in COLUMNS})
    widths: list[list[float]] = field(default_factory=list)
    narrow: list[list[float]] = field(default_factory=list)
    means: list[list[float]] = field(default_factory=list)


def satterthwaite(values_SP: np.ndarray, clusters: Sequence[str], found: Estimate) -> tuple[float, float]:
    """The interval with V^2 / sum(part^2 / df of the part) degrees of freedom, V = seeds + clusters - both."""
    table = crossed_table(values_SP, clusters)
    S, C = table.seeds, len(table.residual_C)
    parts = ((table.of_seeds, S - 1), (table.of_clusters, C - 1), (table.of_both, (S - 1) * (C - 1)))
    df = found.standard_error**4 / sum(part**2 / free for part, free in parts)
    half = float(stdtrit(max(df, S - 1), 0.975)) * found.standard_error
    return found.mean - half, found.mean + half


def measure(mix: Mix, seeds: int, options: Options, name: str) -> Tally:
    """One row."""
    rng, tally = np.random.default_rng([options.seed, seeds, len(name)]), Tally()
    base_level = [true_pass_at_k(None, k) for k in KS]
    level = [true_pass_at_k(mix, k) for k in KS]
    for _ in track(range(options.runs), f"{name}, {seeds} seeds", transient=True):
        answers = draw_answers(mix, seeds, options.clusters, options.samples, rng, others=3)
        rates = [
            pass_at_ks(right, np.full(right.shape, options.samples), KS)
            for right in (answers.base_P[None], answers.trained_SP, answers.other_SP)
        ]
        widths, narrow, means = [], [], []
        for place in range(len(KS)):
            base_SP, trained_SP, other_SP = (rate[..., place] for rate in rates)
            gain_SP, gain = trained_SP - base_SP, level[place] - base_level[place]
            of_level, of_gain = crossed_mean(trained_SP, answers.clusters, RATE), crossed_mean(gain_SP, answers.clusters, GAIN)
            unpaired = crossed_difference(trained_SP, other_SP, answers.clusters)
            low, high = satterthwaite(gain_SP, answers.clusters, of_gain)
            tally.held["level"][place] += of_level.low <= level[place] <= of_level.high
            tally.held["difference"][place] += of_gain.low <= gain <= of_gain.high
            tally.held["unpaired"][place] += unpaired.low <= 0 <= unpaired.high
            tally.held["satterthwaite"][place] += low <= gain <= high
            widths.append(of_gain.high - of_gain.low)
            narrow.append(high - low)
            means.append(of_gain.mean)
        tally.widths.append(widths)
        tally.narrow.append(narrow)
        tally.means.append(means)
    return tally


def main(options: Options) -> None:
    """Prints the table."""
    table = Table(
        title=f"coverage of 95 % intervals, {options.runs} experiments of {options.clusters} programs, k = 1 / 8 / 64"
    )
    for column in ("mix", "seeds", *COLUMNS, "width / ideal", "satterthwaite's"):
        table.add_column(column)
    rows = []
    for name, mix in MIXES.items():
        for seeds in options.seeds:
            tally = measure(mix, seeds, options, name)
            shares = {column: (held / options.runs).round(4).tolist() for column, held in tally.held.items()}
            ideal = 2 * 1.96 * np.std(tally.means, axis=0)
            ratios = {
                "width": np.mean(tally.widths, axis=0) / ideal,
                "satterthwaite_width": np.mean(tally.narrow, axis=0) / ideal,
            }
            ratios = {key: value.round(2).tolist() for key, value in ratios.items()}
            rows.append({"mix": name, "seeds": seeds, **shares, **ratios})
            cells = [" / ".join(f"{share:.3f}" for share in shares[column]) for column in COLUMNS]
            widths = [" / ".join(f"{ratio:.1f}" for ratio in ratios[key]) for key in ratios]
            table.add_row(name, str(seeds), *cells, *widths)
    error = math.sqrt(0.95 * 0.05 / options.runs)
    Console(width=150).print(table, f"standard error of a share of 0.95: {error:.4f}")
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
