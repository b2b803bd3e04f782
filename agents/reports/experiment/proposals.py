"""What is proposed along the runs: difficulty and length, and histograms of solve rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from ...analysis.proposals import Proposal, lengths_by_solve_rate, mean_by_step, solve_rate_histogram
from ...experiments.findings.findings import Findings
from ..page import Picture, Section, Table
from ..style import Looks, add_legend, look_of, new_figure
from .series import lines_picture, mean_series
from .words import NONE, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HISTOGRAMS = 4
"""Steps whose solve rates are drawn."""


def proposals_section(findings: Findings, looks: Looks) -> Section | None:
    """Difficulty and length of proposals over training; None where nothing was proposed."""
    if not findings.proposals:
        return None
    rates = {
        arm: mean_series([list(mean_by_step(of_run).items()) for of_run in runs.values()])
        for arm, runs in findings.proposals.items()
    }
    together = {arm: [one for of_run in runs.values() for one in of_run] for arm, runs in findings.proposals.items()}
    lengths = {arm: mean_series([_lengths(of_run) for of_run in runs.values()]) for arm, runs in findings.proposals.items()}
    bins = {arm: lengths_by_solve_rate(of_arm) for arm, of_arm in together.items()}
    names = sorted({name for of_arm in bins.values() for name in of_arm})
    table = [(arm, *(plain(of_arm[name]) if name in of_arm else NONE for name in names)) for arm, of_arm in bins.items()]
    return Section(
        name="proposals",
        title="What is proposed: difficulty and length",
        pictures=[
            lines_picture(
                "proposal-difficulty",
                rates,
                looks,
                "solve rate of valid proposals",
                "share of the panel (0 to 1)",
                "Mean solve rate of proposals over steps.",
            ),
            lines_picture(
                "answer-length",
                lengths,
                looks,
                "answers to proposals",
                "tokens per answer",
                "Mean length of answers over steps.",
            ),
            _histogram_picture(together),
        ],
        tables=[Table(columns=("arm", *names), rows=table, caption="Tokens per answer by the solve rate of its task.")],
        definition="Of the valid proposals in recorded episodes: the share of the panel's answers that are right. The panel is "
        "the model of that step.",
        caveat="The paper solves proposals of all steps anew with one model; here solver and proposals change together.",
        published="Proposals get harder and answers longer over training.",
    )


def _lengths(proposals: Sequence[Proposal]) -> list[tuple[int, float]]:
    by_step: dict[int, list[float]] = {}
    for one in proposals:
        by_step.setdefault(one.step, []).append(one.answer_tokens)
    return [(step, fmean(values)) for step, values in sorted(by_step.items())]


def _histogram_picture(arms: Mapping[str, Sequence[Proposal]], panel: int = 8) -> Picture:
    """Solve rates at some recorded steps from the first to the last, a panel per arm."""
    figure, axes = _grid(len(arms))
    data: list[tuple[str | int | float, ...]] = []
    for axis, (arm, proposals) in zip(axes, arms.items(), strict=False):
        histograms = solve_rate_histogram(proposals, panel)
        steps = spread(sorted(histograms), HISTOGRAMS)
        for place, step in enumerate(steps):
            width = 0.8 / len(steps)
            shift = (place - (len(steps) - 1) / 2) * width
            axis.bar(
                [bin_ + shift for bin_ in range(panel + 1)],
                histograms[step],
                width=width,
                color=look_of(place)["color"],
                label=f"step {step}",
            )
            data += [(arm, step, bin_, share) for bin_, share in enumerate(histograms[step])]
        axis.set(title=arm, xlabel=f"solved by so many of {panel}", ylabel="share of valid proposals")
        add_legend(axis)
    columns = ("arm", "step", f"solved of {panel}", "share")
    return Picture(
        name="solve-rates",
        figure=figure,
        says="Histograms of solve rates from early to late, by arm.",
        columns=columns,
        data=data,
    )


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most so many of the steps, evenly spread, the first and the last among them."""
    if len(steps) <= most:
        return list(steps)
    return [steps[round(place * (len(steps) - 1) / (most - 1))] for place in range(most)]


def _grid(count: int) -> tuple[Figure, Sequence[Axes]]:
    columns = min(3, count)
    lines = (count + columns - 1) // columns
    figure, axes = new_figure(lines, columns, width=3.8, height=3.0)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]
