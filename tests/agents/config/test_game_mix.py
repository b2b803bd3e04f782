from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from agents.config.game_mix import NEWER, GameMix, game_from_json

DATASET = "SelfPlay/Dataset-v0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fresh": 0}, r"fresh=0 of 'A': .* would never be played; .* fixed set of tasks \(tasks=\)"),
        ({"seeds": 4}, r"GameMix\.seeds=4 of 'A': .* tasks="),
        ({"fresh": 0, "tasks": "tiny", "fixed": 0}, r"GameMix\.fixed=0 of 'A' with fresh=0: nothing would be played"),
        ({"fresh": 0, "tasks": "tiny", "fixed": 0, "seeds": 4, "replay": 0}, "nothing would be played"),
        ({"gold": -1}, r"GameMix\.gold=-1 is below 0"),
        ({"exclude": ""}, r"GameMix\.exclude='' says nothing"),
    ],
)
def test_a_mix_that_plays_nothing_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GameMix(env_id="A", **changes)


def test_any_share_of_fresh_replay_and_fixed_is_a_mix() -> None:
    GameMix(env_id="A", tasks="tiny")
    GameMix(env_id="A", tasks="tiny", fixed=0, seeds=256)
    GameMix(env_id="A", tasks="tiny", fresh=0, replay=4)
    GameMix(env_id="A", tasks="tiny", fresh=0, fixed=0, seeds=4, replay=4)


def test_without_fresh_episodes_a_source_of_the_game_is_its_task_set() -> None:
    source = {"source": "sample"}
    assert GameMix(env_id=DATASET, kwargs=source, fresh=0).task_source == "sample"
    assert GameMix(env_id=DATASET, kwargs=source).task_source == ""  # drawn by the game itself
    assert GameMix(env_id=DATASET, kwargs=source, fresh=0, tasks="x.jsonl").task_source == "x.jsonl"


def test_a_mix_of_before_has_no_fixed_tasks() -> None:
    mix = GameMix(env_id="A", name="a", novelty="task")
    old = {name: value for name, value in asdict(mix).items() if name not in NEWER}
    assert game_from_json(old) == mix
