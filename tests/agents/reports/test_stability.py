"""The picture of how runs went: panels, lines, bands, and marks of alarms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.analysis.seed_curves import Curve, SeedCurve, seed_curve
from agents.analysis.stability.alarms import Alarm
from agents.reports.stability import draw_stability
from agents.reports.style import PALETTE, save_png


def curve(arm: str, quantity: str, role: str, seeds: int) -> SeedCurve:
    curves = [Curve(group=role, steps=[1, 2, 3], values=[1.0 + seed, 0.8, 0.5 + seed / 2]) for seed in range(seeds)]
    found = seed_curve(arm, quantity, curves)
    assert found is not None
    return found


def alarm(arm: str, quantity: str, role: str, step: int) -> Alarm:
    keywords = {"run": f"{arm}-0", "name": "it breaks", "value": 1.0, "reference": 2.0, "reason": "It broke."}
    return Alarm(arm=arm, quantity=quantity, role=role, step=step, **keywords)  # pyright: ignore[reportArgumentType]


def test_a_panel_per_quantity_and_role_arms_overlaid_alarms_marked(tmp_path: Path) -> None:
    curves = [
        curve(arm, quantity, role, seeds)
        for arm, seeds in (("one", 3), ("_two$", 1))
        for quantity, role in (("reward", "challenger"), ("V", "solver"), ("V_Q", "solver"), ("KL", "challenger"))
    ]
    figure = draw_stability(curves, [alarm("_two$", "V", "solver", 2), alarm("one", "length", "solver", 3)])
    shown = {axes.get_title(): axes for axes in figure.axes if axes.axison}
    assert list(shown) == ["reward: challenger", "V: solver", "V_Q: solver", "KL: challenger"]
    lines = shown["V: solver"].get_lines()
    assert [line.get_color() for line in lines] == [PALETTE[0], PALETTE[1], PALETTE[1]]
    assert np.asarray(lines[0].get_ydata()) == pytest.approx([2.0, 0.8, 1.0])
    assert list(np.asarray(lines[2].get_xdata())) == [2, 2]
    assert len(shown["V_Q: solver"].get_lines()) == 2
    band = np.concatenate([path.vertices for path in shown["V: solver"].collections[0].get_paths()])
    assert band[:, 1].max() > 4  # the interval of step 1, of 1, 2 and 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "_two$"]
    assert figure.get_suptitle() == "means per step; bands: 95 % over seeds; dotted: an alarm"
    save_png(figure, tmp_path / "stability.png")
    assert (tmp_path / "stability.png").stat().st_size > 10_000


def test_quantities_may_be_chosen_and_nothing_to_draw_is_said() -> None:
    curves = [curve("one", quantity, "solver", 1) for quantity in ("V", "KL")]
    figure = draw_stability(curves, quantities=("KL",))
    assert [axes.get_title() for axes in figure.axes] == ["KL: solver"]
    assert figure.get_suptitle() == "means per step"
    with pytest.raises(ValueError, match="there is none to draw"):
        draw_stability([])
