"""Series of a picture stay apart, also without colours."""

from itertools import combinations
from pathlib import Path

from matplotlib.patches import Patch

from agents.reports.style import PALETTE, Looks, add_legend, labelled, look_of, new_figure, save_picture, save_png, svg_of

ODD = r"a$\foo$"
"""A name that is a formula to matplotlib, and a wrong one."""


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_no_two_series_look_alike() -> None:
    looks = [look_of(place) for place in range(32)]
    keys = [tuple(look[name] for name in ("color", "marker", "linestyle")) for look in looks]
    assert len(set(keys)) == len(keys)
    for first, second in combinations(looks[: len(PALETTE)], 2):
        assert first["color"] != second["color"]
        assert first["marker"] != second["marker"]


def test_colours_stand_out_on_dark_and_on_light() -> None:
    for colour in PALETTE:
        value = luminance(colour)
        assert 1.05 / (value + 0.05) > 1.9, colour  # on white
        assert (value + 0.05) / (luminance("#14171b") + 0.05) > 2.5, colour


def test_a_picture_is_one_element_without_date() -> None:
    figure, [axis] = new_figure()
    axis.plot([0, 1], [0, 1])
    text = svg_of(figure)
    assert text.startswith("<svg")
    assert text.rstrip().endswith("</svg>")
    assert "dc:date" not in text


def test_a_name_looks_the_same_wherever_the_looks_are_shared() -> None:
    looks = Looks(["base", "sft"])
    assert looks("new") == look_of(2)
    assert [looks(name) for name in ("sft", "base", "new", "newer")] == [look_of(place) for place in (1, 0, 2, 3)]


def test_names_are_shown_as_they_are_and_powers_at_ticks_are_set(tmp_path: Path) -> None:
    figure, [axis, other] = new_figure(1, 2)
    axis.plot([1, 1000], [1, 2], label=ODD)
    axis.set(title=ODD, xlabel=ODD, ylabel=ODD, xscale="log")
    axis.annotate(ODD, (1, 1))
    other.set_xticks([0, 1], [ODD, "b"])
    figure.suptitle(ODD)
    add_legend(axis)
    save_png(figure, tmp_path / "a.png")
    for ending in (".svg", ".pdf", ".png"):
        save_picture(figure, (tmp_path / "b").with_suffix(ending))
    text = svg_of(figure)
    assert text.count(f">{ODD}</text>") == 7
    assert "}}$</text>" not in text  # but 10 with a raised number


def test_a_name_that_begins_with_a_line_is_in_the_legend() -> None:
    figure, [axis] = new_figure()
    axis.plot([0, 1], [0, 1], label="_base")
    axis.plot([0, 1], [1, 0])
    axis.errorbar([0, 1], [1, 1], [0.1, 0.1], label="bars")
    axis.fill_between([0, 1], [0, 0], [1, 1], label="band")
    axis.axhline(0.5, label="line")
    handles, labels = labelled(axis)
    assert sorted(labels) == ["_base", "band", "bars", "line"]
    add_legend(axis)
    legend = axis.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == labels
    add_legend(figure, handles=handles[:1], labels=["_"], loc="outside lower center")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["_"]
    assert len([one for one in legend.get_patches() if isinstance(one, Patch)]) == 1


def test_where_nothing_has_a_label_there_is_no_legend() -> None:
    figure, [axis] = new_figure()
    axis.plot([0, 1], [0, 1])
    add_legend(axis)
    add_legend(figure)
    assert axis.get_legend() is None
    assert not figure.legends
