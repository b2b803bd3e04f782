"""What verifiers of short answers share: rows, and gold replies that are read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay_envs import UsageError
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers.table import find_answer_verifier


def read_back(verifier, answer):
    judge = find_answer_verifier(verifier)
    return judge.extract(read_reply(judge.write(answer))).answer


@pytest.mark.parametrize("verifier", ["exact", "math"])
@pytest.mark.parametrize(
    "answer", ["5", "a b", "**x**", r"\frac{1}{2}", "x = {1}", "$5$", "1.", "Answer: 5", r"\boxed{5}", "</think>"]
)
def test_what_is_written_is_read_back(verifier, answer):
    if verifier == "math" and answer in ("1.", r"\boxed{5}", "</think>"):
        pytest.skip("no gold answer looks so")
    assert read_back(verifier, answer) == answer


def test_several_lines_are_read_back():
    assert read_back("exact", "a\n  b\nc") == "a\n  b\nc"


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "${}", "{}.50", "{}%"]))
def test_numbers_are_read_back(number, form):
    assert read_back("numeric", form.format(number)) == form.format(number)


def test_a_row_is_a_question_with_its_answer():
    judge = find_answer_verifier("exact")
    problem = judge.problem({"id": 7, "question": "What?", "answer": " that "})
    assert (problem.id, problem.fields, problem.answer) == ("7", {"question": "What?"}, "that")
    assert judge.problem({"question": "What?", "answer": 27.0}).answer == "27"
    assert judge.gold(problem) == "Answer: that"
    assert judge.key(problem) == "What?"


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"question": 5, "answer": "x"}, "question=5"),
        ({"question": " ", "answer": "x"}, "question=' '"),
        ({"question": "What?", "answer": None}, "answer=None"),
        ({"question": "What?", "answer": ""}, "answer=''"),
        ({"question": "What?", "answer": [1]}, r"answer=\[1\]"),
        ({"question": "What?", "answer": True}, "answer=True"),
    ],
)
def test_a_bad_row_is_named(row, named):
    with pytest.raises(UsageError, match=named):
        find_answer_verifier("exact").problem(row)


@pytest.mark.parametrize("verifier", ["exact", "numeric", "math"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "abc", [1]])
def test_a_tolerance_that_is_none_is_refused_when_the_row_is_read(verifier, value):
    with pytest.raises(UsageError, match="tolerance="):
        find_answer_verifier(verifier).problem({"question": "q", "answer": "5", "tolerance": value})


def test_an_empty_cell_is_no_tolerance():
    problem = find_answer_verifier("numeric").problem({"question": "q", "answer": "5", "tolerance": ""})
    assert problem.data == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_finite_number_is_no_gold_answer(value):
    with pytest.raises(UsageError, match="finite"):
        find_answer_verifier("exact").problem({"question": "q", "answer": value})
