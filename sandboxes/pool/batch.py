"""One call of `submit`: its jobs, the frames of it that still wait, and the future that gets the outcomes."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from ..core.caps import refuse
from ..core.types import CallOutcome, Job, Outcome
from .frames import HASH_SEEDS, Frame, Reply, open_frames, open_reruns
from .outcomes import settle, settle_as_lost

MAX_LOSSES = 2
"""A frame that has cost so many workers is not sent again."""
_numbers = itertools.count(1)


class Batch:
    """The frames of some jobs, by the number of the hash seed they wait for; the dispatcher's thread's, but for `future`."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        """Refuses what is not worth sending and opens a frame for each other job."""
        self.number = next(_numbers)
        """Names this batch in its frames."""
        self.future: Future[list[Outcome]] = Future()
        self.waiting: dict[int, deque[Frame]] = {seed: deque() for seed in range(HASH_SEEDS)}
        self.running = 0
        """Frames that workers hold."""
        self._refusals = [refuse(job) for job in jobs]
        self._results: list[list[CallOutcome | None]] = [[None] * len(job.calls) for job in jobs]
        for job, refusal, results in zip(jobs, self._refusals, self._results, strict=True):
            if refusal is None:
                self.waiting[0] += open_frames(job, results, self.number)

    @property
    def size(self) -> int:
        """Frames that are not settled."""
        return sum(map(len, self.waiting.values())) + self.running

    def take(self, seed: int) -> Frame | None:
        """The next frame for a worker with this hash seed, or None."""
        if not self.waiting[seed]:
            return None
        self.running += 1
        return self.waiting[seed].popleft()

    def finish(self, frame: Frame, reply: Reply | None) -> None:
        """Files the reply to a frame that a worker held, or the loss of that worker.

        Args:
            frame: One that `take` has handed out.
            reply: None where the worker was lost: the frame waits again, in front, or is given up. Else the calls that it
                does not settle wait again, in front, and the calls that are to be proved wait for the other hash seeds.
        """
        self.running -= 1
        if reply is None:
            if frame.losses >= MAX_LOSSES:
                settle_as_lost(frame)
            else:
                self.waiting[frame.seed].appendleft(frame)
            return
        remaining = settle(frame, reply)
        if remaining is not None:
            self.waiting[remaining.seed].appendleft(remaining)
            return
        for rerun in open_reruns(frame):
            self.waiting[rerun.seed].append(rerun)

    def outcomes(self) -> list[Outcome]:
        """One per job, in order, once `size` is 0."""
        return [
            refusal or Outcome.of([result for result in results if result is not None])
            for refusal, results in zip(self._refusals, self._results, strict=True)
        ]
