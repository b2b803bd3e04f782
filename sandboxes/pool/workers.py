"""The workers of one sandbox: started in the background, proved by a canary job, recycled in time, restarted when lost."""

from __future__ import annotations

import selectors
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..core.errors import SandboxError, SandboxUnavailable
from ..core.launcher import Launcher
from .connection import WorkerConnection
from .handshake import shake_hands
from .inbox import Inbox

MAX_FRAMES_AHEAD = 2
"""Frames a worker holds at most: it starts the next child while the host reads; more would queue behind a slow program."""
_RESTART_PAUSES_S = (0, 1, 2, 4, 8, 15)
"""Pauses before the attempts to start a worker where workers have run before: an engine that restarts comes back."""
_SLOW_S = 0.05
"""A worker that has been at one frame for so long gets none to queue behind it: another may be idle soon."""


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """An event: a worker is up and has answered the canary job."""

    connection: WorkerConnection
    thread: threading.Thread
    """The one that started it."""


@dataclass(frozen=True, slots=True)
class WorkerNotStarted:
    """An event: no worker could be started."""

    seed: int
    thread: threading.Thread
    """The one that tried."""
    error: Exception


class WorkerSet:
    """Workers by the number of their hash seed. Touched by the dispatcher's thread only; starting threads post events to it.

    Args:
        launcher: Starts and stops single workers.
        hash_seeds: The seeds; a number in this list names what a worker is for.
        allowed: How many workers of each may be up.
        recycle_after: Frames after which a worker is recycled; 0: never.
        selector: Where connections are watched.
        inbox: Where `WorkerStarted` and `WorkerNotStarted` are posted; its reader hands them to `on_started` and
            `on_start_failed`.
    """

    def __init__(
        self,
        launcher: Launcher,
        hash_seeds: Sequence[int],
        allowed: Sequence[int],
        recycle_after: int,
        selector: selectors.BaseSelector,
        inbox: Inbox,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._launcher = launcher
        self._hash_seeds = hash_seeds
        self._allowed = allowed
        self._recycle_after = recycle_after
        self._selector = selector
        self._inbox = inbox
        self._workers: list[list[WorkerConnection]] = [[] for _ in hash_seeds]
        self._starting: list[list[threading.Thread]] = [[] for _ in hash_seeds]
        self._closing = threading.Event()

    def __iter__(self) -> Iterator[WorkerConnection]:
        return iter([worker for workers in self._workers for worker in tuple(workers)])

    def __contains__(self, worker: WorkerConnection) -> bool:
        return worker in self._workers[worker.seed]

    def free_worker(self, seed: int) -> WorkerConnection | None:
        """The least busy worker that can take another frame, or None."""
        slow_before = time.monotonic() - _SLOW_S
        ready = [
            worker
            for worker in self._workers[seed]
            if not self._is_spent(worker)
            and (not worker.in_flight or (len(worker.in_flight) < MAX_FRAMES_AHEAD and worker.running_since > slow_before))
        ]
        return min(ready, key=lambda worker: len(worker.in_flight), default=None)

    def start_worker(self, seed: int) -> None:
        """Starts one more worker if fewer than allowed are up or on their way; returns at once."""
        lasting = sum(not self._is_spent(worker) for worker in self._workers[seed])
        if lasting + len(self._starting[seed]) < self._allowed[seed]:
            thread = threading.Thread(target=self._start, args=(seed,), name=f"{self._launcher.name}-worker", daemon=True)
            self._starting[seed].append(thread)
            thread.start()

    def refresh(self) -> None:
        """Stops workers that have done their share, and has the selector watch the others for what matters now."""
        for worker in self:
            if self._is_spent(worker) and not worker.in_flight:
                self.counts["recycled"] += 1
                self.stop(worker)
                continue
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.outgoing else 0)
            if self._selector.get_key(worker.socket).events != events:
                self._selector.modify(worker.socket, events, worker)

    def stop(self, worker: WorkerConnection) -> None:
        """Ends a worker."""
        self._workers[worker.seed].remove(worker)
        self._selector.unregister(worker.socket)
        worker.socket.close()
        worker.started.stop()

    def stop_all(self) -> None:
        """Ends every worker that is up."""
        for worker in self:
            self.stop(worker)

    def await_starting(self) -> None:
        """Waits until no worker is on its way, and has none tried again; the event of each is in the inbox then."""
        self._closing.set()
        for threads in self._starting:
            for thread in tuple(threads):
                thread.join()

    def on_started(self, event: WorkerStarted) -> None:
        """Takes a worker in."""
        worker = event.connection
        self._starting[worker.seed].remove(event.thread)
        self.counts["started"] += 1
        self._workers[worker.seed].append(worker)
        self._selector.register(worker.socket, selectors.EVENT_READ, worker)

    def on_start_failed(self, event: WorkerNotStarted) -> bool:
        """Takes note; returns whether no worker of that hash seed is left, neither up nor on its way."""
        self._starting[event.seed].remove(event.thread)
        return not self._workers[event.seed] and not self._starting[event.seed]

    def _is_spent(self, worker: WorkerConnection) -> bool:
        return 0 < self._recycle_after <= worker.answered

    def _start(self, seed: int) -> None:
        """Runs in a thread of its own."""
        thread = threading.current_thread()
        reason: Exception | None = None
        for pause_s in _RESTART_PAUSES_S if self.counts["started"] else (0,):
            if self._closing.wait(pause_s):
                break
            try:
                connection = WorkerConnection(self._launcher.start(self._hash_seeds[seed]), seed)
                shake_hands(connection, self._launcher.name)
            except Exception as error:
                reason = error
            else:
                self._inbox.post(WorkerStarted(connection, thread))
                return
        if not isinstance(reason, SandboxError):
            reason = SandboxUnavailable(f"A worker of the {self._launcher.name} sandbox did not start: {reason!r}.")
        self._inbox.post(WorkerNotStarted(seed, thread, reason))
