"""The bytes between host and worker: a fixed header, then records of tag, length and UTF-8 text. Nothing else, ever.

Replies come from a page that an untrusted program can write, so the host decodes them and unpickles nothing.

Attributes:
    REQUEST: Header towards the worker: frame id, payload bytes, CPU ms, wall ms, idle ms, memory MiB, output bytes,
        fewest and most runs (see `child.Work`).
    REPLY: Header from the worker: frame id, payload bytes, wait status, why it was ended (`Stop`), CPU us, peak resident KiB.
    PAGE_BYTES: Size of the page through which a child answers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum

REQUEST = struct.Struct("<IIIIIIIII")
REPLY = struct.Struct("<IIiIII")
RECORD = struct.Struct("<BI")
PAGE_BYTES = 4 << 20
PAGE_HEADER_BYTES = 4
HELLO_FRAME = 0xFFFF_FFFF
RECORD_ROOM_BYTES = 512  # for the tag, the length, and any reason or type name


class Stop(IntEnum):
    """Why a worker ended a child."""

    NOT_AT_ALL = 0
    TIME = 1
    """Over its CPU or wall limit."""
    IDLE = 2
    """Waited for longer than it may."""


class Tag(IntEnum):
    """The content of a record."""

    PROGRAM = ord("P")
    ENTRY_POINT = ord("N")
    ARGUMENTS = ord("A")
    LOADED = ord("R")
    """The program's module level ran once; a child that ends before this ends alike for every call."""
    VALUE = ord("V")
    EXCEPTION = ord("E")
    MEMORY = ord("M")
    TOO_LARGE = ord("L")
    NOT_SERIALISABLE = ord("S")
    FORBIDDEN = ord("F")
    NONDETERMINISTIC = ord("D")
    SYNTAX_ERROR = ord("C")
    HELLO = ord("H")


def record(tag: Tag, text: str) -> bytes:
    """One record; text that UTF-8 cannot hold is escaped, because a child's own type names may hold anything."""
    data = text.encode("utf-8", "backslashreplace")
    return RECORD.pack(tag, len(data)) + data


def records(payload: bytes) -> Iterator[tuple[int, str]]:
    """The whole records at the start of `payload`; stops silently where it is cut or malformed."""
    at = 0
    while at + RECORD.size <= len(payload):
        tag, length = RECORD.unpack_from(payload, at)
        at += RECORD.size
        if at + length > len(payload):
            return
        yield tag, payload[at : at + length].decode("utf-8", "replace")
        at += length


def page_is_full(used_bytes: int, output_bytes: int) -> bool:
    """Whether the page could fail to hold one more result; child and host must agree on it."""
    return used_bytes + output_bytes + RECORD_ROOM_BYTES > PAGE_BYTES - PAGE_HEADER_BYTES
