"""Pictures of what runs solve against their entropy and their unchanged weights. matplotlib is loaded late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analysis.dynamics import ALL_ARMS, WHOLE, LawOfArm, Point, entropy_of
from .style import INK, Looks, add_legend, labelled, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND = 0.12
"""Opacity of the interval around the fitted curve."""
Horizontal = tuple[str, str, Callable[[Point], float | None]]
"""What is drawn along the horizontal axis: the entropy of a law (empty: none), the axis' text, the value of a point."""


def draw_dynamics(points: Sequence[Point], laws: Sequence[LawOfArm], looks: Looks | None = None) -> Figure:
    """pass@1 above and pass@k below, against entropy, by role where there are several, and against unchanged weights, if known.

    A marker is a point; those of a run are joined by a thin line in the order of their steps. The fit to all arms is drawn
    over the points that it was made of, with its 95 % interval and, above, its equation. Hollow markers have the entropy of
    given replies.

    Args:
        points: Of all runs.
        laws: Of all arms together, drawn; others are not.
        looks: Of arms, where other pictures show them too.
    """
    looks = looks or Looks()
    roles = sorted({role for point in points for role in point.by_role})
    across: list[Horizontal] = [
        (entropy, f"entropy, {entropy} (nats per token)", lambda point, entropy=entropy: entropy_of(point, entropy))
        for entropy in (WHOLE, *(roles if len(roles) > 1 else ()))
    ]
    if any(point.unchanged is not None for point in points):
        across.append(("", "unchanged weights (share, 0 to 1)", lambda point: point.unchanged))
    figure, panels = new_figure(2, len(across))
    several = len({point.k for point in points}) > 1
    names = {"pass@1": "pass@1", "pass@k": "pass@k, largest k of each run" if several else f"pass@{points[0].k}"}
    for row, (score, name) in enumerate(names.items()):
        for column, (entropy, label, value_of) in enumerate(across):
            axes = panels[row * len(across) + column]
            _scatter(axes, points, score, value_of, looks)
            fitted = [law for law in laws if (law.score, law.entropy, law.arm) == (score, entropy, ALL_ARMS)]
            title = _draw_law(axes, fitted[0], points) if fitted else ""
            axes.set(title=title, xlabel=label, ylabel=f"{name} (0 to 1)")
    named = {label: handle for handle, label in zip(*labelled(*panels), strict=True)}
    add_legend(figure, handles=[*named.values()], labels=[*named], loc="outside lower center", ncols=min(4, len(named)))
    return figure


def _scatter(axes: Axes, points: Sequence[Point], score: str, value_of: Callable[[Point], float | None], looks: Looks) -> None:
    """The points of every run, joined in the order of their steps."""
    for run in dict.fromkeys(point.run for point in points):
        own = sorted((point for point in points if point.run == run), key=lambda point: point.step)
        kept = [(value, point) for point in own if (value := value_of(point)) is not None]
        if not kept:
            continue
        first = kept[0][1]
        look: dict[str, Any] = {**looks(first.arm), "linewidth": 0.7}
        axes.plot(
            [value for value, _ in kept],
            [point.pass_1 if score == "pass@1" else point.pass_k for _, point in kept],
            **look,
            fillstyle="none" if first.given else "full",
            label=first.arm + (" (entropy of given replies)" if first.given else ""),
        )


def _draw_law(axes: Axes, law: LawOfArm, points: Sequence[Point]) -> str:
    """The fitted curve over the range of its points; returns its equation."""
    if law.fit is None:
        return "not fitted"
    own = [value for point in points if not point.given and (value := entropy_of(point, law.entropy)) is not None]
    x = np.linspace(min(own), max(own), 100)
    curve = [law.fit.at(float(value)) for value in x]
    axes.plot(x, [one.value for one in curve], color=INK, linewidth=1.2, label="fit to all arms, 95 %")
    limits = axes.get_ylim()
    axes.fill_between(x, [one.low for one in curve], [one.high for one in curve], color=INK, alpha=BAND, linewidth=0)
    axes.set_ylim(limits)  # a band may be wider than all points
    a, b = law.fit.a.value, law.fit.b.value
    return f"R = {-a:.3g} exp(H) {'-' if b < 0 else '+'} {abs(b):.3g}, R² = {law.fit.r2:.2f}"
