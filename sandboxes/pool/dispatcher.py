"""The dispatcher: one thread with a selector that hands frames to workers, collects replies and requeues what is lost.

Batches take turns frame by frame, so a long batch does not hold up a short one.
"""

from __future__ import annotations

import contextlib
import selectors
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from concurrent.futures import InvalidStateError
from dataclasses import dataclass

from ..core.errors import SandboxUnavailable
from ..core.launcher import Launcher
from ..core.stats import SandboxStats
from ..core.types import Outcome
from .batch import MAX_LOSSES, Batch
from .connection import WorkerConnection, WorkerLost
from .frames import HASH_SEEDS, Frame, Reply
from .inbox import Inbox
from .workers import WorkerNotStarted, WorkerSet, WorkerStarted


@dataclass(frozen=True, slots=True)
class _Cancelled:
    """An event: nobody waits for a batch any more."""

    number: int
    """The batch's."""


class Dispatcher:
    """Runs batches on the workers of one sandbox, in a thread of its own that ends with `stop`.

    The inbox of the thread takes batches to run, cancellations, and events of the workers.

    Args:
        launcher: Starts and stops single workers.
        workers: How many programs run side by side.
        recycle_after: Frames after which a worker is replaced; 0: never.
        hash_seeds: Of the interpreters, `HASH_SEEDS` of them.
    """

    def __init__(self, launcher: Launcher, workers: int, recycle_after: int, hash_seeds: Sequence[int]) -> None:
        self._name = launcher.name
        self._inbox = Inbox()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inbox, selectors.EVENT_READ)
        allowed = [workers, *(max(1, workers // 2) for _ in hash_seeds[1:])]
        self.workers = WorkerSet(launcher, hash_seeds, allowed, recycle_after, self._selector, self._inbox)
        self._batches: OrderedDict[int, Batch] = OrderedDict()
        """By their numbers, the next in turn first."""
        self._statuses: Counter[str] = Counter()
        self._jobs = 0
        self._busy_s = 0.0
        self._busy_since: float | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name=f"{launcher.name}-sandbox", daemon=True)
        self._thread.start()

    def add(self, batch: Batch) -> None:
        """Runs a batch; its future gets the outcomes. Cancelling the future drops what has not been sent."""
        self._inbox.post(batch)
        cancelled = _Cancelled(batch.number)
        batch.future.add_done_callback(lambda future: self._inbox.post(cancelled) if future.cancelled() else None)

    def stop(self) -> None:
        """Ends the thread and every worker; batches under way fail with `SandboxUnavailable`."""
        self._stopping = True
        self._inbox.post(None)
        self._thread.join()

    def stats(self) -> SandboxStats:
        """Counters, read while the thread goes on: each is right, together they may be a moment apart."""
        workers, since = list(self.workers), self._busy_since
        return SandboxStats(
            jobs=self._jobs,
            statuses=dict(self._statuses),
            busy_s=self._busy_s + (time.monotonic() - since if since is not None else 0.0),
            queued=sum(batch.size - batch.running for batch in tuple(self._batches.values())),
            running=sum(len(worker.in_flight) for worker in workers),
            workers=len(workers),
            layers=next((worker.layers for worker in workers), ()),
            **{name: self.workers.counts[name] for name in ("started", "lost", "recycled", "requeued")},
        )

    def _loop(self) -> None:
        """Until stopped; an error of the sandbox fails the batches under way, not the thread."""
        while not self._stopping:
            try:
                self._turn()
            except Exception as error:
                self._fail_all(error)
        self.workers.await_starting()
        self._read_inbox()
        self._fail_all(SandboxUnavailable(f"This {self._name} sandbox was closed while it worked."))
        self._selector.close()
        self._inbox.close()

    def _turn(self) -> None:
        """Reads the inbox, hands out frames, resolves finished batches, waits for something to happen, files it."""
        self._read_inbox()
        self._hand_out()
        self._resolve_finished()
        busy = [worker for worker in self.workers if worker.in_flight]
        pause_s = max(0.0, min(worker.deadline for worker in busy) - time.monotonic()) if busy else None
        for key, events in self._selector.select(0 if self._inbox or self._stopping else pause_s):
            if key.data is None:
                self._inbox.reset()
            else:
                self._serve(key.data, events)
        now = time.monotonic()
        for worker in busy:
            if worker.in_flight and worker.deadline <= now and worker in self.workers:
                self._replace(worker)

    def _read_inbox(self) -> None:
        for event in self._inbox.take():
            match event:
                case Batch() as batch:
                    self._batches[batch.number] = batch
                    if self._busy_since is None:
                        self._busy_since = time.monotonic()
                case _Cancelled(number):
                    self._batches.pop(number, None)
                case WorkerStarted():
                    self.workers.on_started(event)
                case WorkerNotStarted():
                    if self.workers.on_start_failed(event):
                        self._fail_all(event.error)
                case _:
                    pass  # only a reason to wake

    def _hand_out(self) -> None:
        """Hands waiting frames to workers with room, batch by batch in turn; starts workers where frames wait."""
        for seed in range(HASH_SEEDS):
            while (worker := self.workers.free_worker(seed)) is not None and (frame := self._next_frame(seed)) is not None:
                worker.enqueue(frame)
            if any(batch.waiting[seed] for batch in self._batches.values()):
                self.workers.start_worker(seed)
        self.workers.refresh()

    def _next_frame(self, seed: int) -> Frame | None:
        """The next frame for this hash seed; the batch that it belongs to goes to the end of the line."""
        for _ in range(len(self._batches)):
            number, batch = next(iter(self._batches.items()))
            self._batches.move_to_end(number)
            frame = batch.take(seed)
            if frame is not None:
                return frame
        return None

    def _resolve_finished(self) -> None:
        for batch in [batch for batch in self._batches.values() if batch.size == 0]:
            del self._batches[batch.number]
            outcomes = batch.outcomes()
            self._jobs += len(outcomes)
            self._statuses.update(str(call.status) for outcome in outcomes for call in outcome.calls)
            _resolve(batch, outcomes)
        if not self._batches and self._busy_since is not None:
            self._busy_s += time.monotonic() - self._busy_since
            self._busy_since = None

    def _serve(self, worker: WorkerConnection, events: int) -> None:
        """Moves bytes of one worker, and files its replies."""
        if worker not in self.workers:
            return  # replaced earlier in this turn
        try:
            if events & selectors.EVENT_WRITE:
                worker.flush()
            for frame, reply in worker.receive() if events & selectors.EVENT_READ else []:
                self._finish(frame, reply)
        except (OSError, WorkerLost):
            self._replace(worker)

    def _replace(self, worker: WorkerConnection) -> None:
        """Drops a worker that died or hangs. Only the frame that it was running is held against its program."""
        self.workers.counts["lost"] += 1
        self.workers.stop(worker)
        for position, (_, frame) in reversed(list(enumerate(worker.in_flight))):
            frame.losses += position == 0
            self.workers.counts["requeued"] += frame.losses < MAX_LOSSES
            self._finish(frame, None)

    def _finish(self, frame: Frame, reply: Reply | None) -> None:
        """Files a reply, or the loss of a worker, with the frame's batch, unless that was cancelled."""
        batch = self._batches.get(frame.batch)
        if batch is not None:
            batch.finish(frame, reply)

    def _fail_all(self, error: Exception) -> None:
        """Fails every batch under way and ends every worker: half-done frames must not answer the next batch."""
        self.workers.stop_all()
        batches, self._batches = self._batches, OrderedDict[int, Batch]()
        for batch in batches.values():
            _resolve(batch, error)


def _resolve(batch: Batch, result: list[Outcome] | Exception) -> None:
    """Gives the future of a batch its result, unless it was cancelled meanwhile."""
    with contextlib.suppress(InvalidStateError):
        if isinstance(result, Exception):
            batch.future.set_exception(result)
        else:
            batch.future.set_result(result)
