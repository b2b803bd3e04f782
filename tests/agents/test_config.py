from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from agents.config import EvalConfig, GameMix, TrainConfig
from agents.presets import PRESETS, find_preset
from agents.sampling import Sampling


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_round_trip_through_json(name: str) -> None:
    config = find_preset(name)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_an_unknown_field_is_named() -> None:
    data = find_preset("kuhn-tiny").to_json()
    with pytest.raises(ValueError, match=r"LearnerConfig has no field 'momentum'"):
        TrainConfig.from_json({**data, "learner": {"momentum": 0.9}})


GAMES = (GameMix(env_id="A"),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"games": ()}, r"games=\(\) is empty"),
        ({"games": GAMES * 2}, "names a game twice"),
        ({"games": (GameMix(env_id="A", references_from=("B",)),)}, "names 'B'"),
        ({"steps": 0}, "TrainConfig.steps=0"),
        ({"reward": "sideways"}, "reward='sideways'"),
        ({"lanes": 0}, "TrainConfig.lanes=0"),
        ({"staleness": 2}, "staleness=2 is above 1"),
        ({"schedule": "every:solver"}, "schedule='every:solver'"),
        ({"sampler": "llama.cpp"}, "sampler='llama.cpp'"),
        ({"sampler": "endpoint:url=http://x,model=m"}, "which training cannot change"),
        ({"trackers": ("paper",)}, "names 'paper'"),
        ({"sampling": Sampling(temperature=0)}, "training needs temperature > 0"),
        ({"sampling": Sampling(top_p=0.9)}, "top_p=0.9"),
    ],
)
def test_a_wrong_run_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TrainConfig(games=GAMES), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fresh": -1}, "GameMix.fresh=-1"),
        ({"fresh": 0, "replay": 0}, "are both 0"),
        ({"newest": 1.5}, "newest=1.5"),
        ({"capacity": 0}, "capacity=0"),
        ({"exclude": "all"}, "exclude='all'"),
    ],
)
def test_a_wrong_mix_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GameMix(env_id="A", **changes)


def test_a_wrong_evaluation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"EvalConfig\.samples=0"):
        EvalConfig(samples=0)
