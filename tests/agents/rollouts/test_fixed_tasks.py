from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.config.game_mix import GameMix
from agents.core.errors import AgentError
from agents.rollouts.fixed_tasks import places_of_step, shown_tasks, tasks_of
from selfplay_envs import Referee, UsageError
from tests.helpers.toys import GAME

DEDUCTION, DATASET = "SelfPlay/Deduction-v0", "SelfPlay/Dataset-v0"
PLUS = [f"def f(x):\n    return x + {number}" for number in range(4)]


def write(path: Path, rows: Sequence[Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def code_task(program: str) -> dict[str, Any]:
    return {"program": program, "inputs": ["1"], "outputs": ["2"]}


def fixed(env_id: str, tasks: str, **changes: Any) -> GameMix:
    settings: dict[str, Any] = {"fresh": 0, "replay": 0, "fixed": 2, **changes}
    return GameMix(env_id=env_id, tasks=tasks, **settings)


def test_an_epoch_holds_every_place_once_and_epochs_differ() -> None:
    steps = [places_of_step(0, "a", 5, first, 2) for first in range(0, 20, 2)]
    draws = [place for step in steps for place in step]
    epochs = [tuple(draws[start : start + 5]) for start in range(0, 20, 5)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len(set(epochs)) > 1
    assert places_of_step(0, "a", 5, 0, 20) == draws  # however it is cut into steps
    assert places_of_step(1, "a", 5, 0, 20) != draws != places_of_step(0, "b", 5, 0, 20)
    assert sorted(Counter(places_of_step(0, "a", 3, 0, 7)).values()) == [2, 2, 3]


def test_a_file_of_tasks_gives_each_game_its_own(tmp_path: Path) -> None:
    lines = [{"env_id": DEDUCTION, "task": code_task(program)} for program in PLUS]
    path = write(tmp_path / "tasks.jsonl", [*lines, {"env_id": GAME, "task": {"letter": "x"}}])
    assert [task["program"] for task in tasks_of(fixed(DEDUCTION, path)).tasks] == PLUS
    assert tasks_of(fixed(GAME, path)).tasks == [{"letter": "x"}]
    with pytest.raises(AgentError, match=r"of SelfPlay/Abduction-v0: 0 tasks are left, 0 being held out .* 1 are needed"):
        tasks_of(fixed("SelfPlay/Abduction-v0", path))


def test_rows_of_a_file_become_tasks_of_a_code_game(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [{"program": PLUS[1], "input": "1", "output": "2"}])
    [task] = tasks_of(fixed(DEDUCTION, path)).tasks
    assert (task["program"], list(task["inputs"]), list(task["outputs"])) == (PLUS[1], ["1"], ["2"])


def test_problems_of_a_source_are_tasks_of_the_dataset_game() -> None:
    mix = GameMix(env_id=DATASET, kwargs={"source": "sample"}, fresh=0)
    tasks = tasks_of(mix).tasks
    assert len(tasks) > 1
    assert all(task["fields"]["question"] and task["answer"] for task in tasks)
    assert tasks_of(fixed(DATASET, "sample")).tasks == tasks


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (fixed(DEDUCTION, "sample"), "tasks='sample' of SelfPlay/Deduction-v0: its problems are of question, not of deduction"),
        (fixed(GAME, "sample"), "this game's tasks are read of a .jsonl file"),
        (fixed(DATASET, "math500"), "judged by 'math.* give the game the keyword source=math500"),
        (fixed(DATASET, "nothing-of-that-name"), "nothing-of-that-name"),
    ],
)
def test_tasks_that_do_not_fit_the_game_are_named(mix: GameMix, message: str) -> None:
    with pytest.raises((UsageError, AgentError), match=message):
        tasks_of(mix)


def test_a_task_that_does_not_start_its_game_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", [{"env_id": DEDUCTION, "task": task} for task in (code_task(PLUS[0]), {"program": 3})])
    with pytest.raises(AgentError, match=r"task 2, .* does not start the game: options\['task'\] lacks 'inputs'"):
        tasks_of(fixed(DEDUCTION, path))


def test_a_training_task_that_shares_a_program_with_the_evaluation_is_counted_and_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", [{"env_id": DEDUCTION, "task": code_task(program)} for program in PLUS])
    planted = {"SelfPlay/Induction-v0": [{**code_task(PLUS[2] + "  # the same"), "inputs": ["5"], "outputs": ["7"]}]}
    told = tasks_of(fixed(DEDUCTION, path), planted)
    assert (len(told.tasks), told.shared, told.left_out) == (4, 1, 0)
    apart = tasks_of(fixed(DEDUCTION, path, exclude="evaluation"), planted)
    assert [task["program"] for task in apart.tasks] == [PLUS[0], PLUS[1], PLUS[3]]
    assert (apart.shared, apart.left_out) == (0, 1)
    held_out = write(tmp_path / "held_out.jsonl", [{"env_id": "SelfPlay/Abduction-v0", "task": code_task(PLUS[3])}])
    assert len(tasks_of(fixed(DEDUCTION, path, exclude=held_out)).tasks) == 3
    assert len(tasks_of(fixed(DEDUCTION, path), {}).tasks) == 4


def test_the_tiny_tasks_share_no_program_with_the_tiny_evaluation() -> None:
    from agents.evaluation.tasks import load_tasks

    mix = fixed(DEDUCTION, "tiny", exclude="tiny")
    told = tasks_of(mix, load_tasks("tiny", [mix]))
    assert (len(told.tasks), told.shared, told.left_out) == (2_048, 0, 0)


def test_fewer_tasks_than_seeds_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", [{"env_id": DEDUCTION, "task": code_task(program)} for program in PLUS])
    with pytest.raises(AgentError, match=r"4 tasks are left, .* and 5 are needed; give more, or lower seeds"):
        tasks_of(fixed(DEDUCTION, path, seeds=5))


def test_a_template_that_shows_what_a_task_lacks_is_refused_with_the_task(tmp_path: Path) -> None:
    rows = [{"question": "1 + 1", "answer": "2"}]
    keywords: dict[str, str | int | float | bool] = {
        "source": write(tmp_path / "rows.jsonl", rows),
        "verifier": "numeric",
        "prompt": "{question} {hint}",
    }
    with pytest.raises(AgentError, match=r"task 1, .* does not start the game: prompt='.question. .hint.' shows 'hint'"):
        tasks_of(GameMix(env_id=DATASET, kwargs=keywords, fresh=0, replay=0))


def test_tasks_with_a_special_token_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"question": f"{number} + {number}{mark}", "answer": "2"} for number, mark in [(1, ""), (2, "<|end|>"), (3, "")]]
    mix = GameMix(
        env_id=DATASET, kwargs={"source": write(tmp_path / "rows.jsonl", rows), "verifier": "numeric"}, fresh=0, replay=0
    )
    fixed_tasks, referee = tasks_of(mix), Referee(reserved=["<|end|>"])
    shown = shown_tasks(mix, fixed_tasks, referee.can_be_shown)
    assert [task["fields"]["question"] for task in shown.tasks] == ["1 + 1", "3 + 3"]
    assert (shown.unshown, fixed_tasks.unshown) == (1, 0)
    assert shown_tasks(mix, fixed_tasks, Referee(reserved=["<|other|>"]).can_be_shown) is fixed_tasks
    with pytest.raises(AgentError, match=r"0 tasks are left, 3 holding a text that the model's tokenizer reads as a special"):
        shown_tasks(mix, fixed_tasks, Referee(reserved=["+"]).can_be_shown)


def test_held_out_problems_cannot_slip_in_as_fresh_ones() -> None:
    mix = GameMix(env_id=DATASET, fresh=1, replay=0, exclude="evaluation")
    with pytest.raises(AgentError, match=r"GameMix.fresh=1 of SelfPlay/Dataset-v0 draws from all of its source, .*--fresh 0"):
        tasks_of(mix)


def test_instructions_of_a_source_are_what_the_challenge_begins_with(tmp_path: Path) -> None:
    challenge = "SelfPlay/InstructionChallenge-v0"
    alpaca = write(tmp_path / "alpaca.jsonl", [{"instruction": "Sort.", "input": "b a"}, {"instruction": "Sing.", "input": ""}])
    found = tasks_of(fixed(challenge, f"alpaca:path={alpaca}", kwargs={"style": "open"})).tasks
    assert found == [{"instruction": "Sort.\n\nb a"}, {"instruction": "Sing."}]
    rows = write(tmp_path / "rows.jsonl", [{"question": "Sort."}])
    assert tasks_of(fixed(challenge, rows)).tasks == [{"instruction": "Sort."}]
    tiny = tasks_of(fixed(challenge, "tiny", exclude="tiny"))
    assert (len(tiny.tasks), tiny.left_out) == (1_024, 0)


def test_a_held_out_instruction_is_left_out_in_whatever_order(tmp_path: Path) -> None:
    held_out = "include the word big; use exactly 4 words"
    turned = "use exactly 4 words; include the word big"
    path = write(tmp_path / "rows.jsonl", [{"question": text} for text in (held_out, turned, "use exactly 4 words")])
    found = tasks_of(fixed("SelfPlay/InstructionChallenge-v0", path, exclude="tiny"))
    assert (found.tasks, found.left_out) == ([{"instruction": "use exactly 4 words"}], 2)
