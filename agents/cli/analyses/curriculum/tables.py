"""Tables of the proposals of an arm, and the same as JSON types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.markup import escape

from ....analysis.curriculum.proposals import solve_rate_histogram
from ....analysis.curriculum.quantities import ALL, QUANTITIES, groups_in
from ....analysis.curriculum.solved import SOLVED
from ....analysis.curriculum.study import ArmCurriculum, sample_by_step, shown_quantities
from ....analysis.curriculum.trends import Trend
from ....display.tables import print_table, say
from ..numbers import interval

BINS = 8
"""Of solve rates in JSON."""
NOTES = {
    "seeds": "change: along the least-squares line from the first to the last recorded step; 95 % interval over seeds.",
    "line": "change: along the least-squares line from the first to the last recorded step; with one run, the 95 % interval is "
    "that of the line, and says nothing of other seeds.",
    "nothing": "change: along the least-squares line; values are too few, or all alike, for an interval.",
}


def print_arm(console: Console, arm: ArmCurriculum) -> None:
    """What is asked in the runs of an arm: trends, task types, and the sample by step."""
    trends = {name: arm.trends[ALL][name] for name in shown_quantities([arm]) if name in arm.trends[ALL]}
    titles = {name: quantity.title for name, quantity in QUANTITIES.items()} | dict(SOLVED)
    rows = [[titles[name], *_trend_cells(trend)] for name, trend in trends.items()]
    steps = sorted({one.step for one in arm.proposals})
    valid = sum(one.valid for one in arm.proposals)
    title = (
        f"{arm.arm}: {len(arm.proposals):,} proposals, {valid:,} of them valid, of {len(steps)} steps from {steps[0]} to "
        f"{steps[-1]}; runs: {len(arm.runs)}"
    )
    if rows:
        print_table(console, title, ("what", "first", "last", "change", "trend"), rows)
        for by in dict.fromkeys(trend.by for trend in trends.values()):
            say(console, NOTES[by])
        say(console, "Of what stays as it is, one row in twenty seems to rise or to fall.")
    else:
        say(console, f"{title}; a trend takes two steps.")
    _print_groups(console, arm)
    _print_sample(console, arm)


def record_of(arm: ArmCurriculum) -> dict[str, Any]:
    """Everything of an arm, as JSON types."""
    curves = {
        group: {name: {"steps": curve.steps, "means": [asdict(one) for one in curve.means]} for name, curve in of.items()}
        for group, of in arm.curves.items()
    }
    trends = {
        group: {name: {**asdict(trend), "direction": trend.direction} for name, trend in of.items()}
        for group, of in arm.trends.items()
    }
    return {
        "arm": arm.arm,
        "runs": [run.name for run in arm.runs],
        "proposals": {run.name: len(run.proposals) for run in arm.runs},
        "trends": trends,
        "curves": curves,
        "solve_rates": {"of": BINS, "shares_by_step": solve_rate_histogram(arm.proposals, BINS)},
        "sample": {run.name: [asdict(one) for one in run.solved] for run in arm.runs},
    }


def _trend_cells(trend: Trend) -> list[str]:
    digits = 3 if max(abs(trend.first), abs(trend.last)) < 10 else 1
    change = f"{trend.change:+.{digits}f}"
    if trend.low is not None and trend.high is not None:
        change += f" ({trend.low:+.{digits}f} to {trend.high:+.{digits}f})"
    return [f"{trend.first:.{digits}f}", f"{trend.last:.{digits}f}", change, trend.direction]


def _print_groups(console: Console, arm: ArmCurriculum) -> None:
    """A row per role and task type, where there are several."""
    groups = groups_in(arm.proposals)
    if len(groups) == 1:
        return
    rows = [
        [
            escape(group),
            f"{len(proposals):,}",
            _mean([float(one.valid) for one in proposals]),
            _mean([one.solve_rate for one in proposals if one.solve_rate is not None]),
            *(_short(arm.trends[group], name) for name in ("valid", "solve_rate")),
        ]
        for group, proposals in groups.items()
    ]
    columns = ("of", "proposals", "valid", "solved", "change of valid", "change of solved")
    print_table(console, f"{arm.arm}: by role and task type", columns, rows)


def _print_sample(console: Console, arm: ArmCurriculum) -> None:
    """The sample by step, where one was solved."""
    if not arm.solved:
        return
    partly = "base_score" in shown_quantities([arm])
    names = ("own_score", "base_score", "final_score") if partly else ("own", "base", "final")
    found = [sample_by_step(arm, name) for name in names]
    steps = sorted({one.step for one in arm.solved})
    counts = [sum(one.step == step for one in arm.solved) for step in steps]
    rows = [
        [str(step), str(count), *(interval(of[step], digits=2) if step in of else "-" for of in found)]
        for step, count in zip(steps, counts, strict=True)
    ]
    what = "mean score" if partly else "share of answers that are right"
    print_table(console, f"{arm.arm}: the sample, {what}", ("step", "asked", "own panel", "base", "last model"), rows)
    say(console, f"Intervals: 95 % over {'seeds' if len(arm.runs) > 1 else 'proposals'}.")


def _short(trends: Mapping[str, Trend], name: str) -> str:
    trend = trends.get(name)
    return "-" if trend is None else f"{trend.change:+.3f} {trend.direction}"


def _mean(values: list[float]) -> str:
    return f"{fmean(values):.3f}" if values else "-"
