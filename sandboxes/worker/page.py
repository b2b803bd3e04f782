"""The shared page through which a child answers, and from which its parent replies without ever reading it."""

from __future__ import annotations

import mmap
import resource

from ..protocol.wire import PAGE_BYTES, PAGE_HEADER_BYTES, REPLY, Stop, Tag, record
from .streams import Connection


class Page:
    """The shared page: children write records into it, the parent sends it on and wipes it."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, PAGE_BYTES)
        self._used_bytes = 0

    def emit(self, tag: Tag, text: str) -> int:
        """Writes one record, then its length, so that a killed child leaves whole records only. Returns bytes used."""
        data = record(tag, text)
        start = PAGE_HEADER_BYTES + self._used_bytes
        self._map[start : start + len(data)] = data
        self._used_bytes += len(data)
        self._map[:PAGE_HEADER_BYTES] = self._used_bytes.to_bytes(PAGE_HEADER_BYTES, "little")
        return self._used_bytes

    def send(self, connection: Connection, frame: int, status: int, stop: Stop, usage: resource.struct_rusage) -> None:
        """Sends the reply straight from the page: what a child wrote never enters the parent's own memory."""
        length = int.from_bytes(self._map[:PAGE_HEADER_BYTES], "little")
        if length > PAGE_BYTES - PAGE_HEADER_BYTES:
            length = 0
        cpu_us = int((usage.ru_utime + usage.ru_stime) * 1e6)
        header = REPLY.pack(frame, length, status, stop, min(cpu_us, 0xFFFF_FFFF), min(usage.ru_maxrss, 0xFFFF_FFFF))
        with memoryview(self._map)[PAGE_HEADER_BYTES : PAGE_HEADER_BYTES + length] as body:
            sent = connection.sendmsg([header, body])
            if sent < len(header):
                connection.sendall(header[sent:])
            if sent < len(header) + length:
                connection.sendall(body[max(0, sent - len(header)) :])

    def wipe(self) -> None:
        """Empties the page, all of it: a child may have written anywhere, and the next one must not find it."""
        try:
            self._map.madvise(mmap.MADV_REMOVE)
        except OSError:  # kernels without it, such as gVisor
            self._map[:] = bytes(PAGE_BYTES)
        self._used_bytes = 0
