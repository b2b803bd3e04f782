"""The process backend: workers as bare processes of this machine, for where no container engine answers.

Contained: CPU and wall time, memory, new processes and threads, file sizes (no byte can be written), open files, core
dumps, the environment, inherited descriptors, one job's memory from the next, and privileges gained through set-user-id
files. When the trainer is root, programs run under a spare user id of their own and can signal nobody.

Not contained: a program may read every file that its user may read; create, empty or delete files where that user may;
open network connections; and, when the trainer is not root, send signals to that user's processes, the trainer included.
Use Docker where that matters.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys

from .errors import SandboxUnavailable
from .launch import base_interpreter, worker_command
from .link import Started

_STOP_S = 2.0


class ProcessLauncher:
    """Starts workers as child processes, each in a session of its own."""

    name = "process"

    def start(self, hash_seed: int) -> Started:
        """Starts one worker; see `Launcher`."""
        if not sys.platform.startswith("linux"):
            raise SandboxUnavailable(f"The process sandbox needs Linux, this is {sys.platform}; start Docker instead.")
        ours, theirs = socket.socketpair()
        environment = {"PYTHONHASHSEED": str(hash_seed)}
        if "LD_LIBRARY_PATH" in os.environ:  # some interpreters do not start without it
            environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        try:
            process = subprocess.Popen(
                worker_command(base_interpreter(), f"fd={theirs.fileno()}"),
                env=environment,
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
        return Started(ours, lambda: _stop(process), process.pid)

    def close(self) -> None:
        """Nothing is shared between workers."""


def _stop(process: subprocess.Popen[bytes]) -> str:
    """Kills a worker and its running child, reaps it, and returns what it wrote to its error stream."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    try:
        _, said = process.communicate(timeout=_STOP_S)
    except subprocess.TimeoutExpired:  # stuck in the kernel; it is killed and will go
        return ""
    return said.decode("utf-8", "replace")
