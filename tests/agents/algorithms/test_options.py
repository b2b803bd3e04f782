from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from agents.algorithms.table import ALGORITHMS
from agents.config.objective import Objective
from tests.helpers.golden_batch import row_of


def test_texts_become_what_the_setting_is() -> None:
    row = row_of("ppo", {"gae_lambda": "0.5", "whitened": "false", "value_coef": "2", "aggregate": "message"})
    assert row.defaults["gae_lambda"] == 0.5
    assert row.defaults["whitened"] is False
    assert row.objective.value_coef == 2.0
    assert row.objective.aggregate == "message"


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


@pytest.mark.parametrize("value", [True, None, [1], {"x": 1}])
def test_settings_of_another_kind_are_one_sentence(value: Any) -> None:
    with pytest.raises(ValueError, match="options kl_coef="):
        ALGORITHMS["grpo"].configured({"kl_coef": value})
