"""Jobs, limits and outcomes: the records that cross the sandbox seam, and the protocol of a sandbox.

A `Job` is one program with a list of calls; an `Outcome` holds one `CallOutcome` per call. All of them are frozen,
made of JSON-able fields, and the same for every backend.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol, Self

from .stats import SandboxStats

_PACKAGE_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")


class Status(StrEnum):
    """The way in which a job, or one call of it, ended. Decided by the harness, never by what the program says."""

    OK = "ok"
    SYNTAX_ERROR = "syntax_error"
    """The program text does not compile."""
    EXCEPTION = "exception"
    """The program or the call raised, or ended the process by itself; `error` holds the exception's type name."""
    TIMEOUT = "timeout"
    IDLE = "idle"
    """Slept, or waited for something else that is no processor."""
    MEMORY = "memory"
    OUTPUT_TOO_LARGE = "output_too_large"
    FORBIDDEN = "forbidden"
    """Not run at all: the call's arguments are not literals, or the job itself is over its caps."""
    NOT_SERIALISABLE = "not_serialisable"
    """The returned value is not made of plain Python literals."""
    NONDETERMINISTIC = "nondeterministic"
    """Two runs disagree: in one process, at other addresses, or under other hash seeds."""
    WORKER_LOST = "worker_lost"
    """The sandbox failed, twice: nothing is known about the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Resources of one job. CPU time is the verdict; wall time is a backstop that a busy machine does not reach."""

    cpu_s: float = 1.0
    """CPU seconds for all calls of the job together, 0.01 to 60. A call that runs out with others before it gets a new start,
    so that only a call that needs more than this by itself is a timeout."""
    wall_s: float = 4.0
    """Wall seconds for the job."""
    idle_s: float = 0.25
    """Seconds that the job may sleep, or wait for anything but a processor: it would hold a worker up at no cost."""
    memory_mib: int = 256
    """Address space of the program on top of the interpreter's, in MiB; the workers take up to 1,024."""
    output_bytes: int = 65_536
    """Length of one call's canonical value in UTF-8 bytes."""

    def __post_init__(self) -> None:
        bounds = (
            *(("cpu_s", 0.01, 60), ("wall_s", 0.01, 600), ("idle_s", 0.01, 60)),
            *(("memory_mib", 16, 65_536), ("output_bytes", 16, 1 << 20)),
        )
        for name, low, high in bounds:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"Limits.{name}={value!r} is outside {low} to {high}; choose a value in that range.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One program and the calls to make of its entry point, each in fresh globals.

    Calls never meet: they share a process only where reading the program proves that they cannot tell (`purity.proof`).
    """

    program: str
    """Python source text."""
    calls: tuple[str, ...]
    """Argument lists as source text, such as `"[1, 2], key='a'"`; literals only, parsed, never evaluated."""
    entry_point: str = "f"
    limits: Limits = field(default_factory=Limits)
    determinism: bool = False
    """Whether it must be proved that a call returns the same every time: by reading the program, or else by running it again,
    in the same process, at other addresses, and under other hash seeds. Unequal values are `nondeterministic`."""
    may_meet: bool = False
    """Whether calls may share a process whatever the program is: any harm is its author's own."""
    packages: tuple[str, ...] = ()
    """Names of installed distributions, such as `math-verify`, that the program imports besides the standard library. What
    `open_sandbox` returns has them imported before it forks; `check_packages` asks whether they are installed."""

    def __post_init__(self) -> None:
        if self.packages and not (type(self.packages) is tuple and all(map(_is_package_name, self.packages))):
            raise ValueError(
                f"Job.packages={self.packages!r} is no tuple of names of distributions without versions; "
                "write packages=('math-verify',)."
            )


def _is_package_name(name: object) -> bool:
    return isinstance(name, str) and _PACKAGE_NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutcome:
    """The outcome of one call: `value` is canonical literal text when `status` is ok, else None."""

    status: Status
    value: str | None = None
    error: str | None = None
    """Exception type name or a short reason, written by the harness; None when ok."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a job. `status` is ok, or the first status among the calls that is not."""

    status: Status
    calls: tuple[CallOutcome, ...]
    """One per call of the job, in order."""

    @classmethod
    def uniform(cls, status: Status, count: int, error: str | None = None) -> Self:
        """The outcome of a job whose `count` calls all ended the same way."""
        return cls(status=status, calls=tuple(CallOutcome(status=status, error=error) for _ in range(count)))

    @classmethod
    def of(cls, calls: Sequence[CallOutcome]) -> Self:
        """The outcome made of these calls, its status the first that is not ok."""
        status = next((call.status for call in calls if call.status is not Status.OK), Status.OK)
        return cls(status=status, calls=tuple(calls))

    def to_json(self) -> dict[str, Any]:
        """This outcome as plain JSON types; `from_json` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The outcome that `to_json` wrote."""
        calls = tuple(CallOutcome(status=Status(c["status"]), value=c["value"], error=c["error"]) for c in data["calls"])
        return cls(status=Status(data["status"]), calls=calls)


class CodeSandbox(Protocol):
    """Runs batches of untrusted programs. Never raises because of a program; only because of itself. Safe to share by threads.

    A remote sandbox would implement `submit` over its wire: jobs and outcomes are JSON-able on purpose.
    """

    name: str
    """`docker`, `process` or `scripted`: what stands in episode records."""
    hash_seeds: tuple[int, ...] = ()
    """Hash seeds of the interpreters that answer, that of plain jobs first; empty where no interpreter does."""

    def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
        """A future of one outcome per job, in order; several batches may be in flight.

        Cancelling the future drops what no worker has begun. In a coroutine: `await asyncio.wrap_future(sandbox.submit(jobs))`.

        Raises:
            SandboxUnavailable: By the future: the backend could not be started; says what to install or type. Directly: this
                sandbox is closed.
        """
        ...

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One outcome per job, in order; whoever is interrupted while waiting leaves no work behind.

        Raises:
            SandboxUnavailable: The backend could not be started; says what to install or type.
        """
        future = self.submit(jobs)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stats(self) -> SandboxStats:
        """Counters of all that was done so far."""
        ...

    def close(self) -> None:
        """Ends every process and container of this sandbox; safe to call twice."""
        ...
