"""Answers other than the gold one keep its form."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest

from selfplay_envs.games.dataset.samples import changed_literal, other_answer
from selfplay_envs.tasks.problem import Problem


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("[1, 'a'], True", {"[2, 'a'], True", "[1, 'ax'], True", "[1, 'a'], False"}),
        ("(1,)", {"(2,)"}),
        ("-5", {"-6"}),
        ("2.5, key='b'", {"3.5, key='b'", "2.5, key='bx'"}),
        ("[]", {"None"}),
        ("", {"None"}),
        ("None", {"None"}),
        ("((", {"None"}),
        ("(" * 5_000, {"None"}),
        ("1\0", {"None"}),
    ],
)
def test_one_literal_changes(text: str, changed: set[str]) -> None:
    rng = np.random.default_rng(0)
    assert {changed_literal(text, rng) for _ in range(32)} == changed


@pytest.mark.parametrize(
    ("poses", "data", "answer", "expected"),
    [
        ("question", {"choices": ["a", "b"]}, "A", {"B"}),
        ("deduction", {}, "1", {"2"}),
        ("program", {"entry_point": "add"}, None, {"def add(*arguments, **keywords):\n    return None"}),
        ("induction", {}, None, {"def f(*arguments, **keywords):\n    return None"}),
        ("program", {}, None, {"pass"}),
    ],
)
def test_it_is_another_of_the_same_form(poses: str, data: dict[str, Any], answer: str | None, expected: set[str]) -> None:
    problem, rng = Problem(fields={"question": "?"}, data=data, answer=answer), np.random.default_rng(0)
    assert {other_answer(problem, poses, rng) for _ in range(8)} == expected


def test_a_number_is_not_the_gold_one() -> None:
    for seed in range(200):
        number = str(np.random.default_rng(seed).integers(2, 1_000))
        problem = Problem(fields={"question": "?"}, answer=number)
        assert ast.literal_eval(other_answer(problem, "question", np.random.default_rng(seed))) != int(number)
