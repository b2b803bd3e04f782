"""A sandbox made of workers that some launcher starts: the callers' side of batches, dispatcher and workers."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from ..core.caps import RECYCLE_AFTER
from ..core.errors import SandboxUnavailable
from ..core.launcher import Launcher
from ..core.stats import SandboxStats
from ..core.types import CodeSandbox, Job, Outcome
from .batch import Batch
from .dispatcher import Dispatcher
from .frames import HASH_SEEDS

MAX_IN_FLIGHT = 16_384
"""Frames in flight above which `submit` waits for room, by default."""
_SEED_BOUND = 1 << 32


def draw_hash_seeds() -> tuple[int, ...]:
    """Different hash seeds that nobody can foresee, as many as a sandbox needs."""
    return tuple(random.SystemRandom().sample(range(1, _SEED_BOUND), HASH_SEEDS))


class PooledSandbox(CodeSandbox):
    """A `CodeSandbox` whose programs run on a pool of workers. Thread-safe; batches of several threads take turns.

    Args:
        launcher: Starts and stops single workers; none is started before the first job.
        workers: How many programs run side by side, at least 1.
        recycle_after: Jobs after which a worker is replaced; 0: never.
        max_in_flight: Frames in flight above which `submit` waits for room: back-pressure for a caller that runs ahead.
        hash_seeds: Of the interpreters; by default drawn anew, so that nobody can learn what is alike under all of them.
    """

    def __init__(
        self,
        launcher: Launcher,
        workers: int,
        *,
        recycle_after: int = RECYCLE_AFTER,
        max_in_flight: int = MAX_IN_FLIGHT,
        hash_seeds: Sequence[int] = (),
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers={workers!r}; at least 1 is needed.")
        self.hash_seeds = tuple(hash_seeds) or draw_hash_seeds()
        if len(set(self.hash_seeds)) != HASH_SEEDS or not all(0 < seed < _SEED_BOUND for seed in self.hash_seeds):
            raise ValueError(f"hash_seeds={hash_seeds!r} are not {HASH_SEEDS} different numbers from 1 to {_SEED_BOUND - 1}.")
        self.name = launcher.name
        self.workers = workers
        self._launcher = launcher
        self._dispatcher: Dispatcher | None = None
        self._recycle_after = recycle_after
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._capacity = threading.Condition(threading.Lock())
        self._owner = os.getpid()
        self._closed = False

    def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
        """A future of one outcome per job; see `CodeSandbox`. Waits while `max_in_flight` frames are in flight."""
        self._check_open()
        batch = Batch(jobs)
        if not batch.size:
            batch.future.set_result(batch.outcomes())
            return batch.future
        with self._capacity:
            self._capacity.wait_for(
                lambda: not self._in_flight or self._in_flight + batch.size <= self._max_in_flight or self._closed
            )
            self._check_open()
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(self._launcher, self.workers, self._recycle_after, self.hash_seeds)
            size = batch.size
            self._in_flight += size
            self._dispatcher.add(batch)
        batch.future.add_done_callback(lambda _: self._release(size))
        return batch.future

    def stats(self) -> SandboxStats:
        """Counters of all that was done so far."""
        return SandboxStats() if self._dispatcher is None else self._dispatcher.stats()

    def worker_processes(self) -> list[int]:
        """The process ids of the workers that run now, where they are plain processes."""
        workers = [] if self._dispatcher is None else list(self._dispatcher.workers)
        return [worker.started.process for worker in workers if worker.started.process is not None]

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or this is a forked copy whose workers belong to another process."""
        return self._closed or os.getpid() != self._owner

    def close(self) -> None:
        """Ends every worker; batches under way fail. Safe to call twice, and does nothing in a forked copy of the process."""
        if self.closed:
            return
        with self._capacity:
            self._closed = True
            self._capacity.notify_all()
        if self._dispatcher is not None:
            self._dispatcher.stop()
        self._launcher.close()

    def _check_open(self) -> None:
        if self.closed:
            raise SandboxUnavailable(
                f"This {self.name} sandbox is closed or belongs to another process; call open_sandbox again."
            )

    def _release(self, size: int) -> None:
        with self._capacity:
            self._in_flight -= size
            self._capacity.notify_all()
