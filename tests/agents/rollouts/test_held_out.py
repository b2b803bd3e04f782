from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from agents.rollouts import held_out
from agents.rollouts.held_out import excluded_by_name, excluded_tiny, overlap, program_of, shared_name
from agents.tiny import programs
from agents.tiny.programs import sample_task
from selfplay_envs import make_game
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.tasks.programs import program_key

DEDUCTION = make_game("SelfPlay/Deduction-v0")
INDUCTION = make_game("SelfPlay/Induction-v0")
DATASET = make_game("SelfPlay/Dataset-v0")


def test_one_program_has_one_name_whatever_asks_about_it() -> None:
    plain = {"program": "def f(x):\n    return x + 1", "inputs": ("1",), "outputs": ("2",)}
    annotated = {"program": "def f(x: int):  # adds\n    return x+1", "inputs": ("3", "4"), "outputs": ("4", "5")}
    problem = Problem(fields={"question": "?"}, data=plain).to_json()
    names = {shared_name(plain, DEDUCTION), shared_name(annotated, INDUCTION), shared_name(problem, DATASET)}
    assert len(names) == 1
    assert shared_name({**plain, "program": "def f(x):\n    return x + 2"}, DEDUCTION) not in names


def test_problems_without_a_program_go_by_their_question() -> None:
    first, same, other = (Problem(fields={"question": text}).to_json() for text in ("1 + 1", "1  + 1\n", "1 + 2"))
    assert program_of(first) is None
    assert shared_name(first, DATASET) == shared_name({**same, "id": "7"}, DATASET) != shared_name(other, DATASET)


def test_overlap_counts_different_shared_names() -> None:
    train = {"a": ["p", "p", "q", "r"], "b": ["s"], "c": []}
    assert overlap(train, {"x": ["p"], "y": ["r", "z", "p"]}) == {"a": 2, "b": 0, "c": 0}
    assert overlap(train, {}) == {"a": 0, "b": 0, "c": 0}


def test_excluded_tasks_are_known_by_name() -> None:
    held_out = {"program": "def f(x):\n    return x"}
    excluded = excluded_by_name({shared_name(held_out, DEDUCTION)}, DEDUCTION)
    assert excluded({"program": "def f(x): return x"})
    assert not excluded({"program": "def f(y): return y"})


def test_the_tiny_split_is_excluded_by_program() -> None:
    rng = np.random.default_rng(0)
    for apart in (True, False):
        assert excluded_tiny({"program": sample_task(rng, held_out=apart).program}) == apart
    assert not excluded_tiny({"letter": "a"})


def test_a_program_is_parsed_once_however_often_it_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three games ask about the same 2,048 programs before a run starts."""
    parsed: list[str] = []
    monkeypatch.setattr(held_out, "_key", lru_cache(lambda program: parsed.append(program) or program_key(program)))
    monkeypatch.setattr(programs, "program_key", lambda program: parsed.append(program) or program_key(program))
    task = {"program": "def f(x): return x + 41"}
    for game in (DEDUCTION, INDUCTION):
        excluded_tiny(task)
        shared_name(task, game)
    assert parsed == [task["program"]]
