"""A description of this machine: which parts of this package work here, and what helps where one does not."""

from __future__ import annotations

from dataclasses import dataclass

from .backends.docker_engine import docker_available, image_present
from .core.errors import SandboxUnavailable
from .core.types import Job
from .pool.sandbox import PooledSandbox
from .registry import make_launcher


@dataclass(frozen=True, slots=True)
class Component:
    """One part of this package, as it is on this machine."""

    name: str
    works: bool
    state: str
    """In words."""
    remedy: str = ""
    """A command to type where it does not work; empty where there is nothing to do, or where `state` says it."""
    alternative: str = ""
    """A sandbox text that serves all the same, at a risk that `state` names; empty where there is none."""


def describe() -> list[Component]:
    """Every part of this package, as it is here; starts a worker of each backend."""
    reason = docker_available()
    components = [Component("docker engine", reason is None, reason or "answers", "" if reason is None else "dockerd &")]
    if reason is None:
        components += [_describe_image(), _describe_isolation("docker")]
    components.append(_describe_isolation("process"))
    components.append(Component("sandbox='auto' takes", True, "docker" if reason is None else "process"))
    return components


def _describe_image() -> Component:
    """Whether the engine has the image of this interpreter."""
    name = "sandbox image"
    try:
        present = image_present()
    except SandboxUnavailable as error:
        return Component(name, False, str(error))
    return Component(name, True, "present" if present else "built on first use, in seconds, without a registry")


def _describe_isolation(backend: str) -> Component:
    """The isolation that a worker of this backend reports, by starting one."""
    name = f"{backend} isolation"
    try:
        sandbox = PooledSandbox(make_launcher(backend), 1)
    except SandboxUnavailable as error:
        return Component(name, False, str(error))
    try:
        sandbox.run([Job(program="def f():\n    return 1", calls=("",))])
        return Component(name, True, "active: " + ", ".join(sandbox.stats().layers))
    except SandboxUnavailable as error:
        return Component(name, False, str(error), alternative=f"{backend}:unsafe" if backend == "process" else "")
    finally:
        sandbox.close()
