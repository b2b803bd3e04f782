"""Workers: started in the background, recycled after their share; starting threads only post events."""

from __future__ import annotations

import selectors
from collections.abc import Callable

import pytest

from sandboxes import CodeSandbox, Job
from sandboxes.backends.process import ProcessLauncher
from sandboxes.core.launcher import Started
from sandboxes.pool.inbox import Inbox
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.pool.workers import WorkerNotStarted, WorkerSet, WorkerStarted
from sandboxes.registry import make_launcher
from tests.helpers.waiting import PATIENCE_S

Opener = Callable[[str, int], CodeSandbox]


ADD = "def f(a, b=1):\n    return a + b"


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_workers_are_recycled_and_no_verdict_is_lost_or_given_twice(opener: Opener, name: str) -> None:
    opener(name, 1)  # skips where there is no engine
    sandbox = PooledSandbox(make_launcher(name), 2, recycle_after=20)
    try:
        outcomes = sandbox.run([Job(program=ADD, calls=(str(i),)) for i in range(300)])
        assert [outcome.calls[0].value for outcome in outcomes] == [str(i + 1) for i in range(300)]
        stats = sandbox.stats()
        assert stats.recycled >= 300 // 20 - 3
        assert (stats.jobs, stats.calls, stats.lost, stats.requeued) == (300, 300, 0, 0)
    finally:
        sandbox.close()


class _Broken:
    """A launcher whose workers never start."""

    name = "broken"

    def start(self, hash_seed: int) -> Started:
        raise OSError(f"no room for {hash_seed}")

    def close(self) -> None:
        """Nothing is shared."""


def _await_event(inbox: Inbox) -> object:
    with selectors.DefaultSelector() as selector:
        selector.register(inbox, selectors.EVENT_READ)
        assert selector.select(PATIENCE_S)
        selector.unregister(inbox)
    inbox.reset()
    [event] = inbox.take()
    return event


def test_a_worker_is_up_once_its_event_was_read() -> None:
    inbox, selector = Inbox(), selectors.DefaultSelector()
    workers = WorkerSet(ProcessLauncher(), (7, 8), (1, 1), 0, selector, inbox)
    workers.start_worker(1)
    workers.start_worker(1)  # one is on its way, no other is allowed
    event = _await_event(inbox)
    assert isinstance(event, WorkerStarted)
    assert list(workers) == []
    assert workers.free_worker(1) is None
    workers.on_started(event)
    assert list(workers) == [event.connection]
    assert event.connection in workers
    assert (workers.free_worker(0), workers.free_worker(1)) == (None, event.connection)
    assert workers.counts == {"started": 1}
    workers.stop_all()
    assert list(workers) == []
    workers.await_starting()
    selector.close()
    inbox.close()


def test_a_start_that_fails_is_an_event_and_says_whether_any_worker_is_left() -> None:
    inbox, selector = Inbox(), selectors.DefaultSelector()
    workers = WorkerSet(_Broken(), (7, 8), (1, 1), 0, selector, inbox)
    workers.start_worker(1)
    event = _await_event(inbox)
    assert isinstance(event, WorkerNotStarted)
    assert event.seed == 1
    assert "A worker of the broken sandbox did not start: OSError('no room for 8')" in str(event.error)
    assert workers.on_start_failed(event)
    workers.start_worker(1)
    workers.await_starting()
    selector.close()
    inbox.close()
