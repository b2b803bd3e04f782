"""The stream between a worker and its host: a socket, or its own standard input and output where no socket reaches it.

Part of the worker program.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from typing import Protocol


class Connection(Protocol):
    """As much of a socket as a worker needs."""

    def recv(self, size: int, /) -> bytes:
        """Up to `size` bytes; none when the other side has hung up."""
        ...

    def sendmsg(self, parts: Iterable[bytes | memoryview], /) -> int:
        """Sends the parts one after the other, or as much of them as goes at once; returns how many bytes that was."""
        ...

    def sendall(self, data: bytes | memoryview, /) -> None:
        """Sends all of it."""
        ...

    def fileno(self) -> int:
        """The descriptor to watch for a hang-up."""
        ...

    def close(self) -> None:
        """Lets go, in this process."""
        ...


class StandardStreams:
    """Standard input and output as one connection. Keeps descriptors of its own, so that those two are free."""

    def __init__(self) -> None:
        self._input, self._output = os.dup(0), os.dup(1)

    def recv(self, size: int, /) -> bytes:
        """See `Connection`."""
        return os.read(self._input, size)

    def sendmsg(self, parts: Iterable[bytes | memoryview], /) -> int:
        """See `Connection`."""
        return os.writev(self._output, list(parts))

    def sendall(self, data: bytes | memoryview, /) -> None:
        """See `Connection`."""
        while data:
            data = data[os.write(self._output, data) :]

    def fileno(self) -> int:
        """See `Connection`."""
        return self._input

    def close(self) -> None:
        """See `Connection`."""
        os.close(self._input)
        os.close(self._output)


def connect(options: Mapping[str, str]) -> Connection:
    """The stream to the host that the options name: `fd=<number>`, `socket=<path>`, or `stdio`.

    Raises:
        OSError: Nobody listens there.
    """
    if "stdio" in options:
        return StandardStreams()
    if "fd" in options:
        return socket.socket(fileno=int(options["fd"]))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(options["socket"])
    return connection
