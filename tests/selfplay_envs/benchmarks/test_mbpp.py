"""Rows of MBPP in both forms become problems whose gold passes its asserts."""

import json

import pytest

from selfplay_envs import UsageError
from selfplay_envs.benchmarks.mbpp import function_under_test
from selfplay_envs.replies.parsing import fence, read_reply
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.table import find_answer_verifier

FULL = {
    "task_id": 11,
    "text": "Write a function to double a number.",
    "code": "def helper(x):\n    return x\ndef double(x):\n    return 2 * x",
    "test_list": ["assert double(2) == 4", "assert double(TEN) == 20"],
    "test_setup_code": "TEN = 10",
    "challenge_test_list": [],
}
SANITIZED = {
    "task_id": 12,
    "prompt": "Halve it.",
    "code": "def half(x):\n    return x / 2",
    "source_file": "",
    "test_imports": ["import math"],
    "test_list": ["assert math.isclose(half(1), 0.5)"],
}


def test_rows(tmp_path, referee):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, (FULL, SANITIZED))))
    source = open_source(f"mbpp:path={path}")
    problems, verifier = list(source.read()), find_answer_verifier(source.verifier)
    assert [problem.id for problem in problems] == ["Mbpp/11", "Mbpp/12"]
    assert problems[0].fields["question"].startswith("Write a function to double a number.\n\n")
    assert problems[0].fields["question"].endswith("\nassert double(2) == 4\nassert double(TEN) == 20")
    golds = [verifier.gold(problem) for problem in problems]
    wrong = fence("python", "def double(x): return 4\ndef half(x): return 1")
    for replies, expected in ((golds, "right"), ([wrong, wrong], "wrong")):
        answers = [verifier.extract(read_reply(reply)).answer for reply in replies]
        checks = [verifier.check(problem, answer) for problem, answer in zip(problems, answers, strict=True)]
        assert [answered.value for answered in referee.answer(checks)] == [expected, expected]


def test_the_function_that_tests_call():
    program = "def a(): pass\ndef b(): pass"
    assert function_under_test(program, ["assert set(b(1)) == a"]) == "b"
    with pytest.raises(UsageError, match="calls no function that code defines"):
        function_under_test(program, ["assert c(1)", "assert ("])
