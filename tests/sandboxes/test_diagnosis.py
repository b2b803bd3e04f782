"""The description of this machine: what works, and what helps where something does not."""

from __future__ import annotations

import pytest

from sandboxes import Component, SandboxUnavailable, describe
from sandboxes.backends.process import ProcessLauncher
from sandboxes.core.launcher import Started


def _by_name() -> dict[str, Component]:
    return {component.name: component for component in describe()}


def test_without_an_engine_the_process_backend_is_what_auto_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    components = _by_name()
    assert list(components) == ["docker engine", "process isolation", "sandbox='auto' takes"]
    engine, process, automatic = components.values()
    assert (engine.works, engine.remedy) == (False, "dockerd &")
    assert "No Docker engine at /no/such/socket" in engine.state
    assert process.works
    assert process.state.startswith("active: limits, ")
    assert (automatic.works, automatic.state) == (True, "process")


def test_a_backend_that_does_not_isolate_comes_with_an_alternative(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: ProcessLauncher, hash_seed: int) -> Started:
        raise SandboxUnavailable("active: nothing at all")  # whatever its words are

    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    monkeypatch.setattr(ProcessLauncher, "start", refuse)
    process = _by_name()["process isolation"]
    assert process == Component("process isolation", False, "active: nothing at all", alternative="process:unsafe")


@pytest.mark.docker
def test_with_an_engine_image_and_containers_are_described(docker_engine: None) -> None:
    components = _by_name()
    assert all(component.works for component in components.values())
    assert components["sandbox image"].state in ("present", "built on first use, in seconds, without a registry")
    assert "container" in components["docker isolation"].state
    assert components["sandbox='auto' takes"].state == "docker"
