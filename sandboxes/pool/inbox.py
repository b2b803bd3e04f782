"""The inbox of the dispatcher's thread: other threads post events, and a selector wakes the thread that reads them."""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Iterator


class Inbox:
    """Events in the order in which they were posted. It has a descriptor, so that a selector can watch it."""

    def __init__(self) -> None:
        self._events: deque[object] = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)

    def __bool__(self) -> bool:
        return bool(self._events)

    def fileno(self) -> int:
        """The descriptor that can be read once something was posted."""
        return self._wake_read.fileno()

    def post(self, event: object) -> None:
        """Adds an event and wakes the reader. Callable from any thread."""
        self._events.append(event)
        with contextlib.suppress(OSError):  # a full pipe wakes as well; a closed one has nobody to wake
            self._wake_write.send(b"!")

    def take(self) -> Iterator[object]:
        """The events so far, and those that arrive meanwhile."""
        while self._events:
            yield self._events.popleft()

    def reset(self) -> None:
        """Makes the descriptor quiet again."""
        with contextlib.suppress(BlockingIOError):
            self._wake_read.recv(4096)

    def close(self) -> None:
        """Frees the descriptors; what is posted from now on is read by nobody."""
        self._wake_read.close()
        self._wake_write.close()
