"""Fixtures that several packages' tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from sandboxes import CodeSandbox, open_sandbox
from selfplay_envs import Referee
from tests.engine import need_docker

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
