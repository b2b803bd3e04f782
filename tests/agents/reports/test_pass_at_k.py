"""The picture of pass@k shows the numbers of the comparison, each arm in a look of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.analysis.answers.pass_at_k import PassAtK, compare_pass_at_k
from agents.analysis.answers.trials import Count, trials_of
from agents.reports.pass_at_k import draw_pass_at_k
from agents.reports.style import save_png


def comparison(name: str, right: list[int], problems: int = 6) -> PassAtK:
    base = trials_of("base", {"b": {str(p): Count(c, 8) for p, c in enumerate([1, 2, 3, 2, 1, 2])}})
    return compare_pass_at_k(base, trials_of(name, {"s": {str(p): Count(c, 8) for p, c in enumerate(right[:problems])}}))


def test_lines_bands_and_where_it_turns(tmp_path: Path) -> None:
    sharp, wide = comparison("sharp", [8, 8, 8, 0, 0, 0]), comparison("wide", [4, 5, 6, 5, 4, 5])
    figure = draw_pass_at_k([sharp, wide])
    curves, differences = figure.axes
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["base", "sharp", "wide"]
    base, first, second = curves.get_lines()
    np.testing.assert_allclose(base.get_xydata(), [(p.k, p.base.mean) for p in sharp.points])
    np.testing.assert_allclose(second.get_xydata(), [(p.k, p.trained.mean) for p in wide.points])
    assert len({(one.get_color(), one.get_marker(), one.get_linestyle()) for one in (base, first, second)}) == 3
    for look in ("get_color", "get_marker", "get_linestyle"):
        assert len({getattr(one, look)() for one in (base, first, second)}) == 3
    band = curves.collections[2].get_paths()[0].vertices
    assert {(p.k, round(p.trained.low, 9)) for p in wide.points} <= {(x, round(y, 9)) for x, y in np.asarray(band).tolist()}
    assert curves.get_xscale() == differences.get_xscale() == "log"
    assert [label.get_text() for label in curves.get_xticklabels()] == ["1", "2", "4"]
    assert sharp.crossover is not None
    assert wide.crossover is None
    turn = next(line for line in differences.get_lines() if len(line.get_xdata()) == 1)
    assert turn.get_xydata().tolist() == [[pytest.approx(sharp.crossover.k), 0.0]]
    save_png(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_base_on_other_problems_is_a_curve_of_its_own() -> None:
    figure = draw_pass_at_k([comparison("all", [4, 5, 6, 5, 4, 5]), comparison("some", [4, 5, 6, 5, 4, 5], 3)])
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["base", "base (beside some)", "all", "some"]


def test_many_names_stand_below_the_curves() -> None:
    figure = draw_pass_at_k([comparison(f"arm {number}", [4, 5, 6, 5, 4, 5]) for number in range(9)])
    assert figure.axes[0].get_legend() is None
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["base", *(f"arm {number}" for number in range(9))]
