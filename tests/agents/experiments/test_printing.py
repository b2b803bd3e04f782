"""An experiment as TOML."""

from __future__ import annotations

import tomllib

from agents.config.run import TrainConfig
from agents.experiments.designs.azr import azr
from agents.experiments.printing import as_toml, shared, without


def test_what_records_share_and_what_is_left_make_them_again() -> None:
    first, second = {"a": 1, "b": {"c": 2, "d": [3]}, "e": {}}, {"a": 1, "b": {"c": 5, "d": [3]}, "e": {}}
    common = shared([first, second])
    assert common == {"a": 1, "b": {"d": [3]}, "e": {}}
    assert without(first, common) == {"b": {"c": 2}}
    assert without(second, common) == {"b": {"c": 5}}
    assert shared([]) == {}


def test_every_arm_can_be_made_of_the_text() -> None:
    experiment = azr(scale="full")
    text = as_toml(experiment)
    assert text.startswith("# Equal in every arm: 100 optimiser steps")
    data = tomllib.loads(text)
    for arm, printed in zip(experiment.arms, data["arms"], strict=True):
        assert (arm.name, arm.note, list(arm.seeds)) == (printed["name"], printed["note"], printed["seeds"])
        if arm.config is None:
            assert "config" not in printed
            continue
        assert TrainConfig.from_json(joined(data["common"], printed["config"])) == arm.config
    assert data["budget"] == {"steps": 100, "tokens_per_step": 3_000, "counted": "all"}


def joined(common: dict, own: dict) -> dict:
    both = {name: joined(common[name], own[name]) for name in own if isinstance(common.get(name), dict)}
    return {**common, **own, **both}
