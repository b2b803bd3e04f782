from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.config.presets import find_preset
from agents.config.run import GameMix, TrainConfig
from agents.rollouts.fixed_tasks import GameTasks
from agents.training.checks import check_run, notices
from agents.training.gold_checks import has_gold, tasks_notice
from tests.helpers.gold_game import GOLD_GAME
from tests.helpers.toys import GAME

GOLD = GameMix(env_id=GOLD_GAME, kwargs={"attempts": 2}, gold=1)


@pytest.mark.parametrize(
    ("mix", "changes", "message"),
    [
        (
            GOLD,
            {"algorithm": "trr++"},
            r"nobody sampled a gold reply, and algorithm='trr\+\+' needs .*; choose sft, rft or dpo",
        ),
        (GOLD, {"algorithm": "sft", "options": {"tis_cap": 2.0}}, "algorithm='sft' with tis_cap needs"),
        (replace(GOLD, gold=3), {"algorithm": "sft"}, "GameMix.gold=3 of .* a panel has 2 attempts; choose at most as many"),
        (replace(GOLD, env_id=GAME), {"algorithm": "sft"}, "the game knows no gold reply; choose gold=0"),
        (GameMix(env_id="SelfPlay/KuhnPoker-v0", gold=1), {"algorithm": "sft"}, "the game knows no gold reply"),
    ],
)
def test_gold_that_cannot_be_imitated_is_refused_before_anything_is_loaded(
    mix: GameMix, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_run(TrainConfig(games=(mix,), sandbox="process", **changes))


@pytest.mark.parametrize("algorithm", ["sft", "rft", "dpo"])
def test_algorithms_that_imitate_take_gold(algorithm: str) -> None:
    check_run(TrainConfig(games=(GOLD,), sandbox="process", algorithm=algorithm))


def test_tasks_without_any_gold_are_refused(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text(json.dumps({"env_id": GOLD_GAME, "task": {"letter": "x", "gold": None}}), encoding="utf-8")
    mix = replace(GOLD, tasks=str(tasks))
    with pytest.raises(ValueError, match="none of its tasks has a gold reply; choose gold=0, or tasks with answers"):
        check_run(TrainConfig(games=(mix,), sandbox="process", algorithm="sft"))
    assert has_gold(mix, [{"letter": "x", "gold": None}, {"letter": "y"}])


@pytest.mark.parametrize("env_id", ["Deduction", "Abduction", "Induction", "Dataset"])
def test_the_games_of_fixed_tasks_write_gold_replies(env_id: str) -> None:
    assert has_gold(GameMix(env_id=f"SelfPlay/{env_id}-v0"), [])


def test_the_notice_counts_what_is_shared_and_left_out() -> None:
    tasks = {"a": GameTasks(tasks=[{}] * 2_000, shared=2, left_out=1), "b": GameTasks(tasks=[{}], left_out=3), "c": GameTasks()}
    sentence = tasks_notice(tasks, {"a": "deduction", "b": "mine", "c": "c"})
    assert sentence.startswith("Fixed tasks: 2,000 of deduction, 1 of mine; 2 share a program with a problem of the eval")
    assert sentence.endswith(" 4 are left out as held out.")
    assert tasks_notice({"c": GameTasks()}, {"c": "c"}) == ""
    unshown = tasks_notice({"a": GameTasks(tasks=[{}], unshown=2)}, {"a": "mine"})
    assert unshown.endswith(" 0 are left out as held out, 2 as they hold a special token of the model.")


def test_a_preset_of_fixed_tasks_says_that_nothing_is_shared() -> None:
    config = find_preset("rlvr-tiny")
    [sentence] = notices(config, check_run(replace(config, sandbox="process")))
    assert "2,048 of abduction" in sentence
    assert "; 0 share a program with a problem of the evaluation, 0 are left out as held out." in sentence
