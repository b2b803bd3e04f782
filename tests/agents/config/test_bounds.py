"""Checks that all frozen records of a configuration share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from agents.config.bounds import check_choices, check_fields


@dataclass(frozen=True)
class Oven:
    heat: float = 1.0
    trays: int = 2
    timer_s: float | None = None
    fan: bool = False
    mode: str = "grill"

    def __post_init__(self) -> None:
        check_fields(self, heat=0, trays=1)
        check_choices(self, mode=("bake", "grill", "steam"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"heat": -1}, "Oven.heat=-1 is below 0; choose a value of at least that."),
        ({"heat": float("nan")}, "Oven.heat=nan is not a finite number; choose one."),
        ({"heat": "hot"}, "Oven.heat='hot' is not a number; choose one."),
        ({"trays": 1.5}, "Oven.trays=1.5 is not a whole number; choose one."),
        ({"trays": True}, "Oven.trays=True is not a whole number; choose one."),
        ({"fan": 1}, "Oven.fan=1 is not True or False; choose one."),
        ({"mode": None}, "Oven.mode=None is not a text; choose one."),
        ({"mode": "fry"}, "Oven.mode='fry' is not known; choose bake, grill or steam."),
    ],
)
def test_a_wrong_field_is_one_sentence(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as raised:
        Oven(**wrong)
    assert str(raised.value) == sentence


def test_what_is_right_passes() -> None:
    assert Oven(heat=0, trays=1, timer_s=3, mode="bake").heat == 0
