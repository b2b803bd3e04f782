"""One call of `submit`: its jobs, the frames of it that still wait, and the future that gets the outcomes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from .replies import Frame, Reply, open_frames, open_twins, refuse, settle
from .spec import CallOutcome, Job, Outcome

SEEDS = 8
"""How many hash seeds a sandbox has. Plain jobs run only under the first, so no verdict depends on which worker it came from.
The others are there to prove that results are deterministic; `Frame.twin` numbers them. The first of n words in hash order
agrees by chance under all of them about once in n ** 7 times (`tests/benchmarks/hash_order.py`)."""


class Batch:
    """The frames of some jobs, by the number of the hash seed they wait for; the dispatcher's thread's, but for `future`."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Refuses what is not worth sending and opens a frame for each other job."""
        self.future: Future[list[Outcome]] = Future()
        self.waiting: dict[int, deque[Frame]] = {twin: deque() for twin in range(SEEDS)}
        self.running = 0
        """Frames that workers hold."""
        self._refused = [refuse(job) for job in jobs]
        self._results: list[list[CallOutcome | None]] = [[None] * len(job.calls) for job in jobs]
        for job, refusal, places in zip(jobs, self._refused, self._results, strict=True):
            if refusal is None:
                self.waiting[0] += open_frames(job, places)

    @property
    def size(self) -> int:
        """Frames that are not settled."""
        return sum(map(len, self.waiting.values())) + self.running

    def take(self, twin: int) -> Errand | None:
        """The next frame for a worker with this hash seed, or None."""
        if not self.waiting[twin]:
            return None
        self.running += 1
        return Errand(self, self.waiting[twin].popleft())

    def answer(self, frame: Frame, reply: Reply) -> None:
        """Files a reply; what is left of the frame waits again, in front, and what is to be proved for the other hash seeds."""
        self.running -= 1
        rest = settle(frame, reply)
        if rest is not None:
            self.waiting[rest.twin].appendleft(rest)
            return
        for twin in open_twins(frame, SEEDS):
            self.waiting[twin.twin].append(twin)

    def put_back(self, frame: Frame) -> None:
        """Lets a frame that a lost worker held wait again, in front."""
        self.running -= 1
        self.waiting[frame.twin].appendleft(frame)

    def give_up(self, frame: Frame) -> None:
        """Settles a frame as lost by the sandbox."""
        self.running -= 1
        frame.give_up()

    def outcomes(self) -> list[Outcome]:
        """One per job, in order, once `size` is 0."""
        return [
            refusal or Outcome.of([place for place in places if place is not None])
            for refusal, places in zip(self._refused, self._results, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Errand:
    """A frame on its way, and the batch that wants it back."""

    batch: Batch
    frame: Frame
