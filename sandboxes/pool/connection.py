"""The host's end of one worker: the frames that it holds, and the bytes under way."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..core.errors import SandboxError
from ..core.launcher import Started
from ..protocol.wire import HELLO_FRAME, PAGE_BYTES, REPLY, Stop
from .frames import Frame, Reply

_WALL_FACTOR = 8  # up to this multiple of its wall limit the worker itself waits for a child that gets no processor
_SLACK_S = 5.0


class WorkerLost(SandboxError):
    """Raised inside the pool when a worker hangs up or sends something impossible."""


@dataclass(slots=True, eq=False)
class WorkerConnection:
    """The host's end of one worker."""

    started: Started
    seed: int
    """Number of its hash seed among those of the sandbox."""
    in_flight: deque[tuple[int, Frame]] = field(default_factory=deque[tuple[int, Frame]])
    """Frames sent and not answered, oldest first: the oldest is the one being run."""
    outgoing: bytearray = field(default_factory=bytearray)
    incoming: bytearray = field(default_factory=bytearray)
    running_since: float = 0.0
    """Time at which it began the frame that it is running, as far as the host can tell."""
    deadline: float = 0.0
    """Time at which it counts as hung."""
    last_number: int = 0
    """Frame id of the last frame that was enqueued."""
    answered: int = 0
    """Frames answered."""
    layers: tuple[str, ...] = ()
    """The isolation that the worker reported."""

    @property
    def socket(self) -> socket.socket:
        """The stream to the worker."""
        return self.started.connection

    def enqueue(self, frame: Frame) -> None:
        """Queues a frame for this worker."""
        self.last_number = (self.last_number + 1) % HELLO_FRAME
        self.outgoing += frame.encode(self.last_number)
        self.in_flight.append((self.last_number, frame))
        if len(self.in_flight) == 1:
            self._restart_clock()

    def flush(self) -> None:
        """Sends as much as the socket takes."""
        with contextlib.suppress(BlockingIOError):
            while self.outgoing:
                del self.outgoing[: self.socket.send(self.outgoing)]

    def receive(self) -> Iterator[tuple[Frame, Reply]]:
        """The replies that have arrived whole, each as soon as it is understood.

        Raises:
            WorkerLost: The stream ended or makes no sense.
        """
        with contextlib.suppress(BlockingIOError):
            while part := self.socket.recv(1 << 18):
                self.incoming += part
                if len(part) < 1 << 18:
                    break
            else:
                raise WorkerLost("hung up")
        while (parsed := self.next_reply()) is not None:
            number, reply = parsed
            if not self.in_flight or self.in_flight[0][0] != number:
                raise WorkerLost("answered a frame that it was not running")
            _, frame = self.in_flight.popleft()
            self.answered += 1
            self._restart_clock()
            yield frame, reply

    def next_reply(self) -> tuple[int, Reply] | None:
        """The next whole reply in the buffer and its frame id, or None.

        Raises:
            WorkerLost: The bytes make no sense.
        """
        if len(self.incoming) < REPLY.size:
            return None
        number, length, status, stop, cpu_us, peak_kib = REPLY.unpack_from(self.incoming)
        if length > PAGE_BYTES or stop > max(Stop):
            raise WorkerLost("sent something impossible")
        if len(self.incoming) < REPLY.size + length:
            return None
        payload = bytes(self.incoming[REPLY.size : REPLY.size + length])
        del self.incoming[: REPLY.size + length]
        return number, Reply(status, Stop(stop), cpu_us / 1e6, peak_kib / 1024, payload)

    def _restart_clock(self) -> None:
        if self.in_flight:
            self.running_since = time.monotonic()
            self.deadline = self.running_since + self.in_flight[0][1].wall_s * _WALL_FACTOR + _SLACK_S
