"""Numbers over steps as the page of an experiment draws them: means over seeds, and a line per arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from ..page import Picture
from ..style import Looks, add_legend, new_figure

STEP = "step (updates of the weights)"


def mean_series(runs: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Mean over runs at the steps that all of them have."""
    at = [dict(run) for run in runs if run]
    steps = sorted(set(at[0]).intersection(*at[1:])) if at else []
    return [(step, fmean(of_run[step] for of_run in at)) for step in steps]


def lines_picture(
    name: str, series: Mapping[str, Sequence[tuple[int, float]]], looks: Looks, title: str, y: str, says: str
) -> Picture:
    """A line per arm over steps."""
    figure, [axes] = new_figure(width=7.5, height=4.0)
    for arm, of_arm in series.items():
        axes.plot([step for step, _ in of_arm], [value for _, value in of_arm], label=arm, **looks(arm))
    axes.set(title=title, xlabel=STEP, ylabel=y)
    add_legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    data = [(arm, step, value) for arm, of_arm in series.items() for step, value in of_arm]
    return Picture(name=name, figure=figure, says=says, columns=("arm", "step", y), data=data)
