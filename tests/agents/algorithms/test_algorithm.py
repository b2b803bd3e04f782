from __future__ import annotations

import math
from dataclasses import replace
from inspect import signature
from pathlib import Path

import pytest
import torch
from torch import Tensor

from agents.algorithms.advantages import centre
from agents.algorithms.algorithm import Algorithm
from agents.algorithms.losses import WITHOUT_RATIO, clipped_surrogate
from agents.algorithms.table import ALGORITHMS, find_algorithm
from agents.config.objective import Objective
from tests.helpers.golden_batch import golden_batch, row_of

OWN = Algorithm(name="own", advantage=centre, loss=clipped_surrogate, group_by="prompt", defaults={"clip_low": 0.1})


def test_a_setting_goes_to_the_function_that_names_it() -> None:
    row = row_of("reinforce++", {"statistics": "sequence", "clip_high": 0.5, "kl_coef": 0.1})
    assert row.defaults == {"statistics": "sequence", "clip_low": 0.2, "clip_high": 0.5, "dual_clip": 0.0}
    assert row.objective == Objective(kl_coef=0.1)
    assert ALGORITHMS["reinforce++"].defaults["statistics"] == "token"
    logprobs, ones = torch.tensor([[1.0]]), torch.ones(1, 1)
    # ratio e, cut at 1.5
    assert row.losses(logprobs, torch.zeros(1, 1), ones, ones.bool(), 1.0).item() == -1.5


def test_groups_can_be_chosen() -> None:
    by_role = row_of("grpo", {"group_by": "role"})
    # solver: 1 -0.5 0.25 0.5 0.5: mean 0.35, standard deviation sqrt 0.3
    found = by_role.advantages(golden_batch())[2:, -1]
    expected = (torch.tensor([1.0, -0.5, 0.25, 0.5, 0.5]) - 0.35) / (0.3**0.5 + 1e-4)
    torch.testing.assert_close(found, expected)


def test_a_keyword_of_somebody_elses_function_may_mean_what_it_likes_but_not_nothing() -> None:
    def mine(logprobs_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor, n: float, *, beta: float) -> Tensor:
        return -(logprobs_BT * beta).sum()

    row = replace(OWN, loss=mine, defaults={"beta": -2.0})
    assert row.defaults["beta"] == -2.0
    with pytest.raises(ValueError, match="options beta=nan is not a finite number"):
        row.configured({"beta": float("nan")})


def test_who_may_train_on_what_another_policy_said() -> None:
    """One with a ratio, or one that imitates; a plain policy gradient on old messages only under truncated importance."""
    for name, row in ALGORITHMS.items():
        assert row.has_ratio == (row.loss not in WITHOUT_RATIO)
        row.check_off_policy(steps=1, stale=False)
        if row.has_ratio or row.imitates:
            row.check_off_policy(steps=4, stale=True)
            continue
        with pytest.raises(ValueError, match=rf"algorithm='{name}' has no ratio .*: 2 optimiser steps .*learner.epochs=1"):
            row.check_off_policy(steps=2, stale=False)
        with pytest.raises(ValueError, match=r"messages of an older policy .* set staleness=0, or .* tis_cap=2"):
            row.check_off_policy(steps=1, stale=True)
        corrected = row.configured({"tis_cap": 2.0})
        corrected.check_off_policy(steps=1, stale=True)
        with pytest.raises(ValueError, match="3 optimiser steps on one batch"):
            corrected.check_off_policy(steps=3, stale=True)
    OWN.check_off_policy(steps=2, stale=True)
    known = {"reinforce": (False, False), "grpo": (True, False), "sft": (False, True), "dpo": (False, True)}
    assert {name: (ALGORITHMS[name].has_ratio, ALGORITHMS[name].imitates) for name in known} == known


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_loss_has_a_ratio_where_old_probabilities_change_it(name: str) -> None:
    row = ALGORITHMS[name]
    logprobs, ones = torch.tensor([[-1.0], [-2.0]]), torch.ones(2, 1)
    same, other = (
        row.losses(logprobs, logprobs + shift, ones, ones.bool(), 2.0, reference_BT=logprobs - 0.5) for shift in (0.0, 0.05)
    )
    assert row.has_ratio == (same.item() != other.item())


@pytest.mark.parametrize(
    ("name", "bounds"),
    [("grpo", (0.8, 1.2)), ("dapo", (0.8, 1.28)), ("cispo", (-math.inf, 5.0)), ("sft", (-math.inf, math.inf))],
)
def test_the_ratios_that_count_as_clipped(name: str, bounds: tuple[float, float]) -> None:
    assert ALGORITHMS[name].ratio_bounds == pytest.approx(bounds)


def test_a_default_must_have_a_home() -> None:
    with pytest.raises(
        ValueError, match=r"Algorithm\.defaults has 'beta', which neither the advantage nor the loss of 'own' takes"
    ):
        replace(OWN, defaults={"beta": 0.1})


def test_a_reference_is_wanted_by_the_loss_or_by_a_kl_term() -> None:
    wanting = {name for name, row in ALGORITHMS.items() if row.wants_reference}
    by_loss = {name for name, row in ALGORITHMS.items() if "reference_BT" in signature(row.loss).parameters}
    by_kl = {name for name, row in ALGORITHMS.items() if row.objective.kl_coef > 0}
    assert wanting == by_loss | by_kl
    assert ("dpo" in by_loss, {"lsp", "lsp-zero"} <= by_kl, "grpo" in wanting) == (True, True, False)
    assert OWN.configured({"kl_coef": 0.1}).wants_reference


def test_one_role_alone_stops_the_row_and_siblings_of_another_do_not_help() -> None:
    batch = golden_batch()
    tags = tuple(replace(tag, prompt_id=str(i)) if tag.role == "proposer" else tag for i, tag in enumerate(batch.tags))
    alone = replace(batch, tags=tags)
    with pytest.raises(ValueError, match="compares messages of one prompt, but every message of proposer/x is alone"):
        ALGORITHMS["rloo"].check_siblings(alone, ALGORITHMS["rloo"].groups(alone))
    for algorithm in (ALGORITHMS["reinforce"], ALGORITHMS["grpo"].configured({"group_by": "role+task_type"})):
        algorithm.check_siblings(alone, algorithm.groups(alone))


def test_a_row_of_ones_own_is_found_in_its_module() -> None:
    assert find_algorithm("tests.agents.algorithms.test_algorithm:OWN").name == "own"
    with pytest.raises(ValueError, match="No module named 'nowhere'; the part before the colon"):
        find_algorithm("nowhere:OWN")
    with pytest.raises(ValueError, match="names no Algorithm; assign one to 'golden_batch'"):
        find_algorithm("tests.helpers.golden_batch:golden_batch")


@pytest.mark.parametrize("name", ["sft", "rft", "dpo"])
def test_rows_that_imitate_refuse_a_price_on_returns_they_never_see(name: str) -> None:
    with pytest.raises(ValueError, match="kl_in='reward' does nothing with"):
        ALGORITHMS[name].configured({"kl_coef": 0.1, "kl_in": "reward"})
    ALGORITHMS[name].configured({"kl_coef": 0.1, "kl_in": "loss"})


def test_what_a_module_of_ones_own_does_wrong_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_broken.py").write_text("def f(:\n")
    (tmp_path / "own_failing.py").write_text("x = 1\ny = x / 0\n")
    with pytest.raises(ValueError, match=r"a module is named without a path; write own_broken:ROW\."):
        find_algorithm("./own_broken.py:ROW")
    with pytest.raises(ValueError, match=r"'own_broken:ROW': own_broken.py:1: SyntaxError: "):
        find_algorithm("own_broken:ROW")
    with pytest.raises(ValueError, match=r"own_failing.py:2: ZeroDivisionError: division by zero; mend that module"):
        find_algorithm("own_failing:ROW")


def test_functions_of_ones_own_are_told_what_is_wanted_of_them() -> None:
    row = ALGORITHMS["reinforce"]
    with pytest.raises(
        ValueError, match=r"Algorithm.advantage of 'reinforce' must take \(returns_B, group_B, mask_BT\): too many"
    ):
        replace(row, needs=frozenset(), advantage=lambda returns_B, mask_BT: mask_BT)
    with pytest.raises(ValueError, match=r"Algorithm.loss of 'reinforce' must take \(logprobs_BT, old_BT"):
        replace(row, loss=lambda logprobs_BT: logprobs_BT.sum())
    flat = replace(row, needs=frozenset(), advantage=lambda returns_B, group_B, mask_BT: returns_B)
    batch = golden_batch()
    with pytest.raises(
        ValueError, match=r"its advantage has the shape \(7,\) where \(messages, tokens\) = \(7, 5\) is wanted; .*on_tokens"
    ):
        flat.advantages(batch)
    spread = replace(row, loss=lambda logprobs_BT, old_BT, advantage_BT, mask_BT, denominator: logprobs_BT)
    with pytest.raises(ValueError, match=r"its loss has the shape \(2, 3\); return one number"):
        spread.losses(*(torch.zeros(2, 3) for _ in range(4)), 1.0)
