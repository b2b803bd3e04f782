"""Runs inside the sandbox, in front of `stdio`: makes standard input a file, as it is at a contest.

A pipe does it, since no file may be written in a sandbox. The functions that tell a file from a pipe are changed: size,
position, and memory maps. Standard library only.
"""

from __future__ import annotations

import builtins
import io
import mmap
import os
import sys
from collections.abc import Callable
from typing import Any

STDIN_NAMES = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def become_a_file(data: bytes) -> None:
    """Makes standard input a file that holds `data`, as far as `os`, `mmap` and `sys.stdin` show; `open(0)` has no positions.

    It can be opened by name too, which sandboxes refuse: then it is a copy of descriptor 0.
    """
    give_size(len(data))
    seek = give_positions(data)
    open_by_name()

    class Input(io.FileIO):
        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
            return seek(0, offset, whence)

        def tell(self) -> int:
            return seek(0, 0, os.SEEK_CUR)

    class Map(mmap.mmap):
        def __new__(cls, fileno: int, length: int, *rest: Any, **options: Any) -> Any:
            if fileno != 0:
                return super().__new__(cls, fileno, length, *rest, **options)
            mapped = super().__new__(cls, -1, length or len(data))
            mapped[: len(data)] = data[: len(mapped)]
            return mapped

    mmap.mmap = Map
    feed(data)
    stdin: Any = io.TextIOWrapper(io.BufferedReader(Input(0, closefd=False)), "utf-8", "surrogateescape")
    stdin.mode = "r"
    sys.stdin = sys.__stdin__ = stdin


def feed(data: bytes) -> None:
    """Makes descriptor 0 the end of a pipe that holds `data` and nothing else.

    It always fits: a job is no longer than the 64 KiB that a pipe holds.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    if os.write(writer, data) != len(data):
        raise OSError("the input does not fit into a pipe")
    os.dup2(reader, 0)
    os.close(reader)
    os.close(writer)


def give_size(size: int) -> None:
    """Has `os.fstat` and `os.stat` give descriptor 0 that size."""
    fstat, stat = os.fstat, os.stat

    def fstat_sized(fd: int) -> os.stat_result:
        result = fstat(fd)
        return os.stat_result((*result[:6], size, *result[7:])) if fd == 0 else result

    def stat_sized(path: Any, **options: Any) -> os.stat_result:
        is_stdin = path == 0 if isinstance(path, int) else os.fspath(path) in STDIN_NAMES
        return fstat_sized(0) if is_stdin else stat(path, **options)

    os.fstat, os.stat = fstat_sized, stat_sized


def give_positions(data: bytes) -> Callable[[int, int, int], int]:
    """Has `os.lseek` move in descriptor 0, which holds `data`; returns that function."""
    lseek = os.lseek

    def seek(fd: int, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if fd != 0:
            return lseek(fd, offset, whence)
        import fcntl
        import termios

        left = int.from_bytes(fcntl.ioctl(0, termios.FIONREAD, bytes(4)), sys.byteorder)
        position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: len(data) - left, os.SEEK_END: len(data)}[whence]
        if position < 0:
            raise OSError(22, "Invalid argument")
        feed(data[position:])
        return position

    os.lseek = seek
    return seek


def open_by_name() -> None:
    """Has `os.open` and `open` give a copy of descriptor 0 for the names of standard input."""
    open_path, open_file = os.open, io.open

    def open_descriptor(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        return os.dup(0) if path in STDIN_NAMES else open_path(path, flags, *rest, **options)

    def open_stream(file: Any, *rest: Any, **options: Any) -> Any:
        return open_file(os.dup(0) if isinstance(file, str) and file in STDIN_NAMES else file, *rest, **options)

    os.open, io.open, builtins.open = open_descriptor, open_stream, open_stream
