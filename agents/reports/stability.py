"""Pictures of how runs went: a panel per quantity and role, arms overlaid, alarms marked. matplotlib is loaded late."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import INK, Looks, add_legend, labelled, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..analysis.seed_curves import SeedCurve
    from ..analysis.stability.alarms import Alarm  # it loads scipy

BAND = 0.18
"""Opacity of an interval around a line."""
COLUMNS = 3
MOST_PANELS = 30
MARK = ":"
"""The line at the step of an alarm."""
ROOM = 0.3
"""Above and below all lines, of their range; bands of two or three seeds, which may be many times as wide, end there."""


def draw_stability(
    curves: Sequence[SeedCurve],
    alarms: Sequence[Alarm] = (),
    looks: Looks | None = None,
    *,
    quantities: Collection[str] = (),
) -> Figure:
    """A panel per quantity and role, in the order of the curves, `MOST_PANELS` at most.

    A line is the mean over an arm's seeds, with a band where there are several, which may go beyond the panel. A dotted
    vertical line, in the colour of the arm, marks an alarm of one of its runs.

    Args:
        curves: At least one of the chosen quantities.
        alarms: Those of quantities that are not drawn are left out.
        looks: Of arms, where other pictures show them too.
        quantities: Those that are drawn; empty: all.

    Raises:
        ValueError: There is nothing to draw.
    """
    looks = looks or Looks()
    shown = [curve for curve in curves if not quantities or curve.kind in quantities]
    panels = list(dict.fromkeys((curve.kind, curve.group) for curve in shown))[:MOST_PANELS]
    if not panels:
        raise ValueError("curves: there is none to draw; these runs hold none of the quantities.")
    columns = min(COLUMNS, len(panels))
    figure, axes = new_figure(-(-len(panels) // columns), columns, width=4.4, height=2.6)
    for panel, (quantity, role) in zip(axes, panels, strict=False):
        for curve in (one for one in shown if (one.kind, one.group) == (quantity, role)):
            _draw_curve(panel, curve, looks(curve.arm))
        for alarm in (one for one in alarms if (one.quantity, one.role) == (quantity, role)):
            panel.axvline(alarm.step, color=looks(alarm.arm)["color"], linestyle=MARK, linewidth=1.4)
        _show_means(panel, [one for one in shown if (one.kind, one.group) == (quantity, role)])
        panel.set_title(f"{quantity}: {role}", fontsize=10)
    for panel in axes[max(0, len(panels) - columns) :]:
        panel.set_xlabel("step (updates of the weights)")
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    marks = "; dotted: an alarm" if any((one.quantity, one.role) in panels for one in alarms) else ""
    bands = "; bands: 95 % over seeds" if any(curve.seeds > 1 for curve in shown) else ""
    figure.suptitle(f"means per step{bands}{marks}", fontsize=11, color=INK)
    named = {label: handle for handle, label in zip(*labelled(*axes), strict=True)}
    add_legend(figure, handles=[*named.values()], labels=[*named], loc="outside lower center", ncols=min(4, len(named)))
    return figure


def _draw_curve(axes: Axes, curve: SeedCurve, arm: dict[str, Any]) -> None:
    look: dict[str, Any] = {**arm, "marker": "", "linewidth": 1.2}
    axes.plot(curve.steps, [one.mean for one in curve.means], **look, label=curve.arm)
    low = [np.nan if one.low is None else one.low for one in curve.means]
    high = [np.nan if one.high is None else one.high for one in curve.means]
    axes.fill_between(curve.steps, low, high, color=look["color"], alpha=BAND, linewidth=0)


def _show_means(axes: Axes, curves: Sequence[SeedCurve]) -> None:
    """Fits the panel to its lines."""
    means = [one.mean for curve in curves for one in curve.means]
    reach = max(means) - min(means)
    if reach > 0:
        axes.set_ylim(min(means) - ROOM * reach, max(means) + ROOM * reach)
