"""Sandboxes by name: one shared instance for each description, closed when the process ends."""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import replace

from .backends.docker_engine import docker_available
from .backends.process import ProcessLauncher
from .cache import CachingSandbox
from .config import SandboxConfig
from .core.launcher import Launcher
from .core.types import CodeSandbox
from .pool.sandbox import PooledSandbox
from .routing import RoutingSandbox

_lock = threading.Lock()
_open: dict[tuple[int, SandboxConfig], CodeSandbox] = {}
_choice: dict[tuple[int, str | None], str] = {}


def open_sandbox(name: str | SandboxConfig = "auto", workers: int | None = None) -> CodeSandbox:
    """The shared sandbox of this description; starts no worker before its first job.

    Two calls give the same instance, unless that was closed meanwhile. A forked child process gets instances of its own.

    Args:
        name: A `SandboxConfig`, or its text: `auto`, `docker`, `process`, `docker:workers=2,engine=auto` ...
            The instance's `name` says which backend `auto` took.
        workers: Overrides the config's.

    Raises:
        ValueError: The text is not understood, or `workers` is less than one.
        SandboxUnavailable: The backend is `docker` and no engine answers, or the fast engine is not installed.
    """
    config = SandboxConfig.parse(name) if isinstance(name, str) else name
    if workers is not None and workers < 1:
        raise ValueError(f"workers={workers!r}; at least 1 is needed.")
    with _lock:
        config = replace(
            config,
            backend=_automatic() if config.backend == "auto" else config.backend,
            workers=workers or config.workers or len(os.sched_getaffinity(0)),
        )
        sandbox = _open.get((os.getpid(), config))
        if sandbox is None or getattr(sandbox, "closed", False):
            sandbox = _open[os.getpid(), config] = _create(config)
        return sandbox


def make_launcher(config: SandboxConfig | str) -> Launcher:
    """The launcher of a sandbox's workers.

    Raises:
        SandboxUnavailable: No Docker engine answers.
    """
    config = SandboxConfig.parse(config) if isinstance(config, str) else config
    if config.backend == "process":
        return ProcessLauncher(config.packages, config.unsafe)
    from .backends.docker import DockerLauncher

    return DockerLauncher(config.packages, config.runtime, config.image)


def _create(config: SandboxConfig) -> CodeSandbox:
    """A sandbox of this description, behind what routes jobs with packages; a published image brings its own packages."""
    home = _create_home(config)
    if config.image:
        return home
    # the fast engine runs no packages; the same hash seeds, since an episode's record names one list
    sibling = replace(config, engine="cpython", hash_seeds=home.hash_seeds)
    return RoutingSandbox(home, config.packages, lambda packages: _create_home(replace(sibling, packages=packages)))


def _create_home(config: SandboxConfig) -> CodeSandbox:
    """The pool, behind the fast engine if there is one, behind the cache if there is one: a remembered call costs no fork."""
    sandbox: CodeSandbox = PooledSandbox(
        make_launcher(config), config.workers, recycle_after=config.recycle, hash_seeds=config.hash_seeds
    )
    if config.engine == "auto":
        from .monty.sandbox import MontySandbox

        sandbox = MontySandbox(sandbox, workers=config.workers)
    return CachingSandbox(sandbox, config.cache) if config.cache else sandbox


def _automatic() -> str:
    """The backend that `auto` means here: found out once, so that a process does not change backends on the way."""
    key = (os.getpid(), os.environ.get("DOCKER_HOST"))
    if key not in _choice:
        _choice[key] = "docker" if docker_available() is None else "process"
    return _choice[key]


@atexit.register
def _close_all() -> None:
    for (owner, _), sandbox in list(_open.items()):
        if owner == os.getpid():
            sandbox.close()
