"""The worker program: a warm, trusted parent that forks one fresh child for each job and reports how the child ended.

Runs inside the container or the bare process, started by `backends.worker_command`. The parent reads only the fixed
header of a frame; the child reads the job's bytes itself, so nothing of one job is in memory when the next one forks. The
child answers through a shared page. The frame id, the wait status, and the CPU time come from the parent alone.

Contained by this program in every backend: CPU time, wall time, address space, file sizes (none may be written),
processes and threads (none may be started), open files, core dumps, and one job's memory from the next. Files, the network
and other processes are closed by the layers of `isolation`, where the machine has them, and by what the backend puts around.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Mapping
from typing import NoReturn

from ..protocol.wire import HELLO_FRAME, REQUEST, Stop, Tag
from .child import Work, run_work
from .clocks import child_clocks, is_waiting
from .isolation import Isolation, NotIsolated
from .landlock import library_folders
from .limits import end_with_parent, limit_worker
from .page import Page
from .preload import preload
from .streams import Connection, connect
from .warm_up import warm_up

_CHECK_S = 0.03  # between two checks of a child's clocks, and of whether the host is still there
_STARVED_WALL_FACTOR = 8  # a child that never gets a processor is given up at this multiple of its wall limit


class Worker:
    """The loop of the parent: read a header, fork, wait, reply."""

    def __init__(self, connection: Connection, options: Mapping[str, str]) -> None:
        """Warms up, and prepares what isolates programs; see `main` for the options."""
        self._connection = connection
        limit_worker()
        if "packages" in options:
            sys.path.append(options["packages"])
        self._not_importable = preload(options)
        self._base_bytes = warm_up()
        self.isolation = Isolation.prepare(options.get("around", "container"), options.get("without", "").split("+"))
        self._page = Page()
        # A page of its own, which the child unmaps before the program runs: the program cannot unsay it.
        self._consumed = mmap.mmap(-1, mmap.PAGESIZE)
        self._first_process = os.getpid() == 1
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})

    def serve(self) -> None:
        """Answers frames until the host hangs up, or a child has left the stream between two frames."""
        self._page.emit(Tag.HELLO, " ".join(self.isolation.layers))
        for reason in self._not_importable:
            self._page.emit(Tag.EXCEPTION, reason)
        self._page.send(self._connection, HELLO_FRAME, 0, Stop.NOT_AT_ALL, resource.getrusage(resource.RUSAGE_SELF))
        self._page.wipe()
        while True:
            header = _receive(self._connection, REQUEST.size)
            if header is None:
                return
            frame, length, cpu_ms, wall_ms, idle_ms, memory_mib, output_bytes, min_runs, max_runs = REQUEST.unpack(header)
            pid = os.fork()
            if pid == 0:
                self._be_child(length, cpu_ms, memory_mib, (output_bytes, min_runs, max_runs))
            status, stop, usage = self._wait(pid, cpu_ms / 1000, wall_ms / 1000, idle_ms / 1000)
            if self._first_process:
                _kill_everyone_else()
            if self._consumed[0] != 1:
                return  # the rest of this frame is still in the socket; the host starts another worker
            self._consumed[0] = 0
            self._page.send(self._connection, frame, status, stop, usage)
            self._page.wipe()

    def _be_child(self, length: int, cpu_ms: int, memory_mib: int, sizes_and_runs: tuple[int, int, int]) -> NoReturn:
        """Turns this freshly forked process into a limited one, runs the job, and ends."""
        end = os._exit  # the program may put something else in its place
        try:
            end_with_parent()
            _connect_streams_to_nothing()
            payload = _receive(self._connection, length)
            self._connection.close()
            if payload is None:
                os._exit(1)
            work = Work.decode(payload, *sizes_and_runs)
            del payload
            # Whole seconds of CPU only: the parent's clock decides, this is the backstop.
            self.isolation.enter(cpu_ms // 1000 + 2, self._base_bytes + (memory_mib << 20))
            self._consumed[0] = 1  # not before: a child that is not isolated must not pass for one that ran its job
            self._consumed.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            gc.enable()
            run_work(work, self._page.emit)
        finally:
            end(0)

    def _wait(self, pid: int, cpu_s: float, wall_s: float, idle_s: float) -> tuple[int, Stop, resource.struct_rusage]:
        """Waits for the child and ends it at its limits. Time spent waiting for a processor counts nowhere."""
        began = checked = time.monotonic()
        busy_s = waited_s = 0.0
        pause_s = min(cpu_s, wall_s)
        while True:
            signal.sigtimedwait([signal.SIGCHLD], max(0.0, min(pause_s, _CHECK_S)))
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                return status, Stop.NOT_AT_ALL, usage
            now = time.monotonic()
            used_s, starved_s = child_clocks(pid, now - began)
            if is_waiting(pid):
                waited_s += max(0.0, now - checked - (used_s + starved_s - busy_s))
            checked, busy_s = now, used_s + starved_s
            pause_s = 0.001 + min(cpu_s - used_s, wall_s - (now - began - starved_s))
            late = pause_s <= 0.001 or now - began > wall_s * _STARVED_WALL_FACTOR
            if late or waited_s > idle_s or _hung_up(self._connection):
                os.kill(pid, signal.SIGKILL)
                _, status, usage = os.wait4(pid, 0)
                return status, Stop.IDLE if waited_s > idle_s else Stop.TIME, usage


def _hung_up(connection: Connection) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    return bool(poll.poll(0))


def _kill_everyone_else() -> None:
    """Ends whatever else is in this process namespace, of which this process is the first."""
    with contextlib.suppress(OSError):
        os.kill(-1, signal.SIGKILL)
        while True:
            os.waitpid(-1, 0)


def _receive(connection: Connection, length: int) -> bytes | None:
    """Exactly `length` bytes; None when the other side has hung up."""
    parts: list[bytes] = []
    while length:
        part = connection.recv(length)
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def main(arguments: list[str]) -> None:
    """Connects to the host, cuts the process off from its surroundings, and serves.

    Args:
        arguments: The connection, see `streams.connect`, then any of these. `around=<kind>`: what the
            launcher put around this process, see `isolation`. `without=<layer>+<layer>`: do without these. `unsafe=yes`:
            serve even if programs are not isolated. `packages=<folder>` and `preload-<distribution>=<module>+<module>`: what
            programs may import besides the standard library, and what of it to import before forking. Or the single word
            `folders`: print what an import reads from, one folder a line, and end.
    """
    sys.path[:] = [folder for folder in sys.path if folder]  # the current folder, which -c adds, is no library
    if arguments == ["folders"]:
        print(*library_folders(), sep="\n")
        return
    # Python's handler would let a program interrupt the worker; without one, the first process of a namespace is deaf to it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = {name: value for name, _, value in (word.partition("=") for word in arguments)}
    if options.get("around") in ("bwrap", "unshare"):
        end_with_parent()  # which is that program, and has only one thread
    try:
        worker = Worker(connect(options), options)
        if not options.get("unsafe"):
            worker.isolation.require()
        _forget_surroundings()
        worker.isolation.install_parent_filter()
    except (OSError, NotIsolated) as error:
        sys.exit(str(error))
    with contextlib.suppress(ConnectionError):
        worker.serve()


def _forget_surroundings() -> None:
    """Empties the environment and the arguments, and connects the standard streams to nothing."""
    os.environ.clear()
    sys.argv = [""]
    _connect_streams_to_nothing()
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


def _connect_streams_to_nothing() -> None:
    """Points descriptors 0 to 2 at a null device opened here: flags set on an inherited one would reach every later child."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.close(nothing)
