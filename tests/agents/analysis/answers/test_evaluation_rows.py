"""Rows of evaluations that anybody may have written: what is taken, and the sentence that a wrong one is answered with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.analysis.answers.evaluation_rows import check_evaluation
from agents.evaluation.result import EvalResult
from selfplay_envs import UsageError


@pytest.mark.parametrize(
    "problems",
    [
        {},
        {"g": {"right": [0, 4], "samples": 4}},
        {"g": {"right": [0, 3], "samples": 4, "void": [4, 1], "programs": ["p", "q"]}},
        {"g": {"right": [1], "samples": 4, "void": 2}},  # of older runs
        EvalResult({"A": np.array([[1.0, np.nan], [0.0, 1.0]])}, {"A": ["p", "q"]}).to_json(),
    ],
)
def test_what_is_taken(problems: dict[str, Any]) -> None:
    check_evaluation({"problems": problems})


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ([1], r"g: '\[1\]' is no object with right and samples"),
        ({"right": [1]}, "g: samples=None must be a whole number of 0 or more"),
        ({"right": [1], "samples": -1}, "g: samples=-1 must be a whole number"),
        ({"right": 1, "samples": 2}, "g: right=1 must be a list, a number per problem"),
        ({"right": [1, 2], "samples": 2, "programs": ["p"]}, "g: programs must be a list as long as right, 2 long"),
        ({"right": [1, 2], "samples": 2, "programs": "pq"}, "g: programs must be a list as long as right, 2 long"),
        ({"right": [1, 2], "samples": 2, "void": [0]}, "g: void must be a list as long as right, 2 long"),
        ({"right": [1, 3], "samples": 2}, "g: right=3 and void=0 of samples=2 must be whole numbers"),
        ({"right": [2], "samples": 2, "void": [1]}, "g: right=2 and void=1 of samples=2 must be"),
        ({"right": [True], "samples": 2}, "g: right=True and void=0"),
        ({"right": [1], "samples": 2, "programs": [7]}, "g: programs holds 7, which is no text"),
    ],
)
def test_what_is_wrong_is_one_sentence(entry: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=f"^problems, {sentence}"):
        check_evaluation({"problems": {"g": entry}})
