"""From jobs to frames and from replies to outcomes: the pure half of a sandbox, with no process in it.

A frame carries some calls of one job to one child. A child that is killed in its first call has settled that call; the
calls behind it are sent again. A child that is killed in a later call has settled nothing for it, since the calls before
it had used up the limits too: that call is sent again, as the first of a new child. The same holds for a call that ran out
of memory. So no verdict depends on which calls happened to travel together; and calls travel together only where the program
proves that they cannot meet, or where it is all one to its author.

A child's records are a program's word. It may say of a call what the program could have brought about by itself, and no
more: a value is no longer than asked for, arguments are judged here, and a page full of records costs nothing.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from itertools import islice

from .purity import Purity, purity_of
from .spec import CallOutcome, Job, Outcome, Status
from .values import MAX_LITERAL_CHARS, NotALiteral, read_call
from .wire import REQUEST, Stop, Tag, record, records

MAX_PROGRAM_BYTES = 65_536
MAX_CALLS = 1_024
MAX_MEMORY_MIB = 1_024
_FRAME_CHARS = 65_536  # argument text in one frame: the child reads all of it, on the job's time, before its first call
_ERROR_CHARS = 200
_STRAY_RECORDS = 64  # that are read beyond those of an honest child: to read a page full of them would take a second

_MOST_RUNS = {Purity.PURE: 1, Purity.STEADY: 2, Purity.ALONE: 8}
"""How often a proof may run each call: what an earlier call changes shows in two runs, what chance does in several."""

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
    most: int = 1
    """How often the child may make each call; more than once: to see that it returns the same."""
    twins: bool = False
    """Whether other hash seeds are to be asked too."""
    twin: int = 0
    """Which hash seed it is for. 0: the first run. Others: once more, to be compared with the results already there."""
    losses: int = 0
    """How many workers died while running this frame."""
    whole: tuple[int, ...] = ()
    """The calls that the first frame of this run held."""

    def __post_init__(self) -> None:
        self.whole = self.whole or tuple(self.indices)

    @property
    def least(self) -> int:
        """How often the child makes each call at least; its limits are multiplied likewise."""
        return 1 if self.twin else min(2, self.most)

    @property
    def wall_s(self) -> float:
        """The child's wall limit in seconds."""
        return self.job.limits.wall_s * self.least

    @property
    def sent(self) -> int:
        """How many of the calls go into one child; the others wait for the next."""
        total = 0
        for count, index in enumerate(self.indices):
            total += len(self.job.calls[index])
            if count and total > _FRAME_CHARS:
                return count
        return len(self.indices)

    def encode(self, number: int) -> bytes:
        """The bytes of this frame under the given frame id."""
        limits = self.job.limits
        body = record(Tag.PROGRAM, self.job.program) + record(Tag.ENTRY_POINT, self.job.entry_point)
        body += b"".join(record(Tag.ARGUMENTS, self.job.calls[index]) for index in self.indices[: self.sent])
        times = (round(1000 * self.least * limit_s) for limit_s in (limits.cpu_s, limits.wall_s, limits.idle_s))
        how = limits.memory_mib, limits.output_bytes, self.least, self.most
        return REQUEST.pack(number, len(body), *times, *how) + body

    def give_up(self) -> None:
        """Settles the remaining calls as lost by the sandbox."""
        for index in self.indices:
            lost = CallOutcome(status=Status.WORKER_LOST, error="the sandbox failed twice")
            self.results[index] = _agree(self.results[index], lost)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker's parent says of a child, and what the child itself wrote."""

    status: int
    """Wait status, as from `os.wait4`."""
    stop: Stop
    """Whether the worker ended it, and why."""
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


def open_frames(job: Job, results: list[CallOutcome | None]) -> list[Frame]:
    """The first frames of a job, without calls that are refused unsent: one, or one for each call where they must not meet."""
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
    if not indices:
        return []
    purity = purity_of(job) if job.determinism or len(indices) > 1 else Purity.ALONE
    most = _MOST_RUNS[purity] if job.determinism else 1
    twins = job.determinism and purity < Purity.STEADY
    groups = [indices] if job.may_meet or purity > Purity.ALONE else [[index] for index in indices]
    return [Frame(job, group, results, most, twins) for group in groups]


def settle(frame: Frame, reply: Reply) -> Frame | None:
    """Files what the reply settles into `frame.results`; returns the frame of the calls that must run again, if any."""
    outcomes = read_reply(reply, frame.sent, len(frame.indices))
    for index, said in zip(frame.indices, outcomes, strict=False):
        outcome = _within_limits(said, frame.job, index)
        frame.results[index] = _agree(frame.results[index], outcome) if frame.twin else outcome
    rest = frame.indices[len(outcomes) :]
    return replace(frame, indices=rest, losses=0) if rest else None


def open_twins(frame: Frame, seeds: int) -> list[Frame]:
    """The frames that ask the other hash seeds about every call of a proof that went well, once its first run is settled."""
    if not frame.twins or frame.twin:
        return []
    good = [index for index in frame.whole if (one := frame.results[index]) is not None and one.status is Status.OK]
    twin = replace(frame, indices=good, whole=tuple(good), most=1, losses=0)  # chance has shown in the first run already
    return [replace(twin, twin=number) for number in range(1, seeds)] if good else []


def read_reply(reply: Reply, sent: int, total: int) -> list[CallOutcome]:
    """The outcomes of the first calls of a frame, at least one; the calls behind them must run again.

    Args:
        reply: What came back.
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


def _within_limits(said: CallOutcome, job: Job, index: int) -> CallOutcome:
    """What a child said of a call, or what becomes of the call if that is more than a program may say."""
    if said.value is not None and len(said.value.encode()) > job.limits.output_bytes:
        return CallOutcome(status=Status.OUTPUT_TOO_LARGE, error=f"longer than {job.limits.output_bytes} bytes")
    if said.status is Status.FORBIDDEN and _are_literals(job.calls[index]):
        return CallOutcome(status=Status.EXCEPTION, error="exited")
    return said


def _are_literals(arguments: str) -> bool:
    try:
        read_call(arguments)
    except NotALiteral:
        return False
    return True


def _ending(reply: Reply) -> CallOutcome:
    """What a child's death says about the call that it died in."""
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
    """What hash seeds say together: the first one's word where they agree."""
    from .literals import same_text

    if first is None or (first.status is Status.OK and second.status is Status.WORKER_LOST):
        return second
    if first.status is not Status.OK:
        return first  # another twin has disagreed already
    if second.status is not Status.OK:
        return CallOutcome(status=Status.NONDETERMINISTIC, error=f"under another hash seed: {second.status}")
    if same_text(first.value or "", second.value or ""):
        return first
    return CallOutcome(status=Status.NONDETERMINISTIC, error="differs under another hash seed")
