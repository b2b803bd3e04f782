"""A sandbox made of workers that some launcher starts: what callers see of batches, dispatcher and crew."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Sequence
from concurrent.futures import Future

from .batch import SEEDS, Batch
from .dispatch import Dispatcher
from .errors import SandboxUnavailable
from .link import Launcher
from .spec import CodeSandbox, Job, Outcome
from .stats import SandboxStats

RECYCLE_AFTER = 20_000
"""Jobs after which a worker is replaced by a fresh one, by default: half a minute's work."""
MAX_HELD = 16_384
"""Jobs in flight above which `submit` waits for room, by default."""


_SEED_BOUND = 1 << 32


def draw_hash_seeds() -> tuple[int, ...]:
    """Different hash seeds that nobody can foresee, as many as a sandbox needs."""
    return tuple(random.SystemRandom().sample(range(1, _SEED_BOUND), SEEDS))


class PooledSandbox(CodeSandbox):
    """A `CodeSandbox` whose programs run on a pool of workers. Thread-safe; batches of several threads take turns.

    Args:
        launcher: Starts and stops single workers; none is started before the first job.
        workers: How many programs run side by side, at least 1.
        recycle_after: Jobs after which a worker is replaced; 0: never.
        max_held: Jobs in flight above which `submit` waits for room: back-pressure for a caller that runs ahead.
        hash_seeds: Of the interpreters; by default drawn anew, so that nobody can learn what is alike under all of them.
    """

    def __init__(
        self,
        launcher: Launcher,
        workers: int,
        *,
        recycle_after: int = RECYCLE_AFTER,
        max_held: int = MAX_HELD,
        hash_seeds: Sequence[int] = (),
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers={workers!r}; at least 1 is needed.")
        self.hash_seeds = tuple(hash_seeds) or draw_hash_seeds()
        if len(set(self.hash_seeds)) != SEEDS or not all(0 < seed < _SEED_BOUND for seed in self.hash_seeds):
            raise ValueError(f"hash_seeds={hash_seeds!r} are not {SEEDS} different numbers from 1 to {_SEED_BOUND - 1}.")
        self.name = launcher.name
        self.workers = workers
        self._launcher = launcher
        self._dispatcher: Dispatcher | None = None
        self._recycle_after = recycle_after
        self._max_held = max_held
        self._held = 0
        self._room = threading.Condition(threading.Lock())
        self._owner = os.getpid()
        self._closed = False

    def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
        """A future of one outcome per job; see `CodeSandbox`. Waits while `max_held` jobs are in flight."""
        self._check_open()
        batch = Batch(jobs)
        if not batch.size:
            batch.future.set_result(batch.outcomes())
            return batch.future
        with self._room:
            self._room.wait_for(lambda: not self._held or self._held + batch.size <= self._max_held or self._closed)
            self._check_open()
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(self._launcher, self.workers, self._recycle_after, self.hash_seeds)
            size = batch.size
            self._held += size
            self._dispatcher.add(batch)
        batch.future.add_done_callback(lambda _: self._let_go(size))
        return batch.future

    def stats(self) -> SandboxStats:
        """What was done so far."""
        return SandboxStats() if self._dispatcher is None else self._dispatcher.stats()

    def worker_processes(self) -> list[int]:
        """The process ids of the workers that run now, where they are plain processes."""
        links = [] if self._dispatcher is None else list(self._dispatcher.crew)
        return [link.started.process for link in links if link.started.process is not None]

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or this is a forked copy whose workers belong to another process."""
        return self._closed or os.getpid() != self._owner

    def close(self) -> None:
        """Ends every worker; batches under way fail. Safe to call twice, and does nothing in a forked copy of the process."""
        if self.closed:
            return
        with self._room:
            self._closed = True
            self._room.notify_all()
        if self._dispatcher is not None:
            self._dispatcher.stop()
        self._launcher.close()

    def _check_open(self) -> None:
        if self.closed:
            raise SandboxUnavailable(
                f"This {self.name} sandbox is closed or belongs to another process; call open_sandbox again."
            )

    def _let_go(self, size: int) -> None:
        with self._room:
            self._held -= size
            self._room.notify_all()
