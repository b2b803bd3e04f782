"""Pictures of unchanged weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.analysis.weights.equal_size import SizePoint
from agents.analysis.weights.sparsity import Sparsity, measure_sparsity
from agents.reports.sparsity import draw_at_size, draw_sparsity
from agents.reports.style import Looks, new_figure, save_png
from tests.helpers.checkpoints import in_memory, random_tensors

RUNS = {
    "sft": [SizePoint("2", 1e-3, 0.2), SizePoint("1", 1e-4, 0.6), SizePoint("0", 0.0, 1.0)],
    "rlvr": [SizePoint("1", 2e-4, 0.7)],
}


@pytest.fixture(scope="module")
def results() -> dict[str, Sparsity]:
    start = in_memory(random_tensors(0, prefix=""))
    return {
        arm: measure_sparsity(start, in_memory(random_tensors(seed, prefix=""), arm)) for seed, arm in ((1, "sft"), (2, "rl"))
    }


def test_every_panel_shows_the_shares_of_every_arm(results: dict[str, Sparsity], tmp_path: Path) -> None:
    figure = draw_sparsity(results, RUNS)
    tolerance, layer, kind, size, small_layer, small_kind = figure.axes
    for axes, lines in ((tolerance, 4), (layer, 2), (kind, 2), (size, 2), (small_layer, 2), (small_kind, 2)):
        assert len(axes.get_lines()) == lines
        assert axes.get_ylabel().endswith("(share, 0 to 1)")
    whole = results["sft"].whole.changes
    assert np.asarray(tolerance.get_lines()[0].get_ydata()) == pytest.approx([whole.float32_share(place) for place in range(6)])
    assert np.asarray(tolerance.get_lines()[1].get_ydata()) == pytest.approx(
        [whole.bfloat16_share(place) for place in range(6)]
    )
    assert [line.get_fillstyle() for line in tolerance.get_lines()] == ["full", "none"] * 2
    shares = [one.changes.bfloat16_share() for one in results["rl"].layers if one.name.startswith("layer ")]
    assert np.asarray(layer.get_lines()[1].get_xydata()) == pytest.approx(np.array([[0, shares[0]], [1, shares[1]]]))
    assert [text.get_text() for text in kind.get_xticklabels()] == ["q", "down", "embedding", "norm"]
    small = [one.changes.below_tenth / one.changes.weights for one in results["sft"].kinds]
    assert np.asarray(small_kind.get_lines()[0].get_ydata()) == pytest.approx(small)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sft", "rl"]
    save_png(figure, tmp_path / "sparsity.png")
    assert (tmp_path / "sparsity.png").stat().st_size > 10_000


def test_without_trajectories_their_panel_is_empty_and_one_arm_needs_no_legend(results: dict[str, Sparsity]) -> None:
    figure = draw_sparsity({"rl": results["rl"]})
    assert not figure.axes[3].axison
    assert not figure.legends


def test_trajectories_are_in_order_of_size_and_leave_out_what_has_no_log() -> None:
    _, [axes] = new_figure()
    draw_at_size(axes, RUNS, Looks())
    assert np.asarray(axes.get_lines()[0].get_xydata()) == pytest.approx(np.array([[1e-4, 0.6], [1e-3, 0.2]]))
    assert axes.get_xscale() == "log"
    assert axes.get_xlim()[0] < 1e-4 < 1e-3 < axes.get_xlim()[1]
