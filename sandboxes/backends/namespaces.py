"""Namespaces around a worker of the process backend, by `bwrap` or `unshare`, where a trial run shows that they work.

Both give the worker process ids, a network and IPC objects of its own; bwrap also a file system with nothing in it but
Python. Neither is needed: Landlock and seccomp protect the same resources from inside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..core.errors import SandboxUnavailable
from .worker_command import worker_command

_TRIAL_S = 60.0  # as long as a worker may take to start: a busy machine lacks nothing
_TRIAL = "import os, ctypes; raise SystemExit(os.getpid() != 1 or not os.path.exists('/proc/self/maps'))"
_DEVICES = ("/dev/null", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Namespaces:
    """A way to start a worker inside namespaces."""

    name: str
    """`bwrap`, `unshare`, or `nothing`."""
    prefix: tuple[str, ...]
    """The words in front of the worker's command line."""


@cache
def find_namespaces(interpreter: str, library: str, without: tuple[str, ...]) -> Namespaces:
    """The first kind of namespaces that works here. Tries them, once in the life of a process; that takes some 50 ms each.

    Args:
        interpreter: Path of the Python that will run inside.
        library: One more folder that it imports from; empty: none.
        without: Kinds not to consider.

    Raises:
        SandboxUnavailable: The interpreter does not start, even without any.
    """
    folders = [*_library_folders(interpreter), *([library] if library else [])]
    for namespaces in _candidates(interpreter, folders):
        trial = [*namespaces.prefix, interpreter, "-S", "-c", _TRIAL]
        if namespaces.name not in without and _run(trial) is not None:
            return namespaces
    return Namespaces("nothing", ())


def _candidates(interpreter: str, folders: Sequence[str]) -> Iterator[Namespaces]:
    """The kinds to try, best first. Root needs no user namespace, and keeps the right to change to a spare user without one."""
    root = os.geteuid() == 0
    if (bwrap := shutil.which("bwrap")) is not None:
        mounts = _mounts(interpreter, folders)
        if root:
            yield Namespaces("bwrap", (bwrap, *_capabilities(), *mounts))
        yield Namespaces("bwrap", (bwrap, "--unshare-user", *mounts))
    if (unshare := shutil.which("unshare")) is not None:
        user = () if root else ("--user", "--map-current-user")
        yield Namespaces("unshare", (unshare, *user, "--pid", "--fork", "--mount-proc", "--net", "--ipc", "--uts"))


def _capabilities() -> Iterator[str]:
    """Arguments for the capabilities that a root worker needs to run programs as another user and to end them."""
    yield from ("--cap-drop", "ALL")
    for name in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL"):
        yield from ("--cap-add", name)


def _mounts(interpreter: str, folders: Iterable[str]) -> Iterator[str]:
    """Arguments for a read-only file system of the interpreter, what it imports and links to, and two devices.

    Not `--die-with-parent`: it means the thread that started bwrap, which may end long before the trainer. The worker ends
    when its connection does, and takes care itself of ending with bwrap.
    """
    yield from ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--as-pid-1")
    loaders = [name for name in ("/lib", "/lib32", "/lib64") if os.path.isdir(name)]
    links = {name: os.readlink(name) for name in loaders if os.path.islink(name)}
    paths = {interpreter, *folders, "/etc/ld.so.cache", os.path.realpath("/lib64")}
    shown = sorted(path for path in paths if os.path.exists(path))
    parents = {str(parent) for path in (*shown, *_DEVICES) for parent in Path(path).parents} - {"/", *links}
    for parent in sorted(parents):  # left to bwrap, they would be closed to other users
        yield from ("--dir", parent)
    for name, target in links.items():
        yield from ("--symlink", target, name)
    for path in shown:
        yield from ("--ro-bind", path, path)
    for device in _DEVICES:
        yield from ("--dev-bind", device, device)
    yield from ("--proc", "/proc", "--remount-ro", "/proc", "--remount-ro", "/", "--chdir", "/", "--")


def _library_folders(interpreter: str) -> list[str]:
    """The folders that an import of this interpreter reads from, as it says itself.

    Raises:
        SandboxUnavailable: It does not start.
    """
    output = _run(worker_command(interpreter, "folders"))
    if output is None:
        raise SandboxUnavailable(f"The process sandbox cannot start {interpreter}; reinstall Python, or start Docker.")
    return output.splitlines()


def _run(command: Sequence[str]) -> str | None:
    """Standard output of a command; None when it fails or cannot be started."""
    variables = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    try:
        done = subprocess.run(
            command, env=variables, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TRIAL_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
