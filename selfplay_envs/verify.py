"""Checks code tasks and answers: generators that yield jobs and return a finding. Ground truth comes from execution only.

Model text is parsed as literals on the host and never evaluated there; the sandbox never sees an expected value, so a
program cannot tell which answer would please.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from sandboxes import Job, NotALiteral, Outcome, Status, canonical, parse_arguments, parse_literal, same_value

from .game import Request
from .programs import program_fault
from .referee import Referee
from .tasks import CodeTask

MAX_INPUT_CHARS = 2_000
MAX_GOLD_CHARS = 4_000

RIGHT, WRONG = "right", "wrong"
Finding = Generator[list[Request], list[Any], str]


def validate(program: str, inputs: Sequence[str], message: str = "") -> Generator[list[Request], list[Any], CodeTask | str]:
    """Turns a program and argument lists into a task, or says why not.

    Stages: static checks; one deterministic run of every input (twice in one process, once under another hash seed);
    a round trip of the gold values through the verifier in a fresh process.

    Returns:
        The task with canonical inputs and outputs, or a reason: one of `program_fault`'s, `input_not_literal`,
        `input_too_long`, `program_` + a sandbox status, `gold_too_long`, `failed_round_trip`.
    """
    if fault := program_fault(program):
        return fault
    calls: list[str] = []
    for text in inputs:
        if len(text) > MAX_INPUT_CHARS:
            return "input_too_long"
        try:
            calls.append(parse_arguments(text))
        except NotALiteral:
            return "input_not_literal"
    [first] = yield [Job(program=program, calls=tuple(calls), determinism=True)]
    if first.status is not Status.OK:
        return f"program_{first.status}"
    gold = tuple(call.value for call in first.calls)
    if any(len(value) > MAX_GOLD_CHARS for value in gold):
        return "gold_too_long"
    task = CodeTask(program=program, inputs=tuple(calls), outputs=gold, message=message)
    finding = yield from check_program(task, program)
    return task if finding == RIGHT else "failed_round_trip"


def check_output(task: CodeTask, text: str) -> Finding:
    """Whether a literal equals the task's output (deduction): `right`, `wrong` or `not_literal`. Asks nobody."""
    try:
        value = canonical(parse_literal(text))
    except (NotALiteral, ValueError, TypeError):
        return "not_literal"
    return RIGHT if same_value(value, task.outputs[0]) else WRONG
    yield []


def check_input(task: CodeTask, text: str) -> Finding:
    """Whether an argument list makes the program return the task's output (abduction).

    Returns:
        `right`, `wrong`, `not_literal`, `input_too_long`.
    """
    if len(text) > MAX_INPUT_CHARS:
        return "input_too_long"
    try:
        call = parse_arguments(text)
    except NotALiteral:
        return "not_literal"
    [outcome] = yield [Job(program=task.program, calls=(call,))]
    return RIGHT if _agree(outcome, task.outputs[:1]) else WRONG


def check_program(task: CodeTask, program: str) -> Finding:
    """Whether a program reproduces every pair of the task (induction): `right`, `wrong`, or `program_fault`'s reason."""
    if fault := program_fault(program):
        return fault
    [outcome] = yield [Job(program=program, calls=task.inputs)]
    return RIGHT if _agree(outcome, task.outputs) else WRONG


def _agree(outcome: Outcome, gold: Sequence[str]) -> bool:
    """Whether every call returned the gold value."""
    values = [call.value for call in outcome.calls]
    return len(values) == len(gold) and all(
        value is not None and same_value(value, want) for value, want in zip(values, gold, strict=True)
    )


def recheck(task: CodeTask) -> Generator[list[Request], list[Any], CodeTask | str]:
    """`validate` for a task from elsewhere: its stated outputs must also be what the program returns.

    Returns:
        The task in canonical form, or a reason: `validate`'s, or `stated_output_differs`.
    """
    checked = yield from validate(task.program, task.inputs, task.message)
    if isinstance(checked, str):
        return checked
    for stated, gold in zip(task.outputs, checked.outputs, strict=True):
        try:
            agrees = same_value(canonical(parse_literal(stated)), gold)
        except (NotALiteral, ValueError, TypeError):
            agrees = False
        if not agrees:
            return "stated_output_differs"
    return checked


def check_tasks(tasks: Iterable[CodeTask], referee: Referee) -> list[CodeTask | str]:
    """Validates tasks from elsewhere in one batch: per task its canonical form, or the reason why it is refused."""
    return [answered.value for answered in referee.answer([recheck(task) for task in tasks])]
