"""Sandboxes by name: one shared instance for each description, closed when the process ends."""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import dataclass, replace
from typing import Any

from .cache import CachingSandbox
from .errors import SandboxUnavailable
from .link import Launcher
from .pool import RECYCLE_AFTER, PooledSandbox
from .process import ProcessLauncher
from .spec import CodeSandbox, Job

BACKENDS = ("auto", "docker", "process")
ENGINES = ("cpython", "auto")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """How to run programs. As text: `docker:workers=4,engine=auto` or `process:unsafe`; before the colon stands `backend`."""

    backend: str = "auto"
    """`docker`, `process`, or `auto`, which takes Docker where its engine answers and the process backend otherwise."""
    workers: int = 0
    """Programs that run side by side; 0: one for each processor."""
    engine: str = "cpython"
    """`cpython`, or `auto`: programs of a safe subset run in pydantic-monty, which is faster, and all others in CPython."""
    cache: int = 16
    """MiB for remembered verdicts; 0 runs every call anew."""
    recycle: int = RECYCLE_AFTER
    """Jobs after which a worker is replaced by a fresh one; 0: never."""
    packages: tuple[str, ...] = ()
    """Installed distributions that programs may import besides the standard library; in text: `with=numpy+sympy`."""
    runtime: str = ""
    """Docker only: the container runtime, such as `runsc` for gVisor; empty: the engine's default."""
    image: str = ""
    """Docker only: a published image with Python 3.11 or newer, pulled if it is not there; empty: one made from this Python."""
    hash_seeds: tuple[int, ...] = ()
    """Of the interpreters, eight; in text `hash-seeds=1+2+3+4+5+6+7+8`. Empty: drawn when it is opened."""
    unsafe: bool = False
    """Process only: run even where neither files nor network can be closed to programs."""

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ValueError(f"Unknown sandbox {self.backend!r}; choose one of {', '.join(BACKENDS)}.")
        if self.engine not in ENGINES:
            raise ValueError(f"sandbox engine={self.engine!r} is not known; choose one of {', '.join(ENGINES)}.")
        for name in ("workers", "cache", "recycle"):
            if getattr(self, name) < 0:
                raise ValueError(f"sandbox {name}={getattr(self, name)!r} is negative; 0 stands for the default.")
        if self.image and self.packages:
            raise ValueError(f"sandbox image={self.image!r} brings its own packages; leave out with=, or the image.")

    @classmethod
    def parse(cls, text: str) -> SandboxConfig:
        """The config that a text such as `docker:workers=2,with=numpy` describes.

        Raises:
            ValueError: It names something unknown; the sentence says what is known.
        """
        backend, _, rest = text.partition(":")
        values: dict[str, Any] = {"backend": backend}
        for item in filter(None, rest.split(",")):
            name, _, value = item.partition("=")
            if name in ("workers", "cache", "recycle") and value.isdecimal():
                values[name] = int(value)
            elif name in ("engine", "runtime", "image") and value:
                values[name] = value
            elif name == "with" and value:
                values["packages"] = tuple(value.split("+"))
            elif name == "hash-seeds" and all(map(str.isdecimal, value.split("+"))):
                values["hash_seeds"] = tuple(map(int, value.split("+")))
            elif item == "unsafe":
                values["unsafe"] = True
            else:
                raise ValueError(
                    f"sandbox={text!r}: {item!r} is not understood; known are workers=N, engine=auto, cache=MIB, recycle=N, "
                    "with=PACKAGE+PACKAGE, runtime=NAME, image=NAME, hash-seeds=N+N+... (eight) and unsafe, "
                    "as in docker:workers=2,engine=auto."
                )
        return cls(**values)

    def text(self) -> str:
        """What `parse` reads; only what differs from the defaults."""
        default = SandboxConfig()
        names = ("workers", "engine", "cache", "recycle", "runtime", "image")
        items = [f"{name}={getattr(self, name)}" for name in names if getattr(self, name) != getattr(default, name)]
        items += [f"with={'+'.join(self.packages)}"] if self.packages else []
        items += [f"hash-seeds={'+'.join(map(str, self.hash_seeds))}"] if self.hash_seeds else []
        items += ["unsafe"] if self.unsafe else []
        return f"{self.backend}:{','.join(items)}".rstrip(":")


_lock = threading.Lock()
_open: dict[tuple[int, SandboxConfig], CodeSandbox] = {}
_choice: dict[tuple[int, str | None], str] = {}


def open_sandbox(name: str | SandboxConfig = "auto", workers: int | None = None) -> CodeSandbox:
    """The shared sandbox of this description; starts no worker before its first job.

    Asked twice, it answers with the same instance, unless that was closed meanwhile. A forked child process gets
    instances of its own.

    Args:
        name: A `SandboxConfig`, or its text: `auto`, `docker`, `process`, `docker:workers=2,engine=auto` ...
            What `auto` took is the instance's `name`.
        workers: Overrides the config's.

    Raises:
        ValueError: The text is not understood, or fewer than one worker is asked for.
        SandboxUnavailable: `docker` was asked for and no engine answers, or the fast engine is not installed.
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
    """What starts the workers of a sandbox.

    Raises:
        SandboxUnavailable: No Docker engine answers.
    """
    config = SandboxConfig.parse(config) if isinstance(config, str) else config
    if config.backend == "process":
        return ProcessLauncher(config.packages, config.unsafe)
    from .docker_backend import DockerLauncher

    return DockerLauncher(config.packages, config.runtime, config.image)


def _create(config: SandboxConfig) -> CodeSandbox:
    """Pool, then engine, then cache: what is remembered is not asked, what is easy is not forked."""
    sandbox: CodeSandbox = PooledSandbox(
        make_launcher(config), config.workers, recycle_after=config.recycle, hash_seeds=config.hash_seeds
    )
    if config.engine == "auto":
        from .monty import MontySandbox

        sandbox = MontySandbox(sandbox, workers=config.workers)
    return CachingSandbox(sandbox, config.cache) if config.cache else sandbox


def describe() -> list[tuple[str, str, str]]:
    """What each layer of this package looks like here: its name, its state, and what to type (empty when all is well)."""
    from .docker_engine import docker_available, image_present

    reason = docker_available()
    rows = [("docker engine", "answers" if reason is None else reason, "" if reason is None else "dockerd &")]
    if reason is None:
        try:
            state = "present" if image_present() else "built on first use, in seconds, without a registry"
        except SandboxUnavailable as error:
            state = str(error)
        rows.append(("sandbox image", state, ""))
    rows += [_describe_layers(name) for name in (["docker"] if reason is None else []) + ["process"]]
    rows.append(("sandbox='auto' takes", "docker" if reason is None else "process", ""))
    return rows


def _describe_layers(backend: str) -> tuple[str, str, str]:
    """The isolation that a worker of this backend reports, by starting one."""
    name = f"{backend} isolation"
    try:
        sandbox = PooledSandbox(make_launcher(backend), 1)
    except SandboxUnavailable as error:
        return name, str(error), ""
    try:
        sandbox.run([Job(program="def f():\n    return 1", calls=("",))])
        return name, "active: " + ", ".join(sandbox.stats().layers), ""
    except SandboxUnavailable as error:
        return name, str(error), f"--sandbox {backend}:unsafe" if backend == "process" else ""
    finally:
        sandbox.close()


def _automatic() -> str:
    """What `auto` means here: asked once, so that a process does not change backends on the way."""
    key = (os.getpid(), os.environ.get("DOCKER_HOST"))
    if key not in _choice:
        from .docker_engine import docker_available

        _choice[key] = "docker" if docker_available() is None else "process"
    return _choice[key]


@atexit.register
def _close_all() -> None:
    for (owner, _), sandbox in list(_open.items()):
        if owner == os.getpid():
            sandbox.close()
