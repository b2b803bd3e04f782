"""The host's end of one worker: what is queued for it, what it is running, and the bytes under way."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from .batch import Errand
from .errors import SandboxError, SandboxUnavailable
from .replies import Frame, Reply, settle
from .spec import CallOutcome, Job, Status
from .wire import HELLO_FRAME, PAGE_BYTES, REPLY, Stop, records

_WALL_FACTOR = 8  # the worker's own patience with a child that gets no processor
_SLACK_S = 5.0
_START_S = 20.0
# A fresh worker must get this right before it is trusted with a verdict.
_CANARY = Job(program="import math\ndef f(x):\n    return {x: [math.sqrt(x), sorted('canary')]}", calls=("4",))
_CANARY_OUTCOME = CallOutcome(status=Status.OK, value="{4: [2.0, ['a', 'a', 'c', 'n', 'r', 'y']]}")


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
    place: int
    """Which of the sandbox's hash seeds it has."""
    running: deque[tuple[int, Errand]] = field(default_factory=deque[tuple[int, Errand]])
    """Frames sent and not answered, oldest first: the oldest is the one being run."""
    outgoing: bytearray = field(default_factory=bytearray)
    incoming: bytearray = field(default_factory=bytearray)
    begun: float = 0.0
    """When it began the frame that it is running, as far as the host can tell."""
    deadline: float = 0.0
    sent: int = 0
    served: int = 0
    """Frames answered."""
    layers: tuple[str, ...] = ()
    """The isolation that the worker reported."""

    @property
    def connection(self) -> socket.socket:
        """The stream to the worker."""
        return self.started.connection

    def give(self, errand: Errand) -> None:
        """Queues a frame for this worker."""
        self.sent = (self.sent + 1) % HELLO_FRAME
        self.outgoing += errand.frame.encode(self.sent)
        self.running.append((self.sent, errand))
        if len(self.running) == 1:
            self._restart_clock()

    def flush(self) -> None:
        """Sends as much as the socket takes."""
        with contextlib.suppress(BlockingIOError):
            while self.outgoing:
                del self.outgoing[: self.connection.send(self.outgoing)]

    def receive(self) -> Iterator[tuple[Errand, Reply]]:
        """The replies that have arrived whole, each as soon as it is understood.

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
        while (parsed := self.take_reply()) is not None:
            number, reply = parsed
            if not self.running or self.running[0][0] != number:
                raise WorkerLost("answered a frame that it was not running")
            _, errand = self.running.popleft()
            self.served += 1
            self._restart_clock()
            yield errand, reply

    def take_reply(self) -> tuple[int, Reply] | None:
        """The next whole reply in the buffer and its frame id, or None."""
        if len(self.incoming) < REPLY.size:
            return None
        number, length, status, stop, cpu_us, peak_kib = REPLY.unpack_from(self.incoming)
        if length > PAGE_BYTES or stop > max(Stop):
            raise WorkerLost("said something impossible")
        if len(self.incoming) < REPLY.size + length:
            return None
        payload = bytes(self.incoming[REPLY.size : REPLY.size + length])
        del self.incoming[: REPLY.size + length]
        return number, Reply(status, Stop(stop), cpu_us / 1e6, peak_kib / 1024, payload)

    def _restart_clock(self) -> None:
        if self.running:
            self.begun = time.monotonic()
            self.deadline = self.begun + self.running[0][1].frame.wall_s * _WALL_FACTOR + _SLACK_S

    def greet(self, name: str) -> None:
        """Waits for the worker's greeting and for its answer to the canary; from then on the stream does not block.

        Raises:
            SandboxUnavailable: The worker ends, or says something else. It is stopped.
        """
        self.connection.settimeout(_START_S)
        try:
            number, hello = self._await_reply()
            if number != HELLO_FRAME:
                raise WorkerLost("did not greet")
            self.layers = tuple(" ".join(text for _, text in records(hello.payload)).split())
            places: list[CallOutcome | None] = [None]
            frame = Frame(_CANARY, [0], places)
            self.connection.sendall(frame.encode(0))
            _, reply = self._await_reply()
            settle(frame, reply)
            if places != [_CANARY_OUTCOME]:
                raise WorkerLost(f"answered the canary job with {places[0]}")
        except (OSError, WorkerLost) as error:
            self.connection.close()
            said = self.started.stop().strip().splitlines()[-1:] or [str(error)]
            raise SandboxUnavailable(
                f"A worker of the {name} sandbox did not start: {said[0]}; run `selfplay doctor` for what is missing."
            ) from error
        self.connection.setblocking(False)

    def _await_reply(self) -> tuple[int, Reply]:
        while (parsed := self.take_reply()) is None:
            part = self.connection.recv(4096)
            if not part:
                raise WorkerLost("hung up")
            self.incoming += part
        return parsed
