"""Runs inside the sandbox, in front of `stdio`'s jobs: a program as `__main__`, with its input and output redirected.

Never imported by the environments themselves: its text becomes part of a job's program. Standard library only.

Descriptors are redirected too, not only `sys.stdin` and `sys.stdout`, because programs also use `open(0)`, `os.read(0, n)`
and `os.write(1, data)`. Pipes do it, since no file may be written in a sandbox.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import io
import os
import sys
import types
from typing import Any

MAX_OUTPUT_BYTES = 1 << 20


def run_main(source: str, stdin: str) -> str:
    """What a program writes to its standard output.

    Exceptions and exits of the program come out as they are, but for an exit with 0 or without a code, which is a normal end.
    """
    code = compile(source, "<program>", "exec", dont_inherit=True)
    feed(stdin.encode("utf-8", "surrogateescape"))
    captured = Captured()
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    stdout: Any = io.TextIOWrapper(io.BufferedWriter(captured), "utf-8", "surrogateescape", newline="\n")
    stdout.mode = "w"
    sys.stdout = sys.__stdout__ = stdout
    builtins.exit = builtins.quit = sys.exit  # the sandbox's interpreter starts without `site`
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if "threading" in source:
        run_threads_at_once()
    atexit._clear()
    try:
        exec(code, main.__dict__)
    except SystemExit as stop:
        if stop.code is not None and not (type(stop.code) in (int, bool) and stop.code == 0):
            raise
    atexit._run_exitfuncs()
    for stream in (sys.stdout, stdout):
        with contextlib.suppress(ValueError, AttributeError):  # closed, or no stream at all: the program's own doing
            stream.flush()
    return captured.text()


class Captured(io.RawIOBase):
    """Standard output: takes what is written to it, and to descriptor 1 as far as a pipe holds it, in that order."""

    def __init__(self) -> None:
        """Takes the place of descriptor 1."""
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        os.dup2(writer, 1)
        os.close(writer)
        self._written = bytearray()

    def fileno(self) -> int:
        """The descriptor that counts as this stream's."""
        return 1

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, data: Any, /) -> int:
        """Takes all of `data`.

        Raises:
            OSError: More was written than any verdict needs.
        """
        self._drain()
        self._written += data
        if len(self._written) > MAX_OUTPUT_BYTES:
            raise OSError("too much output")
        return len(data)

    def text(self) -> str:
        """Everything that was written so far."""
        self._drain()
        return self._written.decode("utf-8", "surrogateescape")

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._reader, 1 << 16):
                self._written += part


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


def run_threads_at_once() -> None:
    """Lets programs that start their main function in a thread, for its larger stack, run where there are no threads."""
    import threading

    threading.Thread.start = threading.Thread.run
    threading.Thread.join = lambda self, timeout=None: None
