"""Series by quantity and role from rows, also from odd ones, and their means over seeds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from agents.analysis.stability.quantities import WHOLE
from agents.analysis.stability.watched import mean_curves, watch
from selfplay_envs import UsageError
from tests.helpers.planted_runs import Plant, planted_run, run_of


def lsp_row(step: int) -> dict[str, Any]:
    """Of Language Self-Play: a challenger that is paid -V + V_Q, less what repeats, and a solver on two task types."""
    return {
        "step": step,
        "kl_reference": 0.1 * step,
        "no_signal": 0.0,
        "Game/proposals": 4,
        "Game/distinct": 3,
        "challenger/count": 4,
        "challenger/credit_mean": 4.5,
        "challenger/reward/game": 4.5,
        "challenger/reward/duplicate": -0.5,
        "solver/a/count": 30,
        "solver/a/void": 10,
        "solver/a/solve_rate": 0.0,
        "solver/a/score_mean": 0.2,
        "solver/a/credit_mean": 5.2,
        "solver/a/quality_mean": 5.0,
        "solver/a/quality/ok": 10,
        "solver/b/count": 60,
        "solver/b/solve_rate": 0.1,
        "solver/b/score_mean": 0.6,
        "solver/b/credit_mean": 2.6,
        "solver/b/quality_mean": 2.0,
        "solver/b/quality/ok": 20,
    }


def test_the_figures_of_language_self_play_by_hand() -> None:
    found = watch(run_of([lsp_row(1), lsp_row(2)]))
    assert (list(found.roles), list(found.answering)) == (["challenger", "solver"], ["solver"])
    last = {key: curve.values[-1] for key, curve in found.curves.items()}
    assert last["reward", "challenger"] == 4.5
    assert last["return", "challenger"] == 4.0
    assert last["return: duplicate", "challenger"] == -0.5
    assert last["V", "solver"] == pytest.approx((20 * 0.2 + 60 * 0.6) / 80)
    assert last["V_Q", "solver"] == pytest.approx((10 * 5 + 20 * 2) / 30)
    assert last["distinct", "challenger"] == 0.75
    assert last["KL, all roles", WHOLE] == 0.2
    assert ("KL", "solver") not in last
    assert ("V", "challenger") not in last


def test_a_term_that_some_rows_lack_is_0_there() -> None:
    without = {key: value for key, value in lsp_row(2).items() if "/reward/" not in key}
    found = watch(run_of([lsp_row(1), without]))
    assert found.curves["return: duplicate", "challenger"].values == [-0.5, 0.0]
    assert found.curves["return", "challenger"].values == [4.0, 4.5]


def test_kl_is_by_role_where_rows_have_it() -> None:
    row = {
        **lsp_row(1),
        "solver/a/kl_reference": 0.1,
        "solver/b/kl_reference": 0.4,
        "solver/a/tokens": 10,
        "solver/b/tokens": 20,
    }
    found = watch(run_of([row]))
    assert found.curves["KL", "solver"].values == [pytest.approx((10 * 0.1 + 20 * 0.4) / 30)]


def test_odd_rows() -> None:
    """Repeated and unordered steps, numbers that are none, texts in their place, missing keys."""
    odd: dict[str, Any] = {
        **lsp_row(3),
        "kl_reference": math.nan,
        "solver/a/score_mean": math.inf,
        "challenger/credit_mean": 10**400,
        "solver/b/solve_rate": "many",
        "solver/b/void": None,
    }
    found = watch(run_of([lsp_row(5), {**lsp_row(2), "kl_reference": 9.0}, odd, lsp_row(2), {"step": 4}]))
    assert found.steps == 4
    assert found.curves["KL, all roles", WHOLE].steps == [2, 5]
    assert found.curves["KL, all roles", WHOLE].values == pytest.approx([0.2, 0.5])  # of step 2 the last row
    assert found.curves["V", "solver"].values[1] == pytest.approx(0.6)
    assert found.damage == {"challenger/credit_mean": 3, "kl_reference": 3, "solver/a/score_mean": 3}
    with pytest.raises(UsageError, match="has step=None; was the file edited"):
        watch(run_of([{"kl_reference": 1.0}]))
    with pytest.raises(UsageError, match=r"has step=nan"):
        watch(run_of([{"step": math.nan}]))


def test_one_row_and_a_row_of_nothing() -> None:
    assert watch(run_of([lsp_row(1)])).curves["V", "solver"].steps == [1]
    assert watch(run_of([{"step": 1}])).curves == {}


def test_means_are_over_seeds_and_say_nothing_twice() -> None:
    runs = [watch(planted_run(Plant(seed=seed, steps=20))) for seed in range(3)]
    means = {(curve.kind, curve.group): curve for curve in mean_curves(runs)}
    of_step = [run.curves["length", "solver"].values[4] for run in runs]
    assert means["length", "solver"].means[4].mean == pytest.approx(sum(of_step) / 3)
    assert means["length", "solver"].means[4].low is not None
    assert means["length", "solver"].seeds == 3
    assert ("V", "solver") not in means  # it is the share that is solved
    assert ("return", "solver") not in means
