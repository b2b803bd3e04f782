"""The verifier `choice`: forms of rows, where the letter stands."""

import pytest

from selfplay_envs import Referee, UsageError
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers.table import find_answer_verifier

CHOICE = find_answer_verifier("choice")
ROW = {"question": "Which?", "choices": ["red", "green", "7"]}


@pytest.mark.parametrize(
    ("answer", "letter"), [("B", "B"), ("(c)", "C"), (0, "A"), (2, "C"), ("1", "B"), ("7", "C"), ("Green", "B")]
)
def test_gold_answers(answer, letter):
    problem = CHOICE.problem({**ROW, "answer": answer})
    assert problem.answer == letter
    assert problem.fields["question"] == "Which?\n\nA. red\nB. green\nC. 7"
    assert CHOICE.gold(problem) == f"Answer: {letter}"


def test_other_forms_of_choices():
    assert CHOICE.problem({**ROW, "choices": '["red", "green"]', "answer": "green"}).answer == "B"
    hub = {"text": ["red", "green"], "label": ["1", "2"]}
    assert CHOICE.problem({**ROW, "choices": hub, "answer": "2"}).answer == "B"


@pytest.mark.parametrize(
    "row",
    [
        {**ROW, "answer": 3},
        {**ROW, "answer": "D"},
        {**ROW, "answer": None},
        {**ROW, "answer": True},
        {**ROW, "choices": "red, green", "answer": "A"},
        {**ROW, "choices": ["red"], "answer": "A"},
        {**ROW, "choices": ["red"] * 27, "answer": "A"},
        {**ROW, "choices": 5, "answer": "A"},
        {**ROW, "choices": [None, None], "answer": "A"},
    ],
)
def test_bad_rows(row):
    with pytest.raises(UsageError, match="choices"):
        CHOICE.problem(row)


REPLIES = {
    "Answer: B": "right",
    r"\boxed{\text{B}}": "right",
    "The correct answer is (B) green.": "right",
    "red or green, hence\n**B**": "right",
    "green": "right",
    "Answer: red": "wrong",
    "Answer: blue": "no_choice",
    "Answer: A or B": "no_choice",
    "": "no_answer",
}


@pytest.mark.parametrize(("reply", "finding"), REPLIES.items())
def test_replies(reply, finding):
    extraction = CHOICE.extract(read_reply(reply))
    check = CHOICE.check(CHOICE.problem({**ROW, "answer": "B"}), extraction.answer)
    [answered] = Referee("process", strict=True).answer([check])
    assert (extraction.fault or answered.value) == finding
