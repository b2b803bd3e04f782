"""Gold replies under test: planted faults of rows and of verifiers are found, by name and reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from selfplay_envs import Referee, UsageError
from selfplay_envs.conformance.gold import BATCH, GoldCheck, check_gold
from selfplay_envs.tasks.problem import Problem

ODD = "tests.helpers.odd_verifiers"
DATASET = "SelfPlay/Dataset-v0"


def problem(number: int, answer: str | None, **data: Any) -> dict[str, Any]:
    return Problem(id=f"row-{number}", fields={"question": f"What is {number}?"}, answer=answer, data=data).to_json()


def checked(tasks: Iterable[Mapping[str, Any]], verifier: str = "exact", **kwargs: Any) -> list[GoldCheck]:
    referee = Referee("process", strict=True)
    kwargs = {"source": "sample", "verifier": verifier, **kwargs}
    return [one for results in check_gold(DATASET, tasks, referee, kwargs) for one in results]


def test_a_sound_source_holds_in_every_batch() -> None:
    count = 2 * BATCH + 1  # the last one has a batch of its own, and is given the gold of those before
    results = checked(problem(number, f"is {number}") for number in range(count))
    assert [one.name for one in results] == [f"row-{number}" for number in range(count)]
    assert {(one.result, one.refused, one.equal) for one in results} == {("holds", 2, 0)}


def test_rows_without_gold_and_void_ones_are_named() -> None:
    tasks = [problem(1, "a"), problem(2, None), problem(3, "42"), problem(4, "b")]
    results = checked(tasks, f"{ODD}:KnowsNothing")
    assert [(one.name, one.result, one.reason) for one in results] == [
        ("row-1", "holds", ""),
        ("row-2", "no gold", ""),
        ("row-3", "void", "worker_lost"),
        ("row-4", "holds", ""),
    ]


def test_a_verifier_that_takes_everything_fails_on_every_row() -> None:
    results = checked([problem(1, "a"), problem(2, "b"), problem(3, "c")], f"{ODD}:TakesAll")
    assert {one.result for one in results} == {"fails"}
    assert all("replies in the place of the gold one are right too" in one.reason for one in results)
    assert all(one.equal >= 4 for one in results)  # more were tried than the first two


def test_a_gold_reply_that_its_own_verifier_does_not_read_fails() -> None:
    [one] = checked([problem(1, "a")], f"{ODD}:WritesBadly")
    assert (one.result, one.reason) == ("fails", "the gold reply is not right: no_answer")


def test_a_gold_answer_that_is_wrong_fails() -> None:
    tasks = [problem(1, "B", choices=["x", "y"]), problem(2, "C", choices=["x", "y"])]
    assert [(one.result, one.reason) for one in checked(tasks, "choice")] == [
        ("holds", ""),
        ("fails", "the gold reply is not right: no_choice"),
    ]


def test_rows_of_one_answer_are_exchanged_for_something_else() -> None:
    results = checked([problem(number, answer) for number, answer in enumerate(["1/2", "0.5", "2/4"])], "numeric")
    assert {one.result for one in results} == {"holds"}
    assert all(one.equal >= 1 for one in results)


def test_code_games_are_checked_on_their_own_tasks() -> None:
    program = "def f(x):\n    return x * 2"
    tasks = [{"program": program, "inputs": [str(x)], "outputs": [str(2 * x)], "message": ""} for x in (1, 2, 3)]
    tasks.append({"program": program, "inputs": ["4"], "outputs": ["9"], "message": ""})
    referee = Referee("process", strict=True)
    for env_id, reason in (("SelfPlay/Deduction-v0", ""), ("SelfPlay/Abduction-v0", "gold_changed")):
        [[*sound, last]] = check_gold(env_id, tasks, referee)
        assert [(one.name, one.result) for one in sound] == [(f"task {number}", "holds") for number in (1, 2, 3)]
        if reason:  # whoever answers 9 is right: the value is what the task says, and only a run of the program tells
            assert (last.name, last.result, last.reason) == ("task 4", "void", reason)


def test_what_cannot_be_checked_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"There is no task of SelfPlay/Dataset-v0"):
        checked([])
    with pytest.raises(UsageError, match=r"row-1: prompt='\{nothing\}' shows 'nothing'"):
        checked([problem(1, "a")], prompt="{nothing}")
    with pytest.raises(UsageError, match=r"SelfPlay/KuhnPoker-v0 has no role that answers a task"):
        list(check_gold("SelfPlay/KuhnPoker-v0", [{"cards": ["J", "Q"]}], Referee("process")))
    with pytest.raises(UsageError, match=r"task 1: options\['task'\]=\{\} has no instruction"):
        list(check_gold("SelfPlay/InstructionChallenge-v0", [{}], Referee("process")))
