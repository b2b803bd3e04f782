"""Checks of code tasks and answers: generators that yield jobs and return a finding. Ground truth comes from execution only.

Model text is parsed as literals on the host and never evaluated there; the sandbox never sees an expected value, so a
program cannot tell which answer would please.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from sandboxes import (
    Job,
    NotALiteral,
    NotSerialisable,
    Outcome,
    Purity,
    Status,
    TooLarge,
    canonical,
    parse_arguments,
    parse_literal,
    purity_of,
    same_text,
    same_value,
)

from ..core.game import Request
from ..core.syntax import module_tree
from ..replies.tags import SPECIAL
from ..tasks.code_task import CodeTask
from ..tasks.programs import program_fault
from ..tasks.reach import reaches_out
from .expressions import MAX_INPUT_CHARS, bound_arguments, resolve_inputs
from .findings import GOLD_CHANGED, NONDETERMINISTIC, RIGHT, WORKER_LOST, WRONG, Checking

MAX_GOLD_CHARS = 4_000


def validate(
    program: str, inputs: Sequence[str], message: str = "", *, strict: bool = False
) -> Generator[list[Request], list[Any], CodeTask | str]:
    """The task made of a program and argument lists, or the reason why they are none.

    Stages: static checks; inputs that are expressions become literals; a run of every input that is proved deterministic; a
    round trip of the gold values through the verifier in a fresh process.

    Args:
        program: The proposer's program.
        inputs: Argument lists as text: literals, or expressions that the program's namespace can evaluate.
        message: The hint of an induction task.
        strict: Whether values must agree in type too, as in `check_output`.

    Returns:
        The task with canonical inputs and outputs, or a reason: one of `program_fault`'s, one of `resolve_inputs`'s,
        `program_` + a sandbox status, `gold_too_long`, `special_token` (a text such as `<|im_end|>`, which a solver could not
        be shown as it is; see also `Referee.reserved`), `reaches_out` (see `tasks.reach`), `failed_round_trip`; or
        `worker_lost`, which is void: nothing is known.
    """
    if fault := program_fault(program):
        return fault
    calls = yield from resolve_inputs(program, inputs)
    if isinstance(calls, str):
        return calls
    [first] = yield [Job(program=program, calls=calls, determinism=True)]
    if first.status is not Status.OK:
        return WORKER_LOST if is_lost(first) else f"program_{first.status}"
    try:  # written anew: text from a program may hold a comment, and gold values stand in prompts
        gold = tuple(canonical(parse_literal(text, max(len(text), 1))) for call in first.calls if (text := call.value or ""))
    except (NotALiteral, NotSerialisable, TooLarge):
        return "program_not_serialisable"
    if any(len(text) > MAX_GOLD_CHARS for text in gold):
        return "gold_too_long"
    if any(SPECIAL.search(text) for text in (program, *calls, *gold, message)):
        return "special_token"
    proved = purity_of(Job(program=program, calls=calls)) is not Purity.ALONE
    if not proved and ((tree := module_tree(program)) is None or reaches_out(tree)):
        return "reaches_out"
    [again] = yield [Job(program=program, calls=calls)]
    if is_lost(again):
        return WORKER_LOST
    return (
        CodeTask(program=program, inputs=calls, outputs=gold, message=message)
        if agree(again, gold, strict)
        else "failed_round_trip"
    )


def check_output(task: CodeTask, text: str, *, strict: bool = False) -> Checking:
    """Whether a literal equals the task's output (deduction). Runs the task's program only where no proof says that it holds.

    Args:
        task: The task; its first output is the gold value.
        text: The solver's answer.
        strict: True tells `True`, `1` and `1.0` apart, at any depth; False is Python's `==`.

    Returns:
        `right`, `wrong`, `not_literal`; or a void finding about the task, see `gold_fault`.
    """
    try:
        value = canonical(parse_literal(text))
    except (NotALiteral, NotSerialisable, TooLarge):
        return "not_literal"
    if proof := gold_proof(task):
        outcomes = yield proof
        if fault := gold_fault(task, outcomes, strict):
            return fault
    return RIGHT if same_value(value, task.outputs[0], strict) else WRONG


def check_input(task: CodeTask, text: str, *, strict: bool = False) -> Checking:
    """Whether an argument list makes the program return the task's output (abduction); `strict` as in `check_output`.

    The argument list must be literal: a solver's expression is never evaluated.

    Returns:
        `right`, `wrong`, `not_literal`, `input_too_long`; or void: `worker_lost`, `nondeterministic` (the program does not
        always return the same for this input), and those of `gold_fault`.
    """
    if len(text) > MAX_INPUT_CHARS:
        return "input_too_long"
    try:
        call = parse_arguments(text)
    except NotALiteral:
        return "not_literal"
    outcome, *proof = yield [Job(program=task.program, calls=(call,), determinism=True), *gold_proof(task)]
    if fault := gold_fault(task, proof, strict):
        return fault
    if is_lost(outcome):
        return WORKER_LOST
    if outcome.status is Status.NONDETERMINISTIC:
        return NONDETERMINISTIC
    if agree(outcome, task.outputs[:1], strict):
        return RIGHT
    return GOLD_CHANGED if call in task.inputs[:1] else WRONG


def check_program(task: CodeTask, program: str, *, strict: bool = False) -> Checking:
    """Whether a program reproduces every pair of the task (induction); `strict` as in `check_output`.

    Returns:
        `right`, `wrong` (so is a program that does not always return the same: it is the solver's own), or one of
        `program_fault`'s reasons; or void: `worker_lost`, and those of `gold_fault`.
    """
    if fault := program_fault(program):
        return fault
    job = Job(program=program, calls=task.inputs, determinism=True, may_meet=True)
    outcome, *proof = yield [job, *gold_proof(task)]
    if fault := gold_fault(task, proof, strict):
        return fault
    if is_lost(outcome):
        return WORKER_LOST
    return RIGHT if agree(outcome, task.outputs, strict) else WRONG


def repeats_input(task: CodeTask, *, strict: bool = False) -> bool:
    """Whether two inputs of a task are the same call, by value, whatever they look like; `strict` as in `check_output`."""
    calls = [bound_arguments(task.program, call) for call in task.inputs]
    texts = [canonical(call) for call in calls]
    return any(
        same_text(texts[later], texts[earlier]) if strict else calls[later] == calls[earlier]
        for later in range(len(calls))
        for earlier in range(later)
    )


def gold_proof(task: CodeTask) -> list[Request]:
    """The jobs that show that a task still holds: none where reading its program proves that it always will."""
    if not task.program:  # the pairs are all there is
        return []
    job = Job(program=task.program, calls=task.inputs, determinism=True)
    return [] if purity_of(job) is Purity.PURE else [job]


def gold_fault(task: CodeTask, outcomes: Sequence[Outcome], strict: bool = False) -> str:
    """The reason why a task does not hold, given the outcomes of `gold_proof`, or nothing.

    Returns:
        `worker_lost`; `nondeterministic`; `gold_changed`: its program returns something else than the task says, or nothing.
    """
    for outcome in outcomes:
        if is_lost(outcome):
            return WORKER_LOST
        if any(call.status is Status.NONDETERMINISTIC for call in outcome.calls):
            return NONDETERMINISTIC
        if not agree(outcome, task.outputs, strict):
            return GOLD_CHANGED
    return ""


def is_lost(outcome: Outcome) -> bool:
    """Whether the sandbox lost some call."""
    return any(call.status is Status.WORKER_LOST for call in outcome.calls)


def agree(outcome: Outcome, gold: Sequence[str], strict: bool) -> bool:
    """Whether every call returned the gold value."""
    values = [call.value for call in outcome.calls]
    return len(values) == len(gold) and all(
        value is not None and same_value(value, expected, strict) for value, expected in zip(values, gold, strict=True)
    )
