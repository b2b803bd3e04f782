"""Both backends as one fixture; Docker's half is skipped, with the reason, where no engine answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandboxes import CallOutcome, CodeSandbox, Job, Limits, open_sandbox
from tests.helpers.engine import need_docker

BACKENDS = [pytest.param("process"), pytest.param("docker", marks=pytest.mark.docker)]


def open_or_skip(name: str, workers: int) -> CodeSandbox:
    """The named sandbox; skips the test when it is Docker and there is none."""
    if name == "docker":
        need_docker()
    return open_sandbox(f"{name}:cache=0", workers)  # a remembered probe would prove nothing


@pytest.fixture(scope="session")
def opener() -> Callable[[str, int], CodeSandbox]:
    """`open_or_skip`, for tests that want a sandbox of their own."""
    return open_or_skip


@pytest.fixture(scope="session", params=BACKENDS)
def sandbox(request: pytest.FixtureRequest) -> CodeSandbox:
    """One warm sandbox of each kind for the whole session: tests also show that no program spoils it for the next.

    It is the shared instance, which other tests may hold too, so nobody closes it before the process ends.
    """
    return open_or_skip(request.param, 2)


Call = Callable[..., CallOutcome]


@pytest.fixture
def call(sandbox: CodeSandbox) -> Call:
    """Runs one call of one program under small limits, then an honest job, which must be right whatever came before."""

    def run(program: str, arguments: str = "", *, determinism: bool = False, **limits: float) -> CallOutcome:
        chosen = Limits(**({"cpu_s": 0.3, "wall_s": 4.0} | limits))  # pyright: ignore[reportArgumentType]
        probe = Job(program="import math\ndef f(x):\n    return sorted({x: math.sqrt(x)}.items())", calls=("4",))
        job = Job(program=program, calls=(arguments,), limits=chosen, determinism=determinism)
        outcome, after = sandbox.run([job, probe])
        assert after.calls[0].value == "[(4, 2.0)]"
        return outcome.calls[0]

    return run
