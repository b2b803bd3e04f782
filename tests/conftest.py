"""Fixtures that several packages' tests share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from sandboxes import CodeSandbox, open_sandbox
from selfplay_envs import Referee
from selfplay_envs.verifiers.reference.outputs import forget_outputs
from tests.helpers.engine import need_docker

settings.register_profile("selfplay", deadline=None)  # a busy machine is not a failure
settings.load_profile("selfplay")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[CodeSandbox]:
    """The process sandbox, shared by the whole session."""
    return open_sandbox("process:cache=0")


@pytest.fixture
def referee(sandbox: CodeSandbox) -> Referee:
    """A referee with the process sandbox and the rules judge."""
    return Referee(sandbox)


@pytest.fixture
def docker_engine() -> None:
    """For tests of Docker alone."""
    need_docker()


@pytest.fixture
def foreground() -> Iterator[None]:
    """Ctrl-C as in a shell's foreground, here and in processes that the test starts: in its background all ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's folder of caches, empty, and no outputs of references in memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget_outputs()
    yield tmp_path
    forget_outputs()
