"""Whether a program returns what a reference program returns, on every input; in the form of EvalPlus's data sets.

Both run in the sandbox, never in one process. The tested program is shown arguments only; its values come back as text, and
they are compared here. Whatever it prints, patches or pretends to equal decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sandboxes import Limits, Outcome, Status

from ...tasks.programs import parse_program
from ..findings import GOLD_CHANGED, RIGHT, WORKER_LOST, WRONG, Checking, growing_batches
from .calls import calling_jobs
from .oracles import FLOAT_TOLERANCE, ORACLES, WITHOUT_REFERENCE, Case, holds_floats
from .outputs import BEYOND, Outputs, reference_outputs

LIMITS = Limits(cpu_s=3.0, wall_s=12.0, memory_mib=1_024)
_MAX_BATCH = 8  # calls in a job, each of which may take all of its time
_OUTPUT_BYTES = (1 << 16, 1 << 20)  # least and most that a tested call may return, else four times what is expected


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceTests:
    """The tests of one task: a reference program, and calls of it."""

    reference: str
    """Python source; trusted to be right."""
    base: tuple[str, ...]
    """Argument lists, texts of `calls.argument_list`: the tests that the task came with."""
    plus: tuple[str, ...] = ()
    """Those that were added."""
    oracle: str = "equal"
    """How a value is compared: a name of `oracles.ORACLES`."""
    tolerance: float = 0.0
    """Absolute, of numbers; 0: none, but for floats."""


def check_reference(
    program: str,
    entry_point: str,
    tests: ReferenceTests,
    *,
    base_only: bool = False,
    strict: bool = False,
    limits: Limits = LIMITS,
) -> Checking:
    """Whether a program agrees with a reference on all calls; stops soon after the first on which it does not.

    Calls for which the reference itself needs more than a sandbox holds (`outputs.BEYOND`) say nothing and are left out.

    Args:
        program: The tested program: hostile.
        entry_point: The function to call, in both programs.
        tests: The reference and the calls.
        base_only: Whether only the base tests count.
        strict: False compares as EvalPlus does: by `==`, and once the reference has returned floats, numbers of all later
            calls may be off by `FLOAT_TOLERANCE`. True tells `True`, `1` and `1.0` apart at any depth, and allows that for
            floats alone.
        limits: Of a few calls of the program together; a call gets all of it where it needs to.

    Returns:
        `right`; `wrong` (a value differs, has no text, or a call did not return); `syntax_error`; `program_too_long`; or void:
        `worker_lost`, `gold_changed` (the reference does not return, or returns what cannot be compared).
    """
    tree = parse_program(program)
    if isinstance(tree, str):
        return tree
    cases: list[Case] = []
    for calls in (tests.base,) if base_only else (tests.base, tests.plus):
        outputs = yield from reference_outputs(tests.reference, entry_point, calls)
        if isinstance(outputs, str):
            return outputs
        tolerances = _tolerances(outputs, tests.tolerance, strict)
        whole = [Case(*row, strict) for row in zip(calls, outputs, outputs, tolerances, strict=True)]
        cases += [case for case in whole if case.expected != BEYOND]
    if not cases or (tests.oracle not in WITHOUT_REFERENCE and any(case.expected is None for case in cases)):
        return GOLD_CHANGED
    for batch in growing_batches(cases, _MAX_BATCH):
        texts = [case.call for case in batch]
        outcomes: list[Outcome] = yield [*calling_jobs(program, entry_point, texts, _sized(limits, batch))]
        finding = _compare(batch, outcomes, tests.oracle)
        if finding != RIGHT:
            return finding
    return RIGHT


def _compare(batch: Sequence[Case], outcomes: Sequence[Outcome], oracle: str) -> str:
    returned = [call for outcome in outcomes for call in outcome.calls]
    if any(call.status is Status.WORKER_LOST for call in returned):
        return WORKER_LOST
    for case, call in zip(batch, returned, strict=True):
        match call.status:
            case Status.OK | Status.NOT_SERIALISABLE | Status.OUTPUT_TOO_LARGE:
                if not ORACLES[oracle](case._replace(value=call.value)):
                    return WRONG
            case Status.SYNTAX_ERROR:
                return "syntax_error"
            case Status.FORBIDDEN:  # it leaves no room for long arguments
                return "program_too_long"
            case _:
                return WRONG
    return RIGHT


def _tolerances(outputs: Outputs, tolerance: float, strict: bool) -> Iterator[float]:
    """The tolerance of each call: EvalPlus's loop keeps the one that the first floats have set."""
    for output in outputs:
        own = tolerance or (FLOAT_TOLERANCE if holds_floats(output) else 0.0)
        yield own
        if not strict:
            tolerance = own


def _sized(limits: Limits, batch: Sequence[Case]) -> Limits:
    least, most = _OUTPUT_BYTES
    expected = max(len(case.expected or "") for case in batch)
    return replace(limits, output_bytes=max(least, min(most, 4 * expected)))
