"""Whether the runs stayed healthy: rewards, KL, lengths and validity by role over steps, and a table of alarms."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.seed_curves import SeedCurve
from ...analysis.stability.alarms import Stability
from ...experiments.findings.findings import Findings
from ..page import Picture, Section, Table
from ..stability import draw_stability
from ..style import Looks

EARNED = ("reward", "return", "V", "V_Q", "solved", "KL", "KL, all roles")
FORM = ("length", "valid", "stopped", "distinct", "no signal")
"""Quantities of both pictures; entropy has a section of its own."""


def stability_section(findings: Findings, looks: Looks) -> Section | None:
    """Alarms by arm and seed, and the series that they watch; None where no arm trains."""
    found = findings.stability
    if not found.means:
        return None
    pictures = [
        _picture("stability-earned", found, looks, EARNED, "Rewards, scores and KL by role over steps."),
        _picture("stability-form", found, looks, FORM, "Length, validity and diversity by role over steps."),
    ]
    return Section(
        name="stability",
        title="Whether the runs stayed healthy",
        text=_words(found),
        pictures=[one for one in pictures if one is not None],
        tables=_tables(found),
        definition="An alarm is a departure, from where a run began or from its best so far, that lasts: 6 of 8 rows beyond a "
        "limit that is at least 3 standard deviations of the run's own noise away. Its step is the one at which it set in. "
        "reward: the game's credit; return: with what a batch adds; V and V_Q: mean scores of answers by the game's judge and "
        "by the judge of quality; KL: to the starting weights, nats per token.",
        caveat="No alarm says that none of these departures was seen, not that a run learned something. Limits are ours.",
        published="Language Self-Play degenerates without a judge of quality (arXiv 2509.07414); R-Zero with shared weights "
        "collapses (arXiv 2508.05004).",
    )


def _tables(found: Stability) -> list[Table]:
    arms = list(dict.fromkeys(run.arm for run in found.runs))
    counts = [
        (
            arm,
            str(sum(run.arm == arm for run in found.runs)),
            str(len({alarm.run for alarm in found.alarms if alarm.arm == arm})),
        )
        for arm in arms
    ]
    tables = [Table(columns=("arm", "runs", "with an alarm"), rows=counts)]
    if found.alarms:
        rows = [(alarm.run, str(alarm.step), alarm.name, alarm.role, alarm.reason) for alarm in found.alarms]
        tables.append(Table(columns=("run", "step", "alarm", "of", "because"), rows=rows, prose=(2, 3, 4)))
    return tables


def _words(found: Stability) -> list[str]:
    """What could not be watched, a sentence per reason and set of arms."""
    arms: dict[tuple[str, str], list[str]] = {}
    for one in found.not_watched:
        of_arm = arms.setdefault((one.reason, f"{one.name} ({one.role})"), [])
        of_arm += [one.arm] if one.arm not in of_arm else []
    names: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (reason, name), of_arms in arms.items():
        names.setdefault((reason, tuple(of_arms)), []).append(name)
    every = len({run.arm for run in found.runs})
    return [
        f"Not watched in {'all arms' if len(of_arms) == every else ', '.join(of_arms)}: {', '.join(of_names)}: {reason}."
        for (reason, of_arms), of_names in names.items()
    ]


def _picture(name: str, found: Stability, looks: Looks, quantities: Sequence[str], says: str) -> Picture | None:
    curves = [curve for curve in found.means if curve.kind in quantities]
    if not curves:
        return None
    return Picture(
        name=name,
        figure=draw_stability(curves, found.alarms, looks),
        says=says,
        columns=("arm", "quantity", "of", "step", "mean", "low", "high"),
        data=[row for curve in curves for row in _data(curve)],
    )


def _data(curve: SeedCurve) -> list[tuple[str | int | float, ...]]:
    return [
        (curve.arm, curve.kind, curve.group, step, one.mean, *("" if end is None else end for end in (one.low, one.high)))
        for step, one in zip(curve.steps, curve.means, strict=True)
    ]
