"""From jobs to frames and from replies to outcomes: the pure half of a sandbox, with no process in it.

A frame carries some calls of one job to one child. A child that is killed in its first call has settled that call; the
calls behind it are sent again. A child that is killed in a later call has settled nothing for it, since the calls before
it had used up the limits too: that call is sent again, as the first of a new child. So no verdict depends on which calls
happened to travel together.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from .spec import CallOutcome, Job, Outcome, Status
from .values import MAX_LITERAL_CHARS
from .wire import REQUEST, Tag, record, records

MAX_PROGRAM_BYTES = 65_536
MAX_CALLS = 1_024
MAX_MEMORY_MIB = 1_024

_STATUS_OF_TAG = {
    Tag.VALUE: Status.OK,
    Tag.EXCEPTION: Status.EXCEPTION,
    Tag.MEMORY: Status.MEMORY,
    Tag.TOO_LARGE: Status.OUTPUT_TOO_LARGE,
    Tag.NOT_SERIALISABLE: Status.NOT_SERIALISABLE,
    Tag.FORBIDDEN: Status.FORBIDDEN,
    Tag.NONDETERMINISTIC: Status.NONDETERMINISTIC,
}


@dataclass(slots=True)
class Frame:
    """Some calls of one job, on their way to one child."""

    job: Job
    indices: list[int]
    """Which calls of the job, in order."""
    results: list[CallOutcome | None]
    """Where this job's outcomes go, one place per call of the job."""
    twin: bool = False
    """Whether this runs under the second hash seed, once, to be compared with results already there."""
    losses: int = 0
    """How many workers died while running this frame."""

    @property
    def repeats(self) -> int:
        """How often the child makes each call; its limits are multiplied likewise."""
        return 2 if self.job.determinism and not self.twin else 1

    @property
    def wall_s(self) -> float:
        """The child's wall limit in seconds."""
        return self.job.limits.wall_s * self.repeats

    def encode(self, number: int) -> bytes:
        """The bytes of this frame under the given frame id."""
        limits = self.job.limits
        body = record(Tag.PROGRAM, self.job.program) + record(Tag.ENTRY_POINT, self.job.entry_point)
        body += b"".join(record(Tag.ARGUMENTS, self.job.calls[index]) for index in self.indices)
        cpu_ms, wall_ms = round(limits.cpu_s * self.repeats * 1000), round(self.wall_s * 1000)
        return REQUEST.pack(number, len(body), cpu_ms, wall_ms, limits.memory_mib, limits.output_bytes, self.repeats) + body

    def give_up(self) -> None:
        """Settles the remaining calls as lost by the sandbox."""
        for index in self.indices:
            self.results[index] = CallOutcome(status=Status.WORKER_LOST, error="the sandbox failed twice")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker's parent says of a child, and what the child itself wrote."""

    status: int
    """Wait status, as from `os.wait4`."""
    timed_out: bool
    cpu_s: float
    peak_mib: float
    payload: bytes


def refuse(job: Job) -> Outcome | None:
    """The outcome of a job that is not worth sending, or None."""
    count = len(job.calls)
    try:
        size = len(job.program.encode())
        job.entry_point.encode()
    except UnicodeEncodeError:
        return Outcome.uniform(Status.SYNTAX_ERROR, count, "UnicodeEncodeError")
    if size > MAX_PROGRAM_BYTES:
        return Outcome.uniform(Status.FORBIDDEN, count, f"program longer than {MAX_PROGRAM_BYTES} bytes")
    if len(job.entry_point) > 200:
        return Outcome.uniform(Status.FORBIDDEN, count, "entry point longer than 200 characters")
    if count > MAX_CALLS:
        return Outcome.uniform(Status.FORBIDDEN, count, f"more than {MAX_CALLS} calls")
    if job.limits.memory_mib > MAX_MEMORY_MIB:
        return Outcome.uniform(Status.FORBIDDEN, count, f"memory_mib over {MAX_MEMORY_MIB}")
    return None


def open_frame(job: Job, results: list[CallOutcome | None]) -> Frame | None:
    """The first frame of a job, without the calls that are refused unsent; None when none is left."""
    indices: list[int] = []
    for index, text in enumerate(job.calls):
        if len(text) > MAX_LITERAL_CHARS:
            reason = f"arguments longer than {MAX_LITERAL_CHARS} characters"
        elif not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            reason = "arguments are not literals"
        else:
            indices.append(index)
            continue
        results[index] = CallOutcome(status=Status.FORBIDDEN, error=reason)
    return Frame(job, indices, results) if indices else None


def settle(frame: Frame, reply: Reply) -> Frame | None:
    """Files what the reply settles into `frame.results`; returns the frame of the calls that must run again, if any."""
    outcomes, again_from = read_reply(reply, len(frame.indices), frame.job.limits.output_bytes)
    for index, outcome in zip(frame.indices, outcomes, strict=False):
        frame.results[index] = _agree(frame.results[index], outcome) if frame.twin else outcome
    rest = frame.indices[again_from:]
    return Frame(frame.job, rest, frame.results, frame.twin) if rest else None


def open_twin(frame: Frame) -> Frame | None:
    """The frame that asks the second hash seed about every call that went well; None when there is nothing to ask."""
    if frame.twin or not frame.job.determinism:
        return None
    good = [i for i, result in enumerate(frame.results) if result is not None and result.status is Status.OK]
    return Frame(frame.job, good, frame.results, twin=True) if good else None


def read_reply(reply: Reply, count: int, output_bytes: int) -> tuple[Sequence[CallOutcome], int]:
    """The outcomes of the first calls of a frame of `count`, and the position from which calls must run again."""
    outcomes: list[CallOutcome] = []
    loaded = False
    for tag, text in records(reply.payload):
        if tag == Tag.SYNTAX_ERROR and not loaded:
            return [CallOutcome(status=Status.SYNTAX_ERROR, error=text)] * count, count
        if tag == Tag.LOADED:
            loaded = True
        elif tag in _STATUS_OF_TAG and len(outcomes) < count:
            status = _STATUS_OF_TAG[Tag(tag)]
            good = status is Status.OK
            outcomes.append(CallOutcome(status=status, value=text if good else None, error=None if good else text))
    done = len(outcomes)
    if done:
        return outcomes, done
    ending = _ending(reply)
    return ([ending], 1) if loaded else ([ending] * count, count)


def _ending(reply: Reply) -> CallOutcome:
    """What a child's death says about the call that it died in."""
    if reply.timed_out:
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
    """What two hash seeds say together: the first one's word when they agree."""
    from .literals import same_value

    if first is None or second.status is Status.WORKER_LOST:
        return second
    if second.status is not Status.OK:
        return CallOutcome(status=Status.NONDETERMINISTIC, error=f"under another hash seed: {second.status}")
    if first.value == second.value or same_value(first.value or "", second.value or "", strict=True):
        return first
    return CallOutcome(status=Status.NONDETERMINISTIC, error="differs under another hash seed")
