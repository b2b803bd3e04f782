"""A container's standard streams as one socket: for engines on other machines, which no socket file reaches.

Docker multiplexes what a container writes: each piece has a header of a stream number, three zeros and a length.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Any

_HEADER = struct.Struct(">BxxxI")
_STDOUT = 1
_PIECE = 1 << 16


def attach(client: Any, container: Any) -> socket.socket:
    """A socket whose other end is the container's standard input and output; attach before the container starts.

    Two threads carry the bytes, so that TLS and SSH connections look like any socket. They end when either side does.
    """
    raw = client.api.attach_socket(container.id, params={"stdin": 1, "stdout": 1, "stream": 1})
    stream = getattr(raw, "_sock", raw)
    ours, theirs = socket.socketpair()
    if hasattr(stream, "settimeout"):
        stream.settimeout(None)

    def to_container() -> None:
        with contextlib.suppress(OSError, EOFError):
            while part := theirs.recv(_PIECE):
                stream.sendall(part)
        _hang_up(stream, theirs)

    def from_container() -> None:
        with contextlib.suppress(OSError, EOFError):
            while header := _exactly(stream, _HEADER.size):
                number, length = _HEADER.unpack(header)
                part = _exactly(stream, length)
                if number == _STDOUT:
                    theirs.sendall(part)
        _hang_up(stream, theirs)
        raw.close()
        stream.close()

    for work in (to_container, from_container):
        threading.Thread(target=work, name="sandbox-attached", daemon=True).start()
    return ours


def _exactly(stream: Any, length: int) -> bytes:
    """`length` bytes, or fewer where the stream ends."""
    parts: list[bytes] = []
    while length and (part := stream.recv(min(length, _PIECE))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts) if not length else b""


def _hang_up(*streams: Any) -> None:
    for stream in streams:
        with contextlib.suppress(OSError, EOFError):
            stream.shutdown(socket.SHUT_RDWR)
