"""A pool of workers behind one selector loop: sends frames ahead, collects replies, replaces workers that die.

Plain jobs run only on workers with hash seed 0, so no verdict depends on which worker it came from. Jobs that ask for
determinism are then shown to a twin worker with another hash seed, started when first needed.
"""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Sequence

from .errors import SandboxUnavailable
from .link import Launcher, Link, WorkerLost
from .replies import Frame, open_frame, open_twin, refuse, settle
from .spec import CallOutcome, Job, Outcome

PRIMARY_SEED, TWIN_SEED = 0, 1
_FRAMES_AHEAD = 2  # the worker starts the next child while the host reads; more would only queue behind a slow program


class PooledSandbox:
    """A `CodeSandbox` made of workers that some launcher starts. Thread-safe; calls of `run` take turns."""

    def __init__(self, launcher: Launcher, workers: int) -> None:
        """Starts nothing yet.

        Args:
            launcher: Starts and stops single workers.
            workers: How many programs run side by side, at least 1.
        """
        if workers < 1:
            raise ValueError(f"workers={workers!r}; at least 1 is needed.")
        self.name = launcher.name
        self.workers = workers
        self._launcher = launcher
        self._links: list[Link] = []
        self._selector = selectors.DefaultSelector()
        self._queues: dict[int, deque[Frame]] = {PRIMARY_SEED: deque(), TWIN_SEED: deque()}
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._closed = False

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One outcome per job, in order; see `CodeSandbox`."""
        with self._lock:
            if self.closed:
                raise SandboxUnavailable(
                    f"This {self.name} sandbox is closed or belongs to another process; call open_sandbox again."
                )
            refused = [refuse(job) for job in jobs]
            results: list[list[CallOutcome | None]] = [[None] * len(job.calls) for job in jobs]
            for job, refusal, places in zip(jobs, refused, results, strict=True):
                frame = open_frame(job, places) if refusal is None else None
                if frame is not None:
                    self._queues[PRIMARY_SEED].append(frame)
            try:
                self._work()
            except BaseException:
                self._stop_all()  # half-done frames must not answer the next batch
                raise
            return [
                refusal or Outcome.of([place for place in places if place is not None])
                for refusal, places in zip(refused, results, strict=True)
            ]

    def worker_processes(self) -> list[int]:
        """The process ids of the workers that run now, where they are plain processes."""
        return [link.started.process for link in self._links if link.started.process is not None]

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or this is a forked copy whose workers belong to another process."""
        return self._closed or os.getpid() != self._owner

    def close(self) -> None:
        """Ends every worker. Safe to call twice, and does nothing in a forked copy of the process."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            if not self._closed:
                self._closed = True
                self._stop_all()
                self._selector.close()
                self._launcher.close()

    def _work(self) -> None:
        """Runs until every queue and every worker is empty."""
        while True:
            self._hand_out()
            busy = [link for link in self._links if link.running]
            if not busy:
                return
            pause_s = max(0.0, min(link.deadline for link in busy) - time.monotonic())
            for key, events in self._selector.select(pause_s):
                self._serve(key.data, events)
            now = time.monotonic()
            for link in [link for link in self._links if link.running and link.deadline <= now]:
                self._replace(link)

    def _hand_out(self) -> None:
        """Gives queued frames to workers with room, starting workers up to the allowed number."""
        for seed, queue in self._queues.items():
            links = [link for link in self._links if link.hash_seed == seed]
            allowed = self.workers if seed == PRIMARY_SEED else max(1, self.workers // 2)
            while queue:
                link = min(links, key=lambda link: len(link.running), default=None)
                if (link is None or link.running) and len(links) < allowed:
                    link = self._start(seed)
                    links.append(link)
                if link is None or len(link.running) >= _FRAMES_AHEAD:
                    break
                link.give(queue.popleft())
            for link in links:
                self._watch(link)

    def _serve(self, link: Link, events: int) -> None:
        """Moves bytes of one worker, and files what its replies say."""
        if link not in self._links:
            return  # replaced earlier in this round
        try:
            if events & selectors.EVENT_WRITE:
                link.flush()
                self._watch(link)
            answered = link.receive() if events & selectors.EVENT_READ else []
        except (OSError, WorkerLost):
            self._replace(link)
            return
        for frame, reply in answered:
            rest = settle(frame, reply)
            if rest is not None:
                self._queues[link.hash_seed].appendleft(rest)
            elif (twin := open_twin(frame)) is not None:
                self._queues[TWIN_SEED].append(twin)

    def _replace(self, link: Link) -> None:
        """Drops a worker that died or hangs. Only the frame that it was running is held against its program."""
        self._drop(link)
        frames = [frame for _, frame in link.running]
        frames[:1] = [frame for frame in frames[:1] if not self._lost_twice(frame)]
        self._queues[link.hash_seed].extendleft(reversed(frames))

    @staticmethod
    def _lost_twice(frame: Frame) -> bool:
        frame.losses += 1
        if frame.losses < 2:
            return False
        frame.give_up()
        return True

    def _start(self, seed: int) -> Link:
        """Starts one worker and waits for its greeting.

        Raises:
            SandboxUnavailable: It cannot be started, or says nothing.
        """
        link = Link(self._launcher.start(seed), seed)
        link.greet(self.name)
        self._links.append(link)
        self._selector.register(link.connection, selectors.EVENT_READ, link)
        return link

    def _watch(self, link: Link) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.outgoing else 0)
        if self._selector.get_key(link.connection).events != wanted:
            self._selector.modify(link.connection, wanted, link)

    def _drop(self, link: Link) -> None:
        self._links.remove(link)
        self._selector.unregister(link.connection)
        link.connection.close()
        link.started.stop()

    def _stop_all(self) -> None:
        for queue in self._queues.values():
            queue.clear()
        for link in list(self._links):
            self._drop(link)
