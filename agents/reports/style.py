"""How pictures of reports look: colours that stay apart for colour-blind readers, lines, markers, and files.

Ink (text, axes, ticks) is one colour, which a page replaces by that of its own text, so that a picture is read
on dark and on light.

See: Okabe and Ito, Color Universal Design, 2008 (the first six colours).
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it loads matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#B2912F")
"""Without black and yellow, which vanish on dark or on light; grey and ochre follow instead."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.", ":")
INK = "#1e2329"
"""Colour of text and axes, and of nothing else."""
DPI = 130
AUTOMATIC = re.compile(r"_child\d+|_container\d+|_nolegend_")
"""Labels that matplotlib gives to what has none."""


def new_figure(rows: int = 1, columns: int = 1, *, width: float = 5.2, height: float = 3.8) -> tuple[Figure, list[Axes]]:
    """A figure of equal axes in reading order, in ink on nothing, that needs no screen.

    Args:
        rows: Of axes.
        columns: Of axes.
        width: Inches, of one of the axes.
        height: Inches, of one of the axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(rows * columns)]
    for axis in axes:
        prepare_axis(axis)
    return figure, axes


def prepare_axis(axis: Axes) -> None:
    """Ink, a faint grid, and no frame at the top and on the right."""
    axis.set_facecolor("none")
    for side, spine in axis.spines.items():
        spine.set_color(INK)
        spine.set_visible(side in ("left", "bottom"))
    axis.tick_params(colors=INK, labelsize=9)
    for text in (axis.title, axis.xaxis.label, axis.yaxis.label):
        text.set_color(INK)
    axis.grid(alpha=0.25, linewidth=0.6, color=INK)
    axis.set_axisbelow(True)


def add_legend(owner: Axes | Figure, **settings: Any) -> None:
    """A legend of axes or of a whole figure, in ink without a frame; nothing where nothing has a label."""
    holders: Any = owner.axes if isinstance(owner.axes, list) else [owner]
    handles, labels = labelled(*holders)
    handles, labels = settings.pop("handles", handles), settings.pop("labels", labels)
    if not labels:
        return
    numbers = [str(place) for place in range(len(labels))]  # a label that begins with a _ would be left out
    look: dict[str, Any] = {"frameon": False, "fontsize": 9, "labelcolor": INK, **settings}
    legend = owner.legend(handles, numbers, **look)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)


def labelled(*axes: Axes) -> tuple[list[Any], list[str]]:
    """What has a label, and the labels, in the order of drawing, also of names that begin with a _, which matplotlib hides."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    drawn = [one for axis in axes for one in (*axis.get_children(), *axis.containers)]
    kinds = (Line2D, Patch, Collection, tuple)  # containers are tuples
    found = [(one, str(one.get_label())) for one in drawn if isinstance(one, kinds)]
    shown = [(one, label) for one, label in found if label and not AUTOMATIC.fullmatch(label)]
    return [one for one, _ in shown], [label for _, label in shown]


def look_of(place: int) -> dict[str, Any]:
    """Colour, marker and line of the series at that place; two series of one colour differ in their lines."""
    return {
        "color": PALETTE[place % len(PALETTE)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": LINES[(place + place // len(PALETTE)) % len(LINES)],
        "markersize": 5,
        "linewidth": 1.6,
    }


class Looks:
    """The look of every series by its name: the same on all pictures of a page that share it.

    Args:
        names: Those that come first, in this order; others follow as they are met.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._places = {name: place for place, name in enumerate(names)}

    def __call__(self, name: str) -> dict[str, Any]:
        """Colour, marker and line of that series."""
        return look_of(self._places.setdefault(name, len(self._places)))


def save_png(figure: Figure, path: Path) -> None:
    """Writes a picture on white."""
    _take_literally(figure)
    figure.savefig(path, dpi=DPI, format="png", facecolor="white", metadata={"Software": None})


def save_picture(figure: Figure, path: Path) -> None:
    """Writes a picture on white, in the format of the ending, such as .svg."""
    _take_literally(figure)
    figure.savefig(path, dpi=DPI, facecolor="white")


def svg_of(figure: Figure) -> str:
    """The picture as an SVG element on nothing, in the colour of the text around it; equal figures give equal texts."""
    from matplotlib import rc_context

    _take_literally(figure)
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "selfplay", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


def _take_literally(figure: Figure) -> None:
    """Shows all texts as they are, names with dollars too, which are no formulas; powers at ticks of logarithmic axes are."""
    from matplotlib.text import Text
    from matplotlib.ticker import LogFormatter

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        for formatter, minor in ((axis.get_major_formatter(), False), (axis.get_minor_formatter(), True)):
            if isinstance(formatter, LogFormatter):
                for label in axis.get_ticklabels(minor=minor):
                    label.set_parse_math(True)
