"""Names, sharing, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sandboxes import SandboxUnavailable, describe, open_sandbox


def test_unknown_names_are_listed() -> None:
    with pytest.raises(ValueError, match="auto, docker, process"):
        open_sandbox("podman")
    with pytest.raises(ValueError, match="at least 1"):
        open_sandbox("process", 0)


def test_instances_are_shared_until_closed() -> None:
    first = open_sandbox("process", 3)
    assert open_sandbox("process", 3) is first
    first.close()
    second = open_sandbox("process", 3)
    assert second is not first
    second.close()


def test_auto_falls_back_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    assert open_sandbox("auto", 5).name == "process"
    with pytest.raises(SandboxUnavailable, match="No Docker engine"):
        open_sandbox("docker", 5)
    assert describe()[-1].state == "process"
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(SandboxUnavailable, match=r"tcp://127.0.0.1:1.*refused.*unset DOCKER_HOST"):
        open_sandbox("docker", 5)


def test_importing_loads_nothing_heavy_and_says_nothing() -> None:
    script = "import sys, sandboxes; print(sorted({'docker', 'requests', 'numpy', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
