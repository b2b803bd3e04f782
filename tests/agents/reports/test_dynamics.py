"""The picture of what runs solve against entropy and unchanged weights."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from agents.analysis.dynamics import Point, laws_of
from agents.reports.dynamics import draw_dynamics
from agents.reports.style import save_png

POINTS = [
    Point(
        run=f"run-{run}",
        arm=arm,
        seed=run,
        step=step,
        entropy=0.5 - 0.1 * step,
        by_role={"proposer": 0.7, "solver": 0.5 - 0.1 * step},
        pass_1=0.6 - 0.2 * math.exp(0.5 - 0.1 * step),
        pass_k=0.9,
        k=8,
        unchanged=1.0 - 0.2 * step,
        given=arm == "sft",
    )
    for run, arm in enumerate(("azr", "azr", "azr", "sft"))
    for step in range(3)
]


def test_two_rows_of_panels_with_points_law_and_units(tmp_path: Path) -> None:
    figure = draw_dynamics(POINTS, laws_of(POINTS))
    assert len(figure.axes) == 2 * 4
    first, below = figure.axes[0], figure.axes[4]
    assert (first.get_xlabel(), first.get_ylabel()) == ("entropy, whole model (nats per token)", "pass@1 (0 to 1)")
    assert below.get_ylabel() == "pass@8 (0 to 1)"
    assert first.get_title() == "R = -0.2 exp(H) + 0.6, R² = 1.00"
    assert figure.axes[1].get_title() == "not fitted"  # one entropy of the proposer
    *runs, law = first.get_lines()
    assert [line.get_fillstyle() for line in runs] == ["full", "full", "full", "none"]
    assert np.asarray(law.get_ydata())[[0, -1]] == pytest.approx([0.6 - 0.2 * math.exp(0.3), 0.6 - 0.2 * math.exp(0.5)])
    assert figure.axes[3].get_xlabel() == "unchanged weights (share, 0 to 1)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "azr",
        "sft (entropy of given replies)",
        "fit to all arms, 95 %",
    ]
    save_png(figure, tmp_path / "dynamics.png")
    assert (tmp_path / "dynamics.png").stat().st_size > 10_000
