"""Checks code tasks and answers: generators that yield jobs and return a finding. Ground truth comes from execution only.

Model text is parsed as literals on the host and never evaluated there; the sandbox never sees an expected value, so a
program cannot tell which answer would please.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from sandboxes import Job, NotALiteral, Outcome, Status, canonical, parse_arguments, parse_literal, same_value

from .expressions import MAX_INPUT_CHARS, resolve_inputs
from .findings import RIGHT, WRONG, Finding
from .game import Request
from .programs import program_fault
from .referee import Referee
from .tasks import CodeTask

MAX_GOLD_CHARS = 4_000


def validate(
    program: str, inputs: Sequence[str], message: str = "", *, strict: bool = False
) -> Generator[list[Request], list[Any], CodeTask | str]:
    """Turns a program and argument lists into a task, or says why not.

    Stages: static checks; inputs that are expressions become literals; one deterministic run of every input (twice in one
    process, once under another hash seed); a round trip of the gold values through the verifier in a fresh process.

    Args:
        program: The proposer's program.
        inputs: Argument lists as text: literals, or expressions that the program's namespace can evaluate.
        message: The hint of an induction task.
        strict: Whether values must agree in type too, as in `check_output`.

    Returns:
        The task with canonical inputs and outputs, or a reason: one of `program_fault`'s, one of `resolve_inputs`'s,
        `program_` + a sandbox status, `gold_too_long`, `failed_round_trip`.
    """
    if fault := program_fault(program):
        return fault
    calls = yield from resolve_inputs(program, inputs)
    if isinstance(calls, str):
        return calls
    [first] = yield [Job(program=program, calls=calls, determinism=True)]
    if first.status is not Status.OK:
        return f"program_{first.status}"
    try:  # in our own hand: what a program says of itself may hold a comment, and gold values stand in prompts
        gold = tuple(canonical(parse_literal(call.value or "", MAX_GOLD_CHARS)) for call in first.calls)
    except NotALiteral:
        return (
            "gold_too_long"
            if any(len(call.value or "") > MAX_GOLD_CHARS for call in first.calls)
            else "program_not_serialisable"
        )
    task = CodeTask(program=program, inputs=calls, outputs=gold, message=message)
    finding = yield from check_program(task, program, strict=strict)
    return task if finding == RIGHT else "failed_round_trip"


def check_output(task: CodeTask, text: str, *, strict: bool = False) -> Finding:
    """Whether a literal equals the task's output (deduction). Asks nobody.

    Args:
        task: The task; its first output is the gold value.
        text: The solver's answer.
        strict: True tells `True`, `1` and `1.0` apart, at any depth; False is Python's `==`.

    Returns:
        `right`, `wrong`, `not_literal`.
    """
    try:
        value = canonical(parse_literal(text))
    except (NotALiteral, ValueError, TypeError):
        return "not_literal"
    return RIGHT if same_value(value, task.outputs[0], strict) else WRONG
    yield []


def check_input(task: CodeTask, text: str, *, strict: bool = False) -> Finding:
    """Whether an argument list makes the program return the task's output (abduction); `strict` as in `check_output`.

    The argument list must be literal: a solver's expression is never evaluated.

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
    return RIGHT if _agree(outcome, task.outputs[:1], strict) else WRONG


def check_program(task: CodeTask, program: str, *, strict: bool = False) -> Finding:
    """Whether a program reproduces every pair of the task (induction); `strict` as in `check_output`.

    Returns:
        `right`, `wrong`, or one of `program_fault`'s reasons.
    """
    if fault := program_fault(program):
        return fault
    [outcome] = yield [Job(program=program, calls=task.inputs)]
    return RIGHT if _agree(outcome, task.outputs, strict) else WRONG


def _agree(outcome: Outcome, gold: Sequence[str], strict: bool) -> bool:
    """Whether every call returned the gold value."""
    values = [call.value for call in outcome.calls]
    return len(values) == len(gold) and all(
        value is not None and same_value(value, want, strict) for value, want in zip(values, gold, strict=True)
    )


def recheck(task: CodeTask) -> Generator[list[Request], list[Any], CodeTask | str]:
    """`validate` for a task from elsewhere: its stated outputs must also be what the program returns.

    Returns:
        The task in canonical form, or a reason: `validate`'s, or `stated_output_differs`.
    """
    checked = yield from validate(task.program, task.inputs, task.message)
    if isinstance(checked, str):
        return checked
    agree = all(_states(stated, gold) for stated, gold in zip(task.outputs, checked.outputs, strict=True))
    return checked if agree else "stated_output_differs"


def _states(stated: str, gold: str) -> bool:
    """Whether a text from elsewhere spells the gold value, as a literal or as `repr` writes it (`inf` is no literal)."""
    try:
        return same_value(canonical(parse_literal(stated)), gold)
    except ValueError:  # not a literal
        pass
    try:
        return stated.strip() == repr(parse_literal(gold))
    except ValueError:  # an int of more digits than `repr` writes
        return False


def check_tasks(tasks: Iterable[CodeTask], referee: Referee) -> list[CodeTask | str]:
    """Validates tasks from elsewhere in one batch: per task its canonical form, or the reason why it is refused."""
    return [answered.value for answered in referee.answer([recheck(task) for task in tasks])]
