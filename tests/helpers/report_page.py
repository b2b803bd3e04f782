"""A small page with everything that a page may hold."""

from __future__ import annotations

from agents.reports.page import Page, Picture, Section, Table
from agents.reports.style import add_legend, look_of, new_figure

HOSTILE = '<script>alert(1)</script> | & "quoted"'


def picture(name: str) -> Picture:
    """Two lines."""
    figure, [axis] = new_figure()
    data = [(1, 0.25, 0.5), (2, 0.375, 0.6)]
    for place, series in enumerate(("first", "second")):
        axis.plot([row[0] for row in data], [row[place + 1] for row in data], label=series, **look_of(place))
    axis.set_xlabel("k")
    axis.set_ylabel("pass@k (share of problems)")
    add_legend(axis)
    return Picture(name=name, figure=figure, says="Two rising lines.", columns=("k", "first", "second"), data=data)


def page() -> Page:
    """One section with everything, and one with a title alone."""
    table = Table(
        columns=("claim", "verdict", "why"), rows=[("rises", "reproduced", HOSTILE), ("falls", "refuted", "")], prose=(2,)
    )
    full = Section(
        name="pass-at-k",
        title="pass@k",
        text=[HOSTILE, "A second paragraph."],
        pictures=[picture("curves")],
        tables=[table],
        definition="1 - C(n - c, k) / C(n, k)",
        caveat="n is small.",
        published="0.8 at k = 1 (a paper).",
    )
    return Page(title="A <report>", lead=["What this is."], sections=[full, Section(name="rest", title="The rest")])
