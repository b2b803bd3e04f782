"""Runs inside the sandbox, in front of `stdio`'s jobs: a program as `__main__`, with its input and output redirected.

Never imported by the environments themselves: its text becomes part of a job's program. Standard library only.

Descriptors are redirected too, not only `sys.stdin` and `sys.stdout`, because programs also use `open(0)`, `os.read(0, n)`
and `os.write(1, data)`. Pipes do it, since no file may be written in a sandbox; `stdio_file` hides that. The functions that
would end this process or set a stack that it cannot have are changed.

All of it shares a process with the program, which may change it back, and can only change its own output by that.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import importlib
import io
import os
import posix
import resource
import sys
import time
import types
from collections.abc import Callable, Generator
from importlib.machinery import ModuleSpec
from typing import Any

from .stdio_file import become_a_file

MAX_OUTPUT_BYTES = 1 << 20


class HardExit(BaseException):
    """`os._exit` of a program that has done well. Even where it is caught, nothing that is written afterwards counts."""


def run_main(source: str, stdin: str, threads: str) -> str:
    """Standard output of a program.

    Exceptions and exits of the program come out as they are, but for an exit with 0 or without a code, which is a normal end.

    Args:
        source: The program.
        stdin: Its standard input.
        threads: The text of `stdio_turns` and `stdio_threads`, compiled only for programs with threads.
    """
    code = compile(source.removeprefix("\ufeff"), "<program>", "exec", dont_inherit=True)
    captured = Captured()
    become_a_file(stdin.encode("utf-8", "surrogateescape"))
    stdout: Any = io.TextIOWrapper(io.BufferedWriter(captured), "utf-8", "surrogateescape", newline="\n")
    stdout.mode = "w"
    sys.stdout = sys.__stdout__ = stdout
    builtins.exit = builtins.quit = sys.exit  # the sandbox's interpreter starts without `site`
    refuse_no_stack()
    changes = Changes(threads)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    atexit._clear()
    with ending_softly(captured):
        try:
            exec(code, main.__dict__)
        except SystemExit as stop:
            if stop.code is not None and not (type(stop.code) in (int, bool) and stop.code == 0):
                raise
        changes.finish()
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
        self.ended = False

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
        if not self.ended:
            self._written += data
        if len(self._written) > MAX_OUTPUT_BYTES:
            raise OSError("too much output")
        return len(data)

    def text(self) -> str:
        """Everything that was written so far."""
        self._drain()
        return self._written.decode("utf-8", "surrogateescape")

    def end(self) -> None:
        """Nothing that is written from now on counts."""
        self._drain()
        self.ended = True

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._reader, 1 << 16):
                if not self.ended:
                    self._written += part


@contextlib.contextmanager
def ending_softly(captured: Captured) -> Generator[None]:
    """Meanwhile `os._exit` with 0 leads to the end of this block. Unflushed output is lost; other codes end the process.

    A program that catches it goes on, without output; it is wrong only if it does not come to an end.
    """
    end_process = os._exit

    def leave(status: int) -> None:
        if status & 0xFF:
            end_process(status)
        captured.end()
        raise HardExit

    os._exit = posix._exit = leave
    try:
        yield
    except BaseException:
        if not captured.ended:
            raise
    finally:
        os._exit = posix._exit = end_process


def refuse_no_stack() -> None:
    """Has `setrlimit` for a larger stack than this process may have do nothing."""
    set_limit = resource.setrlimit

    def setrlimit(which: int, limits: tuple[int, int], /) -> None:
        try:
            set_limit(which, limits)
        except (ValueError, OSError):
            if which != resource.RLIMIT_STACK:
                raise

    resource.setrlimit = setrlimit


class Changes:
    """Finds modules before anybody else, and has them changed at their first import."""

    def __init__(self, threads: str) -> None:
        """Has `threads`, a text, change the modules on which all others with threads stand."""
        self.sleep: Callable[[Any], None] = time.sleep
        self.finish: Callable[[], None] = lambda: None
        self._threads = threads
        self._changes: dict[str, Callable[[], None]] = dict.fromkeys(("_thread", "threading", "asyncio"), self._change_threads)
        time.sleep = lambda seconds, /: self.sleep(seconds)
        for name in list(sys.modules):
            if name.partition(".")[0] in ("threading", "_threading_local", "queue", "concurrent", "multiprocessing", "asyncio"):
                del sys.modules[name]
        self._module = sys.modules.pop("_thread")
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """The spec of a module that is to be changed."""
        loader: Any = self
        return ModuleSpec(name, loader) if name in self._changes else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """The module, changed."""
        self._changes.pop(spec.name)()
        return importlib.import_module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is left to do."""

    def _change_threads(self) -> None:
        self._changes.clear()
        sys.modules["_thread"] = self._module
        names: dict[str, Any] = {}
        exec(self._threads, names)
        self.sleep, self.finish = names["install"](self._module, self.sleep, self._changes)
