"""Frames: some calls of one job, on their way to one child; and the reply that comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..core.types import CallOutcome, Job, Status
from ..protocol.literals import MAX_LITERAL_CHARS
from ..protocol.wire import REQUEST, Stop, Tag, record
from ..purity.proof import Purity, purity_of

HASH_SEEDS = 8
"""Number of hash seeds of a sandbox. Plain jobs run only under the first, so no verdict depends on which worker it came from.
The others are there to prove that results are deterministic; `Frame.seed` numbers them. The first of n words in hash order
agrees by chance under all of them about once in n ** 7 times (`tests/benchmarks/hash_order.py`)."""

_FRAME_CHARS = 65_536  # argument text in one frame: the child reads all of it, on the job's time, before its first call
_MAX_RUNS = {Purity.PURE: 1, Purity.STEADY: 2, Purity.ALONE: 8}
"""Most runs of each call of a proof: what an earlier call changes shows in two runs, what chance does in several."""


@dataclass(slots=True)
class Frame:
    """Some calls of one job, on their way to one child."""

    job: Job
    indices: list[int]
    """Which calls of the job, in order."""
    results: list[CallOutcome | None]
    """The job's outcomes, one place per call of the job, filled as replies come in."""
    max_runs: int = 1
    """Number of times that the child may make each call; more than once: to see that it returns the same."""
    needs_reruns: bool = False
    """Whether the calls must run again under the other hash seeds."""
    batch: int = 0
    """Number of the batch that the job came in."""
    seed: int = 0
    """Number of the hash seed it is for. 0: the first run. Others: once more, to be compared with the results already there."""
    losses: int = 0
    """Workers that died while running this frame."""
    all_indices: tuple[int, ...] = ()
    """The calls that the first frame of this run held."""

    def __post_init__(self) -> None:
        self.all_indices = self.all_indices or tuple(self.indices)

    @property
    def min_runs(self) -> int:
        """Number of times that the child makes each call at least; its limits are multiplied likewise."""
        return 1 if self.seed else min(2, self.max_runs)

    @property
    def wall_s(self) -> float:
        """The child's wall limit in seconds."""
        return self.job.limits.wall_s * self.min_runs

    @property
    def sent(self) -> int:
        """Number of calls that go into one child; the others wait for the next."""
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
        times_ms = (round(1000 * self.min_runs * limit_s) for limit_s in (limits.cpu_s, limits.wall_s, limits.idle_s))
        sizes_and_runs = limits.memory_mib, limits.output_bytes, self.min_runs, self.max_runs
        return REQUEST.pack(number, len(body), *times_ms, *sizes_and_runs) + body


@dataclass(frozen=True, slots=True)
class Reply:
    """A worker's report of how a child ended, and the records that the child itself wrote."""

    status: int
    """Wait status, as from `os.wait4`."""
    stop: Stop
    """Whether the worker ended it, and why."""
    cpu_s: float
    peak_mib: float
    payload: bytes


def open_frames(job: Job, results: list[CallOutcome | None], batch: int = 0) -> list[Frame]:
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
    max_runs = _MAX_RUNS[purity] if job.determinism else 1
    needs_reruns = job.determinism and purity < Purity.STEADY
    groups = [indices] if job.may_meet or purity > Purity.ALONE else [[index] for index in indices]
    return [Frame(job, group, results, max_runs, needs_reruns, batch) for group in groups]


def open_reruns(frame: Frame, seeds: int = HASH_SEEDS) -> list[Frame]:
    """Frames that run every good call of a proof again under the other hash seeds, once its first run is settled."""
    if not frame.needs_reruns or frame.seed:
        return []
    results = [(index, frame.results[index]) for index in frame.all_indices]
    good = [index for index, result in results if result is not None and result.status is Status.OK]
    rerun = replace(frame, indices=good, all_indices=tuple(good), max_runs=1, losses=0)  # the first run has shown chance
    return [replace(rerun, seed=seed) for seed in range(1, seeds)] if good else []
