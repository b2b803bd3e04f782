"""Pictures of entropy: what they show, with units, and that they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.analysis.entropy.change import Covariances, fit_scale
from agents.analysis.entropy.recorded import PredictedChange
from agents.analysis.entropy.study import EntropyStudy
from agents.analysis.entropy.tokens import TokenScores, compare_tokens, summarise
from agents.analysis.seed_curves import Curve, SeedCurve, seed_curve
from agents.reports.entropy import draw_curves, draw_prediction, draw_study
from agents.reports.style import PALETTE, save_png


def curve(arm: str, group: str, seeds: int) -> SeedCurve:
    curves = [Curve(group=group, steps=[1, 2, 3], values=[1.0 + seed, 0.8, 0.5 + seed / 2]) for seed in range(seeds)]
    found = seed_curve(arm, "exact", curves)
    assert found is not None
    return found


def test_curves_have_a_panel_per_group_a_line_per_arm_and_a_band_where_there_are_seeds(tmp_path: Path) -> None:
    curves = [curve(arm, group, seeds) for arm, seeds in (("one", 3), ("two", 1)) for group in ("solver/x", "whole model")]
    figure = draw_curves(curves)
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in shown] == ["whole model", "solver/x"]
    for axes in shown:
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("step (updates of the weights)", "entropy (nats per token)")
        assert [line.get_label() for line in axes.get_lines()] == ["one (3 seeds)", "two"]
        assert [line.get_color() for line in axes.get_lines()] == list(PALETTE[:2])
        assert axes.get_lines()[0].get_linestyle() != axes.get_lines()[1].get_linestyle()
        band = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
        assert band[:, 1].max() > 2.5  # the interval of step 1, of 1, 2 and 3
        assert axes.get_ylim()[0] == 0
    save_png(figure, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_a_study_shows_histograms_means_and_overlaps(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scores = [TokenScores(rng.exponential(1.0, 60), -rng.exponential(1.0, 60), np.repeat(np.arange(6), 10)) for _ in range(2)]
    clusters = [0, 0, 1, 1, 2, 2]
    names = ("base", "trained")
    summaries = [
        summarise(one.of(places), clusters, 1.0, model=name, replies=name, group=group)
        for name, one in zip(names, scores, strict=True)
        for group, places in (("all", range(6)), ("solver/x", [0]))
    ]
    overlap = compare_tokens(*scores, clusters, names=names, replies="base")
    figure = draw_study(EntropyStudy(threshold=1.0, summaries=summaries, overlaps=[overlap]))
    first, second, third = figure.axes
    assert [line.get_label() for line in first.get_lines()] == [*names, "80th percentile of the base"]
    heights = np.nan_to_num(np.asarray(first.get_lines()[0].get_ydata()))
    assert heights.sum() == pytest.approx(1.0)
    assert [label.get_text() for label in second.get_xticklabels()] == ["all", "solver\nx"]
    assert third.patches[0].get_height() == pytest.approx(overlap.overlap)
    assert draw_study(EntropyStudy(threshold=1.0, summaries=summaries[:2], overlaps=[])).axes[1:2]
    save_png(figure, tmp_path / "study.png")


def test_a_prediction_shows_every_run_of_a_panel() -> None:
    change = PredictedChange(
        group="solver",
        steps=[1, 2, 3],
        updates=[1, 1, 1],
        covariances=[Covariances(value, 0.0, 5) for value in (0.1, 0.2, 0.3)],
        changes=[-0.1, -0.2, -0.3],
    )
    fit = fit_scale(change.totals, change.changes)
    figure = draw_prediction("run", {"solver": [(change, fit), (change, fit)]})
    [axes] = figure.axes
    assert axes.get_title() == "solver: r = 1.00, same sign 100%"
    assert figure.get_suptitle() == "run"
    assert len(axes.collections) == 2
    assert np.asarray(axes.collections[0].get_offsets()) == pytest.approx(np.array([[-0.1, -0.1], [-0.2, -0.2], [-0.3, -0.3]]))
