"""The host's end of one worker: what is queued for it, what it is running, and the bytes under way."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from .errors import SandboxError, SandboxUnavailable
from .replies import Frame, Reply
from .wire import HELLO_FRAME, PAGE_BYTES, REPLY

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
class Link:
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
        """The stream to the worker."""
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

    def greet(self, name: str) -> None:
        """Waits for the worker's greeting; from then on the stream does not block.

        Raises:
            SandboxUnavailable: The worker ends or says something else. It is stopped.
        """
        self.connection.settimeout(_START_S)
        try:
            while (parsed := self.take_reply()) is None:
                part = self.connection.recv(4096)
                if not part:
                    raise WorkerLost("hung up")
                self.incoming += part
            if parsed[0] != HELLO_FRAME:
                raise WorkerLost("did not greet")
        except (OSError, WorkerLost) as error:
            self.connection.close()
            said = self.started.stop().strip().splitlines()[-1:] or [str(error)]
            raise SandboxUnavailable(
                f"A worker of the {name} sandbox did not start: {said[0]}; run `selfplay doctor` for what is missing."
            ) from error
        self.connection.setblocking(False)
