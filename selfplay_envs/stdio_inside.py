"""Runs inside the sandbox, in front of `stdio`'s jobs: a program as `__main__`, with its input and output redirected.

Never imported by the environments themselves: its text becomes part of a job's program. Standard library only.

Descriptors are redirected too, not only `sys.stdin` and `sys.stdout`, because programs also use `open(0)`, `os.read(0, n)`
and `os.write(1, data)`. Pipes do it, since no file may be written in a sandbox. Where programs expect standard input to be a
file, which it is at a contest, the functions that tell a file from a pipe are changed: size, place, and memory maps. So are
those that would end this process or ask for a stack that it cannot have.

All of it shares a process with the program, which may change it back, and can only change its own output by that.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import importlib
import io
import mmap
import os
import posix
import resource
import sys
import time
import types
from collections.abc import Callable, Generator
from importlib.machinery import ModuleSpec
from typing import Any

MAX_OUTPUT_BYTES = 1 << 20


class HardExit(BaseException):
    """`os._exit` of a program that has done well. Whatever catches it, nothing that is written afterwards counts."""


def run_main(source: str, stdin: str, threads: str) -> str:
    """What a program writes to its standard output.

    Exceptions and exits of the program come out as they are, but for an exit with 0 or without a code, which is a normal end.

    Args:
        source: The program.
        stdin: Its standard input.
        threads: The text of `stdio_turns_inside` and `stdio_threads_inside`, compiled only for programs with threads.
    """
    code = compile(source.removeprefix("\ufeff"), "<program>", "exec", dont_inherit=True)
    captured = Captured()
    become_a_file(stdin.encode("utf-8", "surrogateescape"))
    stdout: Any = io.TextIOWrapper(io.BufferedWriter(captured), "utf-8", "surrogateescape", newline="\n")
    stdout.mode = "w"
    sys.stdout = sys.__stdout__ = stdout
    builtins.exit = builtins.quit = sys.exit  # the sandbox's interpreter starts without `site`
    ask_for_no_stack()
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


def become_a_file(data: bytes) -> None:
    """Makes standard input a file that holds `data`, as far as `os`, `mmap` and `sys.stdin` tell; `open(0)` has no places.

    It can be opened by name too, which sandboxes refuse: then it is a copy of descriptor 0.
    """
    names = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
    fstat, stat, lseek, open_path, open_file = os.fstat, os.stat, os.lseek, os.open, io.open

    def open_descriptor(path: Any, flags: int, *rest: Any, **options: Any) -> int:
        return os.dup(0) if path in names else open_path(path, flags, *rest, **options)

    def open_stream(file: Any, *rest: Any, **options: Any) -> Any:
        return open_file(os.dup(0) if isinstance(file, str) and file in names else file, *rest, **options)

    def fstat_sized(fd: int) -> os.stat_result:
        found = fstat(fd)
        return os.stat_result((*found[:6], len(data), *found[7:])) if fd == 0 else found

    def stat_sized(path: Any, **options: Any) -> os.stat_result:
        is_stdin = path == 0 if isinstance(path, int) else os.fspath(path) in names
        return fstat_sized(0) if is_stdin else stat(path, **options)

    def seek(fd: int, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if fd != 0:
            return lseek(fd, offset, whence)
        import fcntl
        import termios

        left = int.from_bytes(fcntl.ioctl(0, termios.FIONREAD, bytes(4)), sys.byteorder)
        place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: len(data) - left, os.SEEK_END: len(data)}[whence]
        if place < 0:
            raise OSError(22, "Invalid argument")
        feed(data[place:])
        return place

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

    os.fstat, os.stat, os.lseek, mmap.mmap = fstat_sized, stat_sized, seek, Map
    os.open, io.open, builtins.open = open_descriptor, open_stream, open_stream
    feed(data)
    stdin: Any = io.TextIOWrapper(io.BufferedReader(Input(0, closefd=False)), "utf-8", "surrogateescape")
    stdin.mode = "r"
    sys.stdin = sys.__stdin__ = stdin


@contextlib.contextmanager
def ending_softly(captured: Captured) -> Generator[None]:
    """Meanwhile `os._exit` with 0 leads to the end of this block. What was not flushed is lost; other codes end the process.

    A program that catches it goes on, unheard; it is wrong only if it does not come to an end.
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


def ask_for_no_stack() -> None:
    """Has a wish for a larger stack than this process may have do nothing."""
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
        """Where a module comes from: from here if it wants changing."""
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
