"""The process backend: workers as processes of this machine, for where no container engine answers.

Contained, on top of what `worker.main` contains: files (a program reads the standard library, and changes nothing), the
network, and every other process. Landlock and seccomp do that, which need neither root nor packages; where they work, the
worker is put into namespaces of its own as well, and where the trainer is root, programs run under a spare user id. Where
neither files nor network could be closed, a worker refuses to serve.

Not contained: the kernel itself, side channels such as timing, and, without bwrap, asking whether a file exists.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

from ..core.errors import SandboxUnavailable
from ..core.launcher import Started
from .namespaces import find_namespaces
from .packages import find_packages
from .worker_command import base_interpreter, package_options, worker_command, worker_environment

_START_S = 60.0  # large packages take several, and more where all workers start at once
_STOP_S = 2.0


class ProcessLauncher:
    """Starts workers as child processes, each in a session of its own.

    Args:
        packages: Distributions of this environment that programs may import besides the standard library.
        unsafe: Serve even where files or network stay open to programs.
        without: Layers to do without, as if this machine lacked them, for tests and measurements: `user`, `landlock`,
            `seccomp`, `bwrap`, `unshare`.

    Raises:
        SandboxUnavailable: A package is not installed.
    """

    name = "process"

    def __init__(self, packages: Sequence[str] = (), unsafe: bool = False, without: Sequence[str] = ()) -> None:
        self._packages = find_packages(packages) if packages else None
        self._unsafe = unsafe
        self._without = tuple(without)
        self._lock = threading.Lock()

    def start(self, hash_seed: int) -> Started:
        """Starts one worker and waits until it has put its layers in place; see `Launcher`.

        Raises:
            SandboxUnavailable: This is not Linux, the interpreter does not start, or programs would not be isolated.
        """
        if not sys.platform.startswith("linux"):
            raise SandboxUnavailable(f"The process sandbox needs Linux, this is {sys.platform}; start Docker instead.")
        library = str(self._packages.folder()) if self._packages else ""
        with self._lock:  # workers start side by side, the machine is tried once
            namespaces = find_namespaces(base_interpreter(), library, self._without)
        ours, theirs = socket.socketpair()
        try:
            process = subprocess.Popen(
                [*namespaces.prefix, *self._command(f"fd={theirs.fileno()}", namespaces.name, library)],
                env=worker_environment(hash_seed),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise SandboxUnavailable(f"Cannot start {base_interpreter()}: {error}; reinstall Python.") from error
        finally:
            theirs.close()
        _await_hello(ours, process)
        return Started(ours, lambda: _stop(process), process.pid)

    def close(self) -> None:
        """Nothing is shared between workers."""

    def _command(self, connection: str, around: str, library: str) -> list[str]:
        options = [f"around={around}", f"without={'+'.join(self._without)}"]
        options += ["unsafe=yes"] if self._unsafe else []
        options += package_options(library, self._packages.modules) if self._packages else []
        return worker_command(base_interpreter(), connection, *options)


def _await_hello(connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Waits until the worker sends something, which it does when its layers are in place; reads nothing.

    Raises:
        SandboxUnavailable: It ended instead; the message is its last line of error output. It is stopped.
    """
    connection.settimeout(_START_S)
    try:
        reason = "" if connection.recv(1, socket.MSG_PEEK) else "it ended without a word"
    except OSError as error:
        reason = str(error)
    connection.settimeout(None)
    if reason:
        connection.close()
        reason = (_stop(process).strip().splitlines() or [reason])[-1]
        raise SandboxUnavailable(f"The process sandbox does not start here: {reason}.")


def _stop(process: subprocess.Popen[bytes]) -> str:
    """Kills a worker and its running child, reaps it, and returns what it wrote to its error stream."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    try:
        _, errors = process.communicate(timeout=_STOP_S)
    except subprocess.TimeoutExpired:  # stuck in the kernel; it is killed and will go
        return ""
    return errors.decode("utf-8", "replace")
