"""A pool of workers behind one selector loop: sends frames ahead, collects replies, replaces workers that die.

Plain jobs run only on workers with hash seed 0, so no verdict depends on which worker it came from. Jobs that ask for
determinism are then shown to a twin worker with another hash seed, started when first needed.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .errors import SandboxError, SandboxUnavailable
from .replies import Frame, Reply, open_frame, open_twin, refuse, settle
from .spec import CallOutcome, Job, Outcome
from .wire import HELLO_FRAME, PAGE_BYTES, REPLY

PRIMARY_SEED, TWIN_SEED = 0, 1
_FRAMES_AHEAD = 2  # the worker starts the next child while the host reads; more would only queue behind a slow program
_WALL_FACTOR = 8  # the worker's own patience with a child that gets no processor
_SLACK_S = 5.0
_START_S = 20.0


@dataclass(frozen=True, slots=True)
class Started:
    """A worker program that has been started: the stream to it, and how to end it."""

    connection: socket.socket
    stop: Callable[[], str]
    """Ends the worker and frees what it held; returns what it had to say, for the error message."""
    process: int | None = None
    """Its process id, where it is a process of this machine's own."""


class Launcher(Protocol):
    """A backend, as the pool sees it."""

    name: str

    def start(self, hash_seed: int) -> Started:
        """Starts one worker.

        Raises:
            SandboxUnavailable: Something on this machine is missing.
        """
        ...

    def close(self) -> None:
        """Frees what all workers shared."""
        ...


class WorkerLost(SandboxError):
    """Raised inside the pool when a worker hangs up or says something impossible."""


@dataclass(slots=True)
class _Link:
    """The host's end of one worker."""

    started: Started
    hash_seed: int
    running: deque[tuple[int, Frame]] = field(default_factory=deque[tuple[int, Frame]])
    """Frames sent and not answered, oldest first: the oldest is the one being run."""
    outgoing: bytearray = field(default_factory=bytearray)
    incoming: bytearray = field(default_factory=bytearray)
    deadline: float = 0.0
    sent: int = 0

    @property
    def connection(self) -> socket.socket:
        return self.started.connection

    def give(self, frame: Frame) -> None:
        """Queues a frame for this worker."""
        self.sent = (self.sent + 1) % HELLO_FRAME
        self.outgoing += frame.encode(self.sent)
        self.running.append((self.sent, frame))
        if len(self.running) == 1:
            self._restart_clock()

    def flush(self) -> None:
        """Sends as much as the socket takes."""
        with contextlib.suppress(BlockingIOError):
            while self.outgoing:
                del self.outgoing[: self.connection.send(self.outgoing)]

    def receive(self) -> list[tuple[Frame, Reply]]:
        """The replies that have arrived whole.

        Raises:
            WorkerLost: The stream ended or makes no sense.
        """
        with contextlib.suppress(BlockingIOError):
            while part := self.connection.recv(1 << 18):
                self.incoming += part
                if len(part) < 1 << 18:
                    break
            else:
                raise WorkerLost("hung up")
        answered: list[tuple[Frame, Reply]] = []
        while (parsed := self.take_reply()) is not None:
            number, reply = parsed
            if not self.running or self.running[0][0] != number:
                raise WorkerLost("answered a frame that it was not running")
            answered.append((self.running.popleft()[1], reply))
            self._restart_clock()
        return answered

    def take_reply(self) -> tuple[int, Reply] | None:
        """The next whole reply in the buffer and its frame id, or None."""
        if len(self.incoming) < REPLY.size:
            return None
        number, length, status, timed_out, cpu_us, peak_kib = REPLY.unpack_from(self.incoming)
        if length > PAGE_BYTES:
            raise WorkerLost("announced more than a page")
        if len(self.incoming) < REPLY.size + length:
            return None
        payload = bytes(self.incoming[REPLY.size : REPLY.size + length])
        del self.incoming[: REPLY.size + length]
        return number, Reply(status, bool(timed_out), cpu_us / 1e6, peak_kib / 1024, payload)

    def _restart_clock(self) -> None:
        if self.running:
            self.deadline = time.monotonic() + self.running[0][1].wall_s * _WALL_FACTOR + _SLACK_S


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
        self._links: list[_Link] = []
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

    def _serve(self, link: _Link, events: int) -> None:
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

    def _replace(self, link: _Link) -> None:
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

    def _start(self, seed: int) -> _Link:
        """Starts one worker and waits for its greeting.

        Raises:
            SandboxUnavailable: It cannot be started, or says nothing.
        """
        link = _Link(self._launcher.start(seed), seed)
        link.connection.settimeout(_START_S)
        try:
            while (parsed := link.take_reply()) is None:
                part = link.connection.recv(4096)
                if not part:
                    raise WorkerLost("hung up")
                link.incoming += part
            if parsed[0] != HELLO_FRAME:
                raise WorkerLost("did not greet")
        except (OSError, WorkerLost) as error:
            link.connection.close()
            said = link.started.stop().strip().splitlines()[-1:] or [str(error)]
            raise SandboxUnavailable(
                f"A worker of the {self.name} sandbox did not start: {said[0]}; run `selfplay doctor` for what is missing."
            ) from error
        link.connection.setblocking(False)
        self._links.append(link)
        self._selector.register(link.connection, selectors.EVENT_READ, link)
        return link

    def _watch(self, link: _Link) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.outgoing else 0)
        if self._selector.get_key(link.connection).events != wanted:
            self._selector.modify(link.connection, wanted, link)

    def _drop(self, link: _Link) -> None:
        self._links.remove(link)
        self._selector.unregister(link.connection)
        link.connection.close()
        link.started.stop()

    def _stop_all(self) -> None:
        for queue in self._queues.values():
            queue.clear()
        for link in list(self._links):
            self._drop(link)
