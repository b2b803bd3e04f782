"""Pictures of what proposers ask over training: lines with bands over seeds, and solve rates from early to late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..analysis.curriculum.proposals import Proposal, solve_rate_histogram
from ..analysis.curriculum.quantities import ALL, QUANTITIES
from ..analysis.curriculum.sample import spread
from ..analysis.curriculum.solved import SOLVED
from ..analysis.curriculum.study import ArmCurriculum, shown_quantities
from .style import INK, Looks, add_legend, labelled, look_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP = "step (updates of the weights)"
BAND = 0.18
"""Opacity of an interval around a line."""
BAND_SEEDS = 3
"""Fewer seeds have bands that fill the picture."""
ROOM = 1.08
"""Of the highest line is the height of a panel."""
BINS = 8
"""Of solve rates, besides 0."""
HISTOGRAMS = 4
"""Steps whose solve rates are drawn."""
TITLES: Mapping[str, str] = {name: quantity.title for name, quantity in QUANTITIES.items()} | dict(SOLVED)
UNITS: Mapping[str, str] = {name: quantity.unit for name, quantity in QUANTITIES.items()} | {
    name: "mean score (0 to 1)" if name.endswith("score") else "share of answers" for name in SOLVED
}


def draw_curriculum(arms: Sequence[ArmCurriculum], looks: Looks | None = None) -> Figure:
    """A panel per quantity that is there, and below them solve rates by arm.

    Args:
        arms: At least one.
        looks: Of arms, where other pictures show them too.
    """
    looks = looks or Looks()
    names = shown_quantities(arms)
    columns = 3
    lines = -(-len(names) // columns)
    figure, panels = new_figure(lines + -(-len(arms) // columns), columns, width=4.4, height=3.2)
    for axes, name in zip(panels, names, strict=False):
        draw_lines(axes, arms, name, looks)
    below = panels[columns * lines :]
    for axes, arm in zip(below, arms, strict=False):
        draw_histogram(axes, arm.arm, arm.proposals)
    for axes in (*panels[len(names) : columns * lines], *below[len(arms) :]):
        axes.set_axis_off()
    bands = "; bands: 95 % over seeds" if max(len(arm.runs) for arm in arms) >= BAND_SEEDS else ""
    figure.suptitle(f"proposals over training{bands}", fontsize=11, color=INK)
    if len(arms) > 1:
        named = {label: handle for handle, label in zip(*labelled(*panels[: len(names)]), strict=True)}
        add_legend(figure, handles=[*named.values()], labels=[*named], loc="outside lower center", ncols=min(4, len(named)))
    return figure


def draw_lines(axes: Axes, arms: Sequence[ArmCurriculum], name: str, looks: Looks, group: str = ALL) -> None:
    """A quantity over steps, a line per arm, with a band where there are `BAND_SEEDS`."""
    there = [(arm.arm, curve) for arm in arms if (curve := arm.curves.get(group, {}).get(name)) is not None]
    for arm, curve in there:
        axes.plot(curve.steps, [one.mean for one in curve.means], label=arm, **looks(arm))
    for arm, curve in there:
        known = [
            (step, one.low, one.high)
            for step, one in zip(curve.steps, curve.means, strict=True)
            if one.low is not None and one.high is not None
        ]
        if curve.seeds >= BAND_SEEDS and known:
            steps, lows, highs = zip(*known, strict=True)
            axes.fill_between(steps, lows, highs, color=looks(arm)["color"], alpha=BAND, linewidth=0)
    highest = max((one.mean for _, curve in there for one in curve.means), default=0.0)
    axes.set_ylim(0, ROOM * highest or 1)  # a band of few seeds may be wider than all that is to be seen
    axes.set(title=TITLES[name] if group == ALL else group, xlabel=STEP, ylabel=UNITS[name])


def draw_histogram(axes: Axes, title: str, proposals: Sequence[Proposal]) -> list[tuple[int, int, float]]:
    """Solve rates of valid proposals at some recorded steps from the first to the last; returns (step, bin, share)."""
    histograms = solve_rate_histogram(proposals, BINS)
    steps = spread(sorted(histograms), HISTOGRAMS)
    width = 0.8 / max(1, len(steps))
    for place, step in enumerate(steps):
        shift = (place - (len(steps) - 1) / 2) * width
        at = [bin_ + shift for bin_ in range(BINS + 1)]
        axes.bar(at, histograms[step], width=width, color=look_of(place)["color"], label=f"step {step}")
    axes.set(title=title, xlabel=f"solved, of {BINS} answers of the panel", ylabel="share of valid proposals")
    add_legend(axes)
    return [(step, bin_, share) for step in steps for bin_, share in enumerate(histograms[step])]
