"""Which sandbox answers a job that names packages."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from sandboxes import CallOutcome, Job, Outcome, SandboxError, SandboxUnavailable, ScriptedSandbox, Status, check_packages
from sandboxes.config import SandboxConfig
from sandboxes.registry import _create
from sandboxes.routing import RoutingSandbox


class Named(ScriptedSandbox):
    """Answers each job with its own name and the job's program; each batch waits for `release` if it is slow."""

    def __init__(self, packages: tuple[str, ...] = (), slow: bool = False) -> None:
        super().__init__(lambda job: Outcome.of([CallOutcome(status=Status.OK, value=f"{'+'.join(packages)}:{job.program}")]))
        self.packages = packages
        self.closed = False
        self.slow = slow
        self.waiting: list[Future[list[Outcome]]] = []

    def submit(self, jobs: list[Job]) -> Future[list[Outcome]]:  # type: ignore[override]
        future = super().submit(jobs)
        if not self.slow:
            return future
        self.waiting.append(Future())
        return self.waiting[-1]

    def close(self) -> None:
        self.closed = True


def make(own: tuple[str, ...] = (), slow: bool = False) -> tuple[RoutingSandbox, Named, list[Named]]:
    home, siblings = Named(own, slow), list[Named]()

    def open_sibling(packages: tuple[str, ...]) -> Named:
        if "missing" in packages:
            raise SandboxUnavailable("type `pip install missing`.")
        siblings.append(Named(packages, slow))
        return siblings[-1]

    return RoutingSandbox(home, own, open_sibling), home, siblings


def job(program: str, *packages: str) -> Job:
    return Job(program=program, calls=("",), packages=packages)


def values(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.calls[0].value for outcome in outcomes]


def test_a_mixed_batch_keeps_its_order_and_each_job_its_packages() -> None:
    sandbox, home, siblings = make(own=("numpy",))
    batch = [
        job("1"),
        job("2", "b"),
        job("3"),
        job("4", "c", "B"),
        job("5", "numpy"),
        job("6", "b", "NumPy"),
        job("7", "b", "c"),
    ]
    expected = ["numpy:1", "b+numpy:2", "numpy:3", "b+c+numpy:4", "numpy:5", "b+numpy:6", "b+c+numpy:7"]
    assert values(sandbox.run(batch)) == expected
    assert values(sandbox.run(batch)) == expected
    assert [sibling.packages for sibling in siblings] == [("b", "numpy"), ("b", "c", "numpy")]  # opened once
    assert sandbox.stats().jobs == 14
    assert len(home.jobs) == 6
    sandbox.close()
    assert home.closed
    assert all(sibling.closed for sibling in siblings)


def test_jobs_without_packages_go_home_as_they_are() -> None:
    sandbox, home, siblings = make(slow=True)
    assert sandbox.submit([job("1"), job("2")]) is home.waiting[0]
    assert siblings == []


def test_what_is_not_installed_is_said_before_any_job_runs() -> None:
    sandbox, home, siblings = make()
    future = sandbox.submit([job("1"), job("2", "b"), job("3", "missing")])
    assert isinstance(future.exception(), SandboxUnavailable)
    assert home.jobs == []
    assert [sibling.jobs for sibling in siblings] == [[]]
    assert values(sandbox.run([job("1")])) == [":1"]


def test_cancelling_and_failing_reach_every_part() -> None:
    sandbox, home, siblings = make(slow=True)
    batch = [job("1"), job("2", "b")]
    cancelled = sandbox.submit(batch)
    assert cancelled.cancel()
    assert home.waiting[0].cancelled()
    assert siblings[0].waiting[0].cancelled()
    failed = sandbox.submit(batch)
    siblings[0].waiting[1].set_exception(SandboxError("lost"))
    assert home.waiting[1].cancelled()  # nobody waits for it any more
    with pytest.raises(SandboxError, match="lost"):
        failed.result(1)


def test_closed_is_said_at_once() -> None:
    sandbox, home, _ = make()
    sandbox.close()
    assert sandbox.closed
    with pytest.raises(SandboxUnavailable, match="call open_sandbox again"):
        sandbox.submit([job("1", "b")])
    assert home.jobs == []


def test_a_sandbox_says_which_package_is_missing_and_goes_on() -> None:
    sandbox = _create(SandboxConfig(backend="process", workers=1, cache=0))
    try:
        with pytest.raises(
            SandboxUnavailable, match="no-such-package, which is not installed here; type `pip install no-such-"
        ):
            sandbox.run([job("def f(): return 1", "no-such-package")])
        assert values(sandbox.run([job("def f(): return 1")])) == ["1"]
    finally:
        sandbox.close()
    check_packages(["pytest"])
    with pytest.raises(SandboxUnavailable, match="pip install no-such-package"):
        check_packages(["pytest", "no-such-package"])
