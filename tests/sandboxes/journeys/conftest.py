"""Fixtures of the journeys: an arena for hostile programs, canaries, and one attack at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from sandboxes import CallOutcome, CodeSandbox, Status
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.registry import make_launcher
from tests.helpers.arena import Arena, Face
from tests.helpers.canaries import Host, program, set_out
from tests.helpers.waiting import PATIENCE_S


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def arena(request: pytest.FixtureRequest) -> Iterator[Arena]:
    request.getfixturevalue("opener")(request.param, 1)  # skips where no engine answers
    sandbox = PooledSandbox(make_launcher(request.param), 1)
    try:
        with set_out() as host:
            yield Arena(sandbox, host)
    finally:
        sandbox.close()


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A secret file, listening sockets, and a process that may be killed."""
    with set_out() as canaries:
        yield canaries


@pytest.fixture
def face(call: Callable[..., CallOutcome], sandbox: CodeSandbox, host: Host) -> Iterator[Face]:
    """Runs one attack, then an honest job, and says what became of it; fails if a worker was lost, or a canary noticed."""
    before, lost, started = host.state(), sandbox.stats().lost, time.monotonic()

    def run(body: str, *, text: str = "", **limits: float) -> str:
        outcome = call(text or program(body), host.describe(), **limits)
        return outcome.value if outcome.status is Status.OK and outcome.value else f"{outcome.status}: {outcome.error}"

    yield run
    assert (host.state(), host.visitors(), host.victim.poll()) == (before, [], None)
    assert sandbox.stats().lost == lost
    assert time.monotonic() - started < PATIENCE_S
