"""The picture of pass@k: curves of a base and of trained arms over k, and their differences. matplotlib is loaded late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..analysis.answers.pass_at_k import PassAtK
from ..analysis.intervals import Estimate
from .style import INK, Looks, add_legend, labelled, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND = 0.18
"""Opacity of an interval around a line."""

MOST_INSIDE = 8
"""Names in a legend beside the curves; more stand below the figure, where they hide none."""


def draw_pass_at_k(comparisons: Sequence[PassAtK], looks: Looks | None = None) -> Figure:
    """Left the curves, right the differences to the base, each with its 95 % interval as a band; k on a log2 axis.

    Args:
        comparisons: Of one base or more; a base that was compared on other problems or seeds has a curve of its own.
        looks: Of arms, where other pictures show them too.
    """
    looks = looks or Looks()
    figure, (curves, differences) = new_figure(1, 2, width=5.6, height=4.2)
    bases = _bases(comparisons)
    for name, one in bases.items():
        _draw(curves, name, [p.k for p in one.points], [p.base for p in one.points], looks(name))
    for one in comparisons:
        ks = [point.k for point in one.points]
        _draw(curves, one.trained, ks, [point.trained for point in one.points], looks(one.trained))
        _draw(differences, one.trained, ks, [point.difference for point in one.points], looks(one.trained))
        if one.crossover is not None:
            hollow: dict[str, Any] = looks(one.trained) | {"markersize": 11, "fillstyle": "none"}
            differences.plot([one.crossover.k], [0.0], **hollow)
    differences.axhline(0.0, color=INK, linewidth=0.8)
    _label(curves, "problems solved with k samples", "pass@k (0 to 1)", comparisons)
    curves.set_ylim(0, 1.02)
    turns = any(one.crossover is not None for one in comparisons)
    title = "trained less base" + (" (hollow: where it turns)" if turns else "")
    _label(differences, title, "difference of pass@k", comparisons)
    handles, labels = labelled(curves)
    if len(labels) <= MOST_INSIDE:
        add_legend(curves, loc="best")
    else:
        add_legend(figure, handles=handles, labels=labels, loc="outside lower center", ncols=5)
    return figure


def _bases(comparisons: Sequence[PassAtK]) -> dict[str, PassAtK]:
    """A comparison per curve of a base, by the name that it gets."""
    bases: dict[str, PassAtK] = {}
    for one in comparisons:
        rates = [point.base for point in one.points]
        if any(other.base == one.base and [p.base for p in other.points] == rates for other in bases.values()):
            continue
        bases[one.base if one.base not in bases else f"{one.base} (beside {one.trained})"] = one
    return bases


def _draw(axes: Axes, name: str, ks: Sequence[int], estimates: Sequence[Estimate], look: dict[str, Any]) -> None:
    axes.plot(ks, [one.mean for one in estimates], label=name, **look)
    axes.fill_between(
        ks, [one.low for one in estimates], [one.high for one in estimates], color=look["color"], alpha=BAND, linewidth=0
    )


def _label(axes: Axes, title: str, y: str, comparisons: Sequence[PassAtK]) -> None:
    ks = sorted({point.k for one in comparisons for point in one.points})
    axes.set_xscale("log", base=2)
    axes.set_xticks(ks, [str(k) for k in ks])
    axes.minorticks_off()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("k (samples per problem)")
    axes.set_ylabel(y)
