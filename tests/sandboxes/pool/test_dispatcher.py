"""The dispatcher: requeueing, giving up, cancelling, turns; on the process backend."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from sandboxes import CodeSandbox, Job, Limits, SandboxUnavailable, Status
from sandboxes.backends.process import ProcessLauncher
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.registry import make_launcher
from tests.helpers.canaries import PROBE

Opener = Callable[[str, int], CodeSandbox]


ADD = "def f(a, b=1):\n    return a + b"


def test_jobs_of_a_killed_worker_run_again() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 2)
    try:
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.5)\n    return x", calls=("1",), limits=Limits(idle_s=4))
        sandbox.run([Job(program=ADD, calls=("1",))] * 4)
        mine = sandbox.worker_processes()
        killer = threading.Timer(0.2, lambda: [os.kill(pid, signal.SIGKILL) for pid in mine])
        killer.start()
        outcomes = sandbox.run([slow, slow, Job(program=ADD, calls=("1",)), Job(program=ADD, calls=("2",))])
        killer.join()
        assert [outcome.calls[0].value for outcome in outcomes] == ["1", "1", "2", "3"]
    finally:
        sandbox.close()


def test_a_job_that_loses_two_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandboxes.pool.connection._WALL_FACTOR", 0.1)
    monkeypatch.setattr("sandboxes.pool.connection._SLACK_S", 0)
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        nap = "import time\ndef f(x):\n    time.sleep(2)\n    return x"
        slow = Job(program=nap, calls=("1", "2"), limits=Limits(wall_s=3, idle_s=4))  # 0.3 seconds, and the next has a minute
        lost, fine = sandbox.run([slow, Job(program=ADD, calls=("1",), limits=Limits(wall_s=600))])
        assert [result.status for result in lost.calls] == [Status.WORKER_LOST] * 2
        assert fine.calls[0].value == "2"
    finally:
        sandbox.close()


def test_an_error_of_the_sandbox_leaves_no_stale_replies(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:

        def break_down(*_: object) -> None:
            raise ZeroDivisionError("a mistake of ours")

        with monkeypatch.context() as patched:
            patched.setattr("sandboxes.pool.batch.settle", break_down)
            with pytest.raises(ZeroDivisionError):
                sandbox.run([Job(program=ADD, calls=(str(i),)) for i in range(5)])
        [outcome] = sandbox.run([Job(program=ADD, calls=("41",))])
        assert outcome.calls[0].value == "42"
    finally:
        sandbox.close()


def test_a_cancelled_batch_is_dropped_and_the_next_one_is_right() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.2)\n    return x", calls=("1",))
        cancelled = sandbox.submit([slow] * 1_000)
        after = sandbox.submit([Job(program=ADD, calls=("41",))])
        time.sleep(0.1)
        assert cancelled.cancel()
        assert after.result(100)[0].calls[0].value == "42"  # not after the thousand naps, which take twice as long
        assert sandbox.stats().queued == 0
    finally:
        sandbox.close()


@pytest.mark.usefixtures("foreground")
def test_an_interrupted_caller_leaves_no_work_behind() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        sandbox.run([Job(program=ADD, calls=("1",))])
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.2)\n    return x", calls=("1",))

        def interrupted() -> None:  # whenever the signal comes, it comes in here
            threading.Timer(0.3, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
            sandbox.run([slow] * 1_000)

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        started = time.monotonic()
        assert sandbox.run([Job(program=ADD, calls=("41",))])[0].calls[0].value == "42"
        assert time.monotonic() - started < 100  # not the thousand naps
    finally:
        sandbox.close()


def test_a_short_batch_does_not_wait_for_a_long_one() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.05)\n    return x", calls=("1",))
        long = sandbox.submit([slow] * 2_000)
        assert sandbox.submit([Job(program=ADD, calls=("41",))]).result(90)[0].calls[0].value == "42"
        assert not long.done()
        assert sandbox.stats().queued > 10
        long.cancel()
    finally:
        sandbox.close()


def test_closing_fails_what_is_under_way() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    nap = Job(program="import time\ndef f(x):\n    time.sleep(0.3)\n    return x", calls=("1",))
    future = sandbox.submit([nap] * 1_000)
    sandbox.close()
    with pytest.raises(SandboxUnavailable, match="closed"):
        future.result(10)


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_hanging_batches_that_are_cancelled_or_outlive_their_worker(opener: Callable[..., CodeSandbox], name: str) -> None:
    opener(name, 1)  # skips where no engine answers
    nap = "import time\ndef f():\n    time.sleep(300)"
    hang, long = (Job(program=nap, calls=("",), limits=Limits(cpu_s=0.1, wall_s=4 * s, idle_s=s)) for s in (0.25, 1))
    sandbox = PooledSandbox(make_launcher(name), 1, recycle_after=3, max_in_flight=8)
    try:
        sandbox.run([PROBE])
        futures = [sandbox.submit([long] * 4) for _ in range(2)]
        assert futures[0].cancel()
        assert futures[1].cancel()
        started = time.monotonic()
        values = [outcome.calls[0].value for outcome in sandbox.run([PROBE, hang, PROBE, hang, PROBE])]
        assert values == ["[(4, 2.0)]", None] * 2 + ["[(4, 2.0)]"]
        assert time.monotonic() - started < 100  # those in flight run to their limits, the rest is never sent
        stats = sandbox.stats()
        assert stats.lost == 0
        assert stats.recycled >= 1
    finally:
        sandbox.close()
