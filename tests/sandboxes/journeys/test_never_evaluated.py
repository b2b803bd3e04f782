"""Inputs and answers that a model wrote are read as data, or not at all."""

from __future__ import annotations

import time

import pytest

from sandboxes import Job, NotALiteral, Status, parse_arguments, parse_literal
from tests.helpers.arena import LITTER, Arena, litter_found

TOUCH = f"__import__('os').system('touch /tmp/{LITTER}')"


INPUTS = {
    "an object that equals all": "type('X', (), {'__eq__': lambda s, o: True})()",
    "a way out of the brackets": "41) or (42",
    "two calls": "41)(42",
    "a comment over the bracket": "41) #",
    "a command": TOUCH,
    "a command in a default": f"(lambda x={TOUCH}: x)()",
    "a command in a comprehension": f"[{TOUCH} for _ in '1']",
    "a command in a format": f"f'{{{TOUCH}}}'",
    "a file": f"open('/tmp/{LITTER}', 'w')",
    "an assignment": "x := 41",
    "unpacking": "*range(9)",
    "unpacked keywords": "**{'x': 41}",
    "a long sum": "9**9**9",
    "a long text": "'x' * 10**10",
}


@pytest.mark.parametrize("text", INPUTS.values(), ids=INPUTS)
def test_inputs_are_never_evaluated(arena: Arena, text: str) -> None:
    """Abduction: a solver's input goes to the proposer's program as data, or not at all."""
    before = time.thread_time()
    with pytest.raises(NotALiteral):
        parse_arguments(text)
    assert time.thread_time() - before < 1
    outcome = arena.face(Job(program="def f(*a, **k):\n    return 42", calls=("1", text, "2")))
    results = [(call.status, call.value, call.error) for call in outcome.calls]
    assert results == [
        (Status.OK, "42", None),
        (Status.FORBIDDEN, None, "arguments are not literals"),
        (Status.OK, "42", None),
    ]


ANSWERS = {
    **{name: INPUTS[name] for name in ("an object that equals all", "a command", "a file", "a long sum", "a long text")},
    "an instance of a class": "int.__new__(type('I', (int,), {'__eq__': lambda s, o: True}))",
    "a way out of the quotes": f"'' or {TOUCH} or ''",
    "two lines": f"1\n{TOUCH}",
}


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
def test_answers_are_never_evaluated(text: str) -> None:
    """Deduction: the host reads an answer by itself; no sandbox is asked."""
    before = time.thread_time()
    with pytest.raises(NotALiteral):
        parse_literal(text)
    assert time.thread_time() - before < 1
    assert litter_found() == []
