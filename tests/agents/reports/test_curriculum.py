"""Pictures of proposals show the numbers that they are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.analysis.curriculum.proposals import proposals_in
from agents.analysis.curriculum.quantities import series_of
from agents.analysis.curriculum.solved import Solved
from agents.analysis.curriculum.study import RunCurriculum, curricula_by_arm
from agents.reports.curriculum import draw_curriculum, draw_histogram, draw_lines
from agents.reports.style import Looks, new_figure
from tests.helpers.planted_proposals import code_task, planted


def run(arm: str, shift: int) -> RunCurriculum:
    episodes = {step: [planted(code_task(step), [1] * (step - shift) + [0] * (8 - step + shift), tokens=9)] for step in (4, 8)}
    proposals = [one for step, of_step in episodes.items() for one in proposals_in(of_step, step)]
    return RunCurriculum(name=f"{arm}-{shift}", arm=arm, proposals=proposals, series=series_of(proposals))


def test_lines_are_means_and_bands_take_three_seeds() -> None:
    for seeds in (2, 3):
        arms = curricula_by_arm([run("azr", shift) for shift in range(seeds)])
        _, [axes] = new_figure()
        draw_lines(axes, arms, "solve_rate", Looks())
        [line] = axes.get_lines()
        mean = sum(range(seeds)) / seeds
        assert np.asarray(line.get_xdata()).tolist() == [4, 8]
        assert np.asarray(line.get_ydata()).tolist() == pytest.approx([(4 - mean) / 8, (8 - mean) / 8])
        assert len(axes.collections) == (seeds == 3)
        assert axes.get_ylim()[0] == 0


def test_no_line_of_several_arms_is_cut() -> None:
    _, [axes] = new_figure()
    draw_lines(axes, curricula_by_arm([run("low", 3), run("high", 0)]), "solve_rate", Looks())
    assert axes.get_ylim()[1] >= 1.0


def test_bars_are_the_shares() -> None:
    _, [axes] = new_figure()
    [arm] = curricula_by_arm([run("azr", 0)])
    rows = draw_histogram(axes, "azr", arm.proposals)
    assert [bin_ for _, bin_, share in rows if share == 1] == [4, 8]
    assert sum(patch.get_height() for patch in axes.patches) == 2  # pyright: ignore[reportAttributeAccessIssue]


def test_a_panel_per_quantity_and_a_histogram_per_arm() -> None:
    plain = run("azr", 0)
    figure = draw_curriculum(curricula_by_arm([plain, run("$x_1$ frozen", 1)]))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[-3:-1] == ["azr", "$x_1$ frozen"]
    assert "length" in titles
    assert not {"length in characters", "score of own panel", "the sample, by base model"} & set(titles)
    both = Solved(step=4, group="g", own=0.5, own_score=0.5, base=0.1, base_score=0.3, final=0.2, final_score=0.4)
    solved = draw_curriculum(curricula_by_arm([replace(plain, solved=[both, replace(both, step=8)])]))
    assert {"the sample, by base model", "its score by last model"} <= {axes.get_title() for axes in solved.axes}
