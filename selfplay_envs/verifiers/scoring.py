"""Jobs of other people's scorers, which run in the sandbox, and whose fault it is when one does not answer."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from sandboxes import CallOutcome, Job, Limits, NotALiteral, Status, parse_literal

from ..core.game import Request
from .findings import WORKER_LOST

ANSWER_TIMEOUT = "answer_timeout"
ANSWER_TOO_LARGE = "answer_too_large"
ANSWER_CRASHED = "answer_crashed"
ANSWER_TOO_LONG = "answer_too_long"
FAULTS = {
    Status.TIMEOUT: ANSWER_TIMEOUT,
    Status.IDLE: ANSWER_TIMEOUT,
    Status.MEMORY: ANSWER_TOO_LARGE,
    Status.FORBIDDEN: ANSWER_TOO_LONG,
    Status.WORKER_LOST: WORKER_LOST,
}
LIMITS = Limits(cpu_s=5.0, wall_s=20.0, memory_mib=512)
_INSIDE = (Path(__file__).parent / "inside" / "scorers.py").read_text(encoding="utf-8")

Scoring = Generator[list[Request], list[Any], tuple[Any, str]]
"""A scorer at work: returns its value and no fault, or a fault."""


def score(
    entry_point: str, arguments: Sequence[object], answer: str, gold: str, packages: tuple[str, ...], limits: Limits = LIMITS
) -> Scoring:
    """The value of a function of `inside.scorers` for an answer, or a fault: of the answer, or of ours.

    An answer on which the scorer hangs, crashes or fills its memory is to blame only where the scorer does answer to the gold
    answer; else nothing is known.

    Args:
        entry_point: The function; every check of a batch has the same program, so that the referee makes them one job.
        arguments: Literals; the answer comes after them.
        answer: Hostile text.
        gold: A text that the scorer must be able to judge.
        packages: Distributions that it imports.
        limits: Of each call.

    Returns:
        `(value, "")`; or None and `answer_timeout`, `answer_too_large`, `answer_crashed`, `answer_too_long`, or `worker_lost`.
    """

    def job(text: str) -> Job:
        call = ", ".join(map(repr, (*arguments, text)))
        return Job(program=_INSIDE, calls=(call,), entry_point=entry_point, limits=limits, packages=packages)

    [outcome] = yield [job(answer)]
    value, fault = _read(outcome.calls[0])
    if fault and fault != WORKER_LOST:
        [outcome] = yield [job(gold)]
        fault = WORKER_LOST if _read(outcome.calls[0])[1] else fault
    return value, fault


def _read(call: CallOutcome) -> tuple[Any, str]:
    if call.status is not Status.OK or call.value is None:
        return None, FAULTS.get(call.status, ANSWER_CRASHED)
    try:
        return parse_literal(call.value), ""
    except NotALiteral:
        return None, ANSWER_CRASHED
