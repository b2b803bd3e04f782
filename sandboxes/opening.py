"""Sandboxes by name: one shared instance for each name and size, closed when the process ends."""

from __future__ import annotations

import atexit
import os
import threading

from .errors import SandboxUnavailable
from .pool import PooledSandbox
from .process import ProcessLauncher
from .spec import CodeSandbox

NAMES = ("auto", "docker", "process")

_lock = threading.Lock()
_open: dict[tuple[int, str, int], PooledSandbox] = {}
_choice: dict[tuple[int, str | None], str] = {}


def open_sandbox(name: str = "auto", workers: int | None = None) -> CodeSandbox:
    """The shared sandbox of this name; starts no worker before its first job.

    Asked twice, it answers with the same instance, unless that was closed meanwhile. A forked child process gets
    instances of its own.

    Args:
        name: `docker`, `process`, or `auto`, which takes Docker where its engine answers and the process backend
            otherwise. What it took is the instance's `name`.
        workers: How many programs run side by side; by default one for each processor, at most 4.

    Raises:
        ValueError: An unknown name, or fewer than one worker.
        SandboxUnavailable: `docker` was asked for and no engine answers.
    """
    if name not in NAMES:
        raise ValueError(f"Unknown sandbox {name!r}; choose one of {', '.join(NAMES)}.")
    count = min(len(os.sched_getaffinity(0)), 4) if workers is None else workers
    with _lock:
        if name == "auto":
            name = _automatic()
        key = (os.getpid(), name, count)
        sandbox = _open.get(key)
        if sandbox is None or sandbox.closed:
            sandbox = _open[key] = _create(name, count)
        return sandbox


def describe() -> list[tuple[str, str, str]]:
    """What each layer of this package looks like here: its name, its state, and what to type (empty when all is well)."""
    from .docker_backend import docker_available, image_present

    reason = docker_available()
    rows = [("docker engine", "answers" if reason is None else reason, "" if reason is None else "dockerd &")]
    if reason is None:
        try:
            state = "present" if image_present() else "built on first use, in seconds, without a registry"
        except SandboxUnavailable as error:
            state = str(error)
        rows.append(("sandbox image", state, ""))
    rows.append(("process backend", "works on any Linux; contains less than Docker, see sandboxes/README.md", ""))
    rows.append(("sandbox='auto' takes", "docker" if reason is None else "process", ""))
    return rows


def _automatic() -> str:
    """What `auto` means here: asked once, so that a process does not change backends on the way."""
    key = (os.getpid(), os.environ.get("DOCKER_HOST"))
    if key not in _choice:
        from .docker_backend import docker_available

        _choice[key] = "docker" if docker_available() is None else "process"
    return _choice[key]


def _create(name: str, count: int) -> PooledSandbox:
    if name == "process":
        return PooledSandbox(ProcessLauncher(), count)
    from .docker_backend import DockerLauncher

    return PooledSandbox(DockerLauncher(), count)


@atexit.register
def _close_all() -> None:
    for (owner, _, _), sandbox in list(_open.items()):
        if owner == os.getpid():
            sandbox.close()
