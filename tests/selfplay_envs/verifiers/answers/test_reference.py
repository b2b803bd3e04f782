"""`reference`: from a row in EvalPlus's form to a verdict on a reply."""

import pytest

from selfplay_envs import UsageError
from selfplay_envs.replies.parsing import fence, read_reply
from selfplay_envs.tasks.problem import Problem
from selfplay_envs.verifiers.answers.table import find_answer_verifier

pytestmark = pytest.mark.usefixtures("own_cache")
START = "from typing import List\n\ndef halves(xs: List[float]) -> List[float]:\n"
ROW = {
    "task_id": "Mine/1",
    "question": "Halve the numbers.",
    "entry_point": "halves",
    "program": START,
    "answer": "    return [x / 2 for x in xs]\n",
    "base_input": [[[1, 2]]],
    "plus_input": [[[]], [[3, float("inf")]], "list(range(3))"],
}


def judged(referee, reply, verifier="reference", **changes):
    judge = find_answer_verifier(verifier)
    problem = Problem.from_json(judge.problem({**ROW, **changes}).to_json())
    extraction = judge.extract(read_reply(reply))
    if extraction.fault:
        return extraction.fault
    [answered] = referee.answer([judge.check(problem, extraction.answer)])
    return answered.value


def test_the_problem_of_a_row():
    judge = find_answer_verifier("reference")
    problem = judge.problem(ROW)
    assert (problem.id, problem.fields) == ("Mine/1", {"question": "Halve the numbers.", "program": START})
    assert problem.answer == START + ROW["answer"]
    assert problem.data["base"] == ["[1, 2]"]
    assert problem.data["plus"] == ["[]", "[3, 1e999]", "*[], list(range(3))"]
    assert Problem.from_json(problem.to_json()) == problem


def test_gold_is_right_and_finds_itself(referee):
    judge = find_answer_verifier("reference")
    gold = judge.gold(judge.problem(ROW))
    assert judged(referee, gold) == "right"


def test_replies(referee):
    assert judged(referee, fence("python", ROW["answer"])) == "right"
    assert judged(referee, ROW["answer"]) == "right"  # goes on from the start
    assert judged(referee, fence("python", "def halves(xs: List[float]):\n    return [x * .5 for x in xs]")) == "right"
    whole = "def halves(xs):\n    return [x // 2 for x in xs]"
    assert judged(referee, fence("python", whole)) == "wrong"
    assert judged(referee, fence("python", "def other(): pass\n"), program="", answer=whole) == "no_entry_point"
    assert judged(referee, "I do not know.") == "no_program_block"


def test_options(referee):
    two = fence("python", "def halves(xs):\n    return [0.5, 1] if len(xs) == 2 else []")
    assert judged(referee, two) == "wrong"
    assert judged(referee, two, "reference:base_only=1") == "right"
    assert judged(referee, two, "reference:base_only=1,strict=1") == "wrong"
    slow = fence("python", "def halves(xs):\n    sum(range(10**9))\n    return [x / 2 for x in xs]")
    assert judged(referee, slow, "reference:timeout_s=0.1") == "wrong"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": " "}, "question='' shows nothing"),
        ({"entry_point": "a b"}, "entry_point='a b' is not a name"),
        ({"answer": "x = 1"}, "answer='x = 1' makes no program with 'halves'"),
        ({"oracle": "close"}, "oracle='close' is not known; choose one of equal, set"),
        ({"atol": "1e-4"}, "atol='1e-4' is no tolerance"),
        ({"atol": -1}, "atol=-1 is no tolerance"),
        ({"base_input": []}, "base_input=\\[\\] is no list of at least one"),
        ({"base_input": [3]}, "base_input: 3 is no list of arguments"),
        ({"plus_input": ["1) or (2"]}, "plus_input: '1\\) or \\(2' is no list of arguments"),
    ],
)
def test_rows_that_are_none(changes, message):
    with pytest.raises(UsageError, match=message):
        find_answer_verifier("reference").problem({**ROW, **changes})
