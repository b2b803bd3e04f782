from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from agents.advantages import centre
from agents.algorithm import Algorithm
from agents.algorithms import ALGORITHMS, find_algorithm
from agents.losses import clipped_surrogate
from agents.objective import Objective
from tests.agents.golden_batch import golden_batch, row_of

OWN = Algorithm(name="own", advantage=centre, loss=clipped_surrogate, group_by="prompt", defaults={"clip_low": 0.1})


def test_a_setting_goes_to_the_function_that_names_it() -> None:
    row = row_of("reinforce++", {"statistics": "sequence", "clip_high": 0.5, "kl_coef": 0.1})
    assert row.defaults == {"statistics": "sequence", "clip_low": 0.2, "clip_high": 0.5, "dual_clip": 0.0}
    assert row.objective == Objective(kl_coef=0.1)
    assert ALGORITHMS["reinforce++"].defaults["statistics"] == "token"
    logprobs, ones = torch.tensor([[1.0]]), torch.ones(1, 1)
    # ratio e, cut at 1.5
    assert row.losses(logprobs, torch.zeros(1, 1), ones, ones.bool(), 1.0).item() == -1.5


def test_texts_become_what_the_setting_is() -> None:
    row = row_of("ppo", {"gae_lambda": "0.5", "whitened": "false", "value_coef": "2", "aggregate": "message"})
    assert row.defaults["gae_lambda"] == 0.5
    assert row.defaults["whitened"] is False
    assert row.objective.value_coef == 2.0
    assert row.objective.aggregate == "message"


def test_groups_can_be_chosen() -> None:
    by_role = row_of("grpo", {"group_by": "role"})
    # solver: 1 -0.5 0.25 0.5 0.5: mean 0.35, standard deviation sqrt 0.3
    found = by_role.advantages(golden_batch())[2:, -1]
    expected = (torch.tensor([1.0, -0.5, 0.25, 0.5, 0.5]) - 0.35) / (0.3**0.5 + 1e-4)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"clip": 0.1},
            r"options 'clip' is no setting of algorithm='grpo'; did you mean 'clip_low'\? choose among clip_low, clip_high",
        ),
        ({"statistics": "token"}, "options 'statistics' is no setting of algorithm='grpo'"),
        ({"clip_low": "wide"}, "options clip_low='wide' is not a number, such as 0.2"),
        ({"aggregate": 3.0}, "options aggregate=3.0 is not like 'sequence'"),
        ({"group_by": "colour"}, "group_by='colour' is not known"),
        ({"kl_coef": -1.0}, r"kl_coef=-1.0 is out of its range \(0 or more\); 0 switches it off"),
        ({"clip_low": -1}, r"options clip_low=-1.0 is out of its range \(0 or more\); .*1 or more leaves that side open"),
        ({"clip_high": "inf"}, "options clip_high=inf is not a finite number; .*1e9 leaves that side open"),
        ({"dual_clip": 0.5}, r"options dual_clip=0.5 is out of its range \(0, or above 1\); 3 is usual, and 0 switches it off"),
        ({"refills": 1.5}, "options refills=1.5 is not a whole number"),
    ],
)
def test_settings_that_do_not_fit(options: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        row_of("grpo", options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("dpo", {"beta": 0.0}, r"options beta=0.0 is out of its range \(above 0\); 0.1 is usual"),
        ("dpo", {"beta": -0.1}, "options beta=-0.1 is out"),
        ("rae", {"ema_decay": 1.0}, r"options ema_decay=1.0 is out of its range \(from 0 to below 1\); SPIRAL uses 0.95"),
        ("rae", {"ema_decay": float("nan")}, "options ema_decay=nan is not a finite number; SPIRAL uses 0.95"),
        ("ppo", {"gae_lambda": 1.01}, r"options gae_lambda=1.01 is out of its range \(from 0 to 1\)"),
        ("cispo", {"weight_cap": 0.0}, r"options weight_cap=0.0 is out of its range \(above 0\); 5 is usual"),
        ("trr++", {"statistics": "words"}, "options statistics='words' is not known; choose one of token, sequence"),
    ],
)
def test_a_rows_own_settings_refuse_nonsense(name: str, options: dict[str, str | float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        row_of(name, options)


def test_every_number_of_every_row_refuses_what_is_none() -> None:
    tried = 0
    for row in ALGORITHMS.values():
        around = {one.name: getattr(row.objective, one.name) for one in fields(Objective)}
        for name, value in {**row.defaults, **around}.items():
            if type(value) in (int, float):
                for odd in (float("nan"), float("inf"), "-inf"):
                    tried += 1
                    with pytest.raises(ValueError, match=f"options {name}=(nan|inf|-inf) is not a finite number; "):
                        row.configured({name: odd})
    assert tried > 16 * 3 * 14


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
        assert row.has_ratio == (name not in ("reinforce", "rloo", "lsp", "lsp-zero", "sft", "rft", "dpo"))
        row.check_off_policy(steps=1, stale=False)
        if row.has_ratio or name in ("sft", "rft", "dpo"):
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
    assert wanting == {"dpo", "lsp", "lsp-zero"}
    assert OWN.configured({"kl_coef": 0.1}).wants_reference


def test_one_role_alone_stops_the_row_and_siblings_of_another_do_not_help() -> None:
    batch = golden_batch()
    tags = tuple(replace(tag, prompt_id=str(i)) if tag.role == "proposer" else tag for i, tag in enumerate(batch.tags))
    alone = replace(batch, tags=tags)
    with pytest.raises(ValueError, match="compares messages of one prompt, but every message of proposer/x is alone"):
        ALGORITHMS["rloo"].check_siblings(alone)
    ALGORITHMS["reinforce"].check_siblings(alone)
    ALGORITHMS["grpo"].configured({"group_by": "role+task_type"}).check_siblings(alone)


def test_a_row_of_ones_own_is_found_in_its_module() -> None:
    assert find_algorithm("tests.agents.test_algorithm:OWN").name == "own"
    with pytest.raises(ValueError, match="No module named 'nowhere'; the part before the colon"):
        find_algorithm("nowhere:OWN")
    with pytest.raises(ValueError, match="names no Algorithm; assign one to 'golden_batch'"):
        find_algorithm("tests.agents.golden_batch:golden_batch")


@pytest.mark.parametrize(
    "options",
    [
        {"group_by": "batch"},
        {"tis_cap": 2.0},
        {"entropy_share": 0.2},
        {"covariance": "clip"},
        {"aggregate": "token"},
        {"aggregate": "sequence"},
    ],
)
def test_pairs_refuse_what_has_no_meaning_for_them(options: dict[str, str | float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ALGORITHMS["dpo"].configured(options)


@pytest.mark.parametrize("name", ["sft", "rft", "dpo"])
def test_rows_that_imitate_refuse_a_price_on_returns_they_never_see(name: str) -> None:
    with pytest.raises(ValueError, match="kl_in='reward' does nothing with"):
        ALGORITHMS[name].configured({"kl_coef": 0.1, "kl_in": "reward"})
    ALGORITHMS[name].configured({"kl_coef": 0.1, "kl_in": "loss"})


@pytest.mark.parametrize("value", [True, None, [1], {"x": 1}])
def test_settings_of_another_kind_are_one_sentence(value: Any) -> None:
    with pytest.raises(ValueError, match="options kl_coef="):
        ALGORITHMS["grpo"].configured({"kl_coef": value})


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
