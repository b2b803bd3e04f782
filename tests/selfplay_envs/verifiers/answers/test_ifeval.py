"""The verifier `ifeval`: what counts of a reply, strictly and loosely."""

from __future__ import annotations

import pytest

from selfplay_envs import UsageError
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.verifiers.answers import ifeval
from selfplay_envs.verifiers.answers.table import find_answer_verifier

ROW = {
    "id": "7",
    "question": "Write two paragraphs. The second starts with Elm. Use no commas.",
    "instruction_id_list": ["length_constraints:nth_paragraph_first_word", "punctuation:no_comma"],
    "kwargs": [{"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "elm", "language": None}, {}],
}


def verdict(text: str, reply: str, row=ROW) -> str:
    verifier = find_answer_verifier(text)
    found = verifier.extract(read_reply(reply))
    if found.fault:
        return found.fault
    with pytest.raises(StopIteration) as stop:
        next(verifier.check(verifier.problem(row), found.answer))
    return stop.value.value


@pytest.mark.parametrize(
    ("reply", "strict", "loose"),
    [
        ("Oak.\n\nElm.", "right", "right"),
        ("<think>Well, hm.</think>\n\nOak.\n\nElm.", "right", "right"),
        ("\n\nOak.\n\nElm.", "right", "right"),
        ("Oak.\n\nElm, ash.", "wrong", "right"),  # loosely, each instruction may be met by another variant
        ("Oak, fir.\n\nElm, ash.", "wrong", "wrong"),
        ("Oak.\n\n**Elm**", "wrong", "right"),
        ("Sure, here:\nOak.\n\nElm.", "wrong", "right"),
        ("Oak.", "wrong", "wrong"),
        ("<think>Oak.</think> ", "no_answer", "no_answer"),
        ("x" * 20_001, "answer_too_long", "answer_too_long"),
    ],
)
def test_verdicts(reply, strict, loose):
    assert verdict("ifeval", reply) == strict
    assert verdict("ifeval:loose=1", reply) == loose


def test_a_problem_holds_its_instructions_as_plain_data():
    verifier = find_answer_verifier("ifeval")
    row = {**ROW, "instruction_id_list": '["keywords:existence"]', "kwargs": [{"keywords": ("a", "b")}], "answer": "a b"}
    problem = verifier.problem(row)
    assert problem.data == {"instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": ["a", "b"]}]}
    assert type(problem).from_json(problem.to_json()) == problem
    assert verifier.gold(problem) == "a b"
    assert verifier.gold(verifier.problem(ROW)) is None
    assert verdict("ifeval", "a, b", row) == "right"


def test_what_is_wrong_with_a_row_is_named(monkeypatch):
    verifier = find_answer_verifier("ifeval")
    with pytest.raises(UsageError, match="kwargs='x' is neither a list nor one in JSON"):
        verifier.problem({**ROW, "kwargs": "x"})
    with pytest.raises(UsageError, match="question=' ' is not a text"):
        verifier.problem({**ROW, "question": " "})

    def missing(what: str) -> None:
        raise UsageError(f"{what} needs more")

    monkeypatch.setattr(ifeval, "require_packages", missing)
    with pytest.raises(UsageError, match="verifier='ifeval' needs more"):
        verifier.problem(ROW)
