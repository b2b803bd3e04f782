"""From replies to outcomes: which calls a reply settles, and how; the pure half of a sandbox, with no process in it.

A child that is killed in its first call has settled that call; the calls behind it are sent again. A child that is killed in a
later call has settled nothing for it, since the calls before it had used up the limits too: that call is sent again, as the
first of a new child. The same holds for a call that ran out of memory. So no verdict depends on which calls happened to travel
together; and calls travel together only where the program proves that they cannot meet, or where it is all one to its author.

A child's records are a program's word. It may say of a call what the program could have brought about by itself, and no
more: a value is no longer than asked for, arguments are judged here, and a page full of records costs nothing.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from itertools import islice

from ..core.caps import MAX_MEMORY_MIB
from ..core.types import CallOutcome, Job, Status
from ..protocol.equality import same_text
from ..protocol.literals import NotALiteral, read_call
from ..protocol.wire import Stop, Tag, records
from .frames import Frame, Reply

_ERROR_CHARS = 200
_STRAY_RECORDS = 64  # that are read beyond those of an honest child: to read a page full of them would take a second

_STATUS_OF_TAG = {
    Tag.VALUE: Status.OK,
    Tag.EXCEPTION: Status.EXCEPTION,
    Tag.MEMORY: Status.MEMORY,
    Tag.TOO_LARGE: Status.OUTPUT_TOO_LARGE,
    Tag.NOT_SERIALISABLE: Status.NOT_SERIALISABLE,
    Tag.FORBIDDEN: Status.FORBIDDEN,
    Tag.NONDETERMINISTIC: Status.NONDETERMINISTIC,
}


def settle(frame: Frame, reply: Reply) -> Frame | None:
    """Files what the reply settles into `frame.results`; returns the frame of the calls that must run again, if any."""
    outcomes = read_reply(reply, frame.sent, len(frame.indices))
    for index, reported in zip(frame.indices, outcomes, strict=False):
        outcome = _within_limits(reported, frame.job, index)
        frame.results[index] = _agree(frame.results[index], outcome) if frame.seed else outcome
    remaining = frame.indices[len(outcomes) :]
    return replace(frame, indices=remaining, losses=0) if remaining else None


def settle_as_lost(frame: Frame) -> None:
    """Settles the calls of a frame as lost by the sandbox."""
    lost = CallOutcome(status=Status.WORKER_LOST, error="the sandbox failed twice")
    for index in frame.indices:
        frame.results[index] = _agree(frame.results[index], lost)


def read_reply(reply: Reply, sent: int, total: int) -> list[CallOutcome]:
    """The outcomes of the first calls of a frame, at least one; the calls behind them must run again.

    Args:
        reply: The reply to the frame.
        sent: How many calls the child was given.
        total: How many calls the frame holds, for what is true of all of them: text that does not compile, and a module
            level that never ends.
    """
    outcomes: list[CallOutcome] = []
    loaded = False
    for tag, text in islice(records(reply.payload), sent + _STRAY_RECORDS):
        if tag == Tag.SYNTAX_ERROR and not loaded:
            return [CallOutcome(status=Status.SYNTAX_ERROR, error=text[:_ERROR_CHARS])] * total
        if tag == Tag.LOADED:
            loaded = True
        elif tag == Tag.MEMORY and outcomes:
            break  # the calls before it had filled the memory too
        elif tag in _STATUS_OF_TAG:
            status = _STATUS_OF_TAG[Tag(tag)]
            good = status is Status.OK
            error = None if good else text[:_ERROR_CHARS]
            outcomes.append(CallOutcome(status=status, value=text if good else None, error=error))
        if len(outcomes) == sent:
            break
    return outcomes or [_ending(reply)] * (1 if loaded else total)


def _within_limits(reported: CallOutcome, job: Job, index: int) -> CallOutcome:
    """The outcome that a child reported for a call, or another in its place if it is one that no program can bring about."""
    if reported.value is not None and len(reported.value.encode()) > job.limits.output_bytes:
        return CallOutcome(status=Status.OUTPUT_TOO_LARGE, error=f"longer than {job.limits.output_bytes} bytes")
    if reported.status is Status.FORBIDDEN and _are_literals(job.calls[index]):
        return CallOutcome(status=Status.EXCEPTION, error="exited")
    return reported


def _are_literals(arguments: str) -> bool:
    try:
        read_call(arguments)
    except NotALiteral:
        return False
    return True


def _ending(reply: Reply) -> CallOutcome:
    """The outcome of the call that a child died in, by the way it died."""
    if reply.stop is Stop.IDLE:
        return CallOutcome(status=Status.IDLE, error="waited for something that is no processor")
    if reply.stop is Stop.TIME:
        return CallOutcome(status=Status.TIMEOUT, error="over its CPU or wall limit")
    if not os.WIFSIGNALED(reply.status):
        return CallOutcome(status=Status.EXCEPTION, error="exited")
    number = os.WTERMSIG(reply.status)
    if number == signal.SIGKILL and reply.peak_mib > MAX_MEMORY_MIB * 0.9:
        return CallOutcome(status=Status.MEMORY, error="out of memory")
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return CallOutcome(status=Status.EXCEPTION, error=f"killed: {name}")


def _agree(first: CallOutcome | None, second: CallOutcome) -> CallOutcome:
    """The outcome under several hash seeds: that under the first where they agree."""
    if first is None or (first.status is Status.OK and second.status is Status.WORKER_LOST):
        return second
    if first.status is not Status.OK:
        return first  # another seed has disagreed already
    if second.status is not Status.OK:
        return CallOutcome(status=Status.NONDETERMINISTIC, error=f"under another hash seed: {second.status}")
    if same_text(first.value or "", second.value or ""):
        return first
    return CallOutcome(status=Status.NONDETERMINISTIC, error="differs under another hash seed")
