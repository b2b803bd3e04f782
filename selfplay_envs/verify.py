"""Checks code tasks and answers: generators that yield jobs and return a finding. Ground truth comes from execution only.

Model text is parsed as literals on the host and never evaluated there; the sandbox never sees an expected value, so a
program cannot tell which answer would please.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
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

from .expressions import MAX_INPUT_CHARS, bound_arguments, resolve_inputs
from .findings import GOLD_CHANGED, NONDETERMINISTIC, RIGHT, WORKER_LOST, WRONG, Finding
from .game import Request
from .programs import program_fault
from .reach import reaches_out
from .referee import Referee
from .syntax import module_tree
from .tags import SPECIAL
from .tasks import CodeTask

MAX_GOLD_CHARS = 4_000


def validate(
    program: str, inputs: Sequence[str], message: str = "", *, strict: bool = False
) -> Generator[list[Request], list[Any], CodeTask | str]:
    """Turns a program and argument lists into a task, or says why not.

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
        be shown as it is; see also `Referee.reserved`), `reaches_out` (see `selfplay_envs.reach`), `failed_round_trip`; or
        `worker_lost`, which is void: nothing is known.
    """
    if fault := program_fault(program):
        return fault
    calls = yield from resolve_inputs(program, inputs)
    if isinstance(calls, str):
        return calls
    [first] = yield [Job(program=program, calls=calls, determinism=True)]
    if first.status is not Status.OK:
        return WORKER_LOST if _is_lost(first) else f"program_{first.status}"
    try:  # in our own hand: what a program says of itself may hold a comment, and gold values stand in prompts
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
    if _is_lost(again):
        return WORKER_LOST
    return (
        CodeTask(program=program, inputs=calls, outputs=gold, message=message)
        if _agree(again, gold, strict)
        else "failed_round_trip"
    )


def check_output(task: CodeTask, text: str, *, strict: bool = False) -> Finding:
    """Whether a literal equals the task's output (deduction). Asks only whether the task still holds, where that is not proved.

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


def check_input(task: CodeTask, text: str, *, strict: bool = False) -> Finding:
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
    if _is_lost(outcome):
        return WORKER_LOST
    if outcome.status is Status.NONDETERMINISTIC:
        return NONDETERMINISTIC
    if _agree(outcome, task.outputs[:1], strict):
        return RIGHT
    return GOLD_CHANGED if call in task.inputs[:1] else WRONG


def check_program(task: CodeTask, program: str, *, strict: bool = False) -> Finding:
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
    if _is_lost(outcome):
        return WORKER_LOST
    return RIGHT if _agree(outcome, task.outputs, strict) else WRONG


def repeats_input(task: CodeTask, *, strict: bool = False) -> bool:
    """Whether two inputs of a task are the same call, by value, whatever they look like; `strict` as in `check_output`."""
    calls = [bound_arguments(task.program, call) for call in task.inputs]
    texts = [canonical(call) for call in calls]
    return any(
        same_text(texts[one], texts[other]) if strict else calls[one] == calls[other]
        for one in range(len(calls))
        for other in range(one)
    )


def gold_proof(task: CodeTask) -> list[Request]:
    """What to ask to see that a task still holds: nothing where reading its program proves that it always will."""
    if not task.program:  # the pairs are all there is
        return []
    job = Job(program=task.program, calls=task.inputs, determinism=True)
    return [] if purity_of(job) is Purity.PURE else [job]


def gold_fault(task: CodeTask, outcomes: Sequence[Outcome], strict: bool = False) -> str:
    """Why a task does not hold, given the answers to `gold_proof`, or nothing.

    Returns:
        `worker_lost`; `nondeterministic`; `gold_changed`: its program returns something else than the task says, or nothing.
    """
    for outcome in outcomes:
        if _is_lost(outcome):
            return WORKER_LOST
        if any(call.status is Status.NONDETERMINISTIC for call in outcome.calls):
            return NONDETERMINISTIC
        if not _agree(outcome, task.outputs, strict):
            return GOLD_CHANGED
    return ""


def _is_lost(outcome: Outcome) -> bool:
    """Whether the sandbox failed to say anything of some call."""
    return any(call.status is Status.WORKER_LOST for call in outcome.calls)


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
