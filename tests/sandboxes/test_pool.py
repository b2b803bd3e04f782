"""Life and death of workers: requeueing, closing, threads, and nothing left behind; on both backends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandboxes import CallOutcome, CodeSandbox, Job, Limits, SandboxUnavailable, Status, open_sandbox
from sandboxes.opening import make_launcher
from sandboxes.pool import PooledSandbox
from sandboxes.process import ProcessLauncher

Opener = Callable[[str, int], CodeSandbox]
ADD = "def f(a, b=1):\n    return a + b"


def _workers(connected_to: int | None = None) -> list[int]:
    """The process ids of all worker programs on this machine that are children of `connected_to`."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == (connected_to or os.getpid()) and b"sandboxes.worker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (OSError, IndexError):
            continue
    return found


def test_verdicts_do_not_depend_on_grouping_or_worker(sandbox: CodeSandbox) -> None:
    program = "def f(x):\n    return list({str(x), 'a', 'b', 'c'}), 1 // x"
    calls = tuple(str(x) for x in range(8))
    [together] = sandbox.run([Job(program=program, calls=calls)])
    apart = sandbox.run([Job(program=program, calls=(text,)) for text in calls])
    assert list(together.calls) == [outcome.calls[0] for outcome in apart]


def test_no_jobs_and_no_calls(sandbox: CodeSandbox) -> None:
    assert sandbox.run([]) == []
    [outcome] = sandbox.run([Job(program="", calls=())])
    assert (outcome.status, outcome.calls) == (Status.OK, ())


def test_threads_take_turns(sandbox: CodeSandbox) -> None:
    answers: dict[int, list[str | None]] = {}

    def ask(base: int) -> None:
        jobs = [Job(program=ADD, calls=(f"{base}, {i}",)) for i in range(10)]
        answers[base] = [outcome.calls[0].value for outcome in sandbox.run(jobs)]

    threads = [threading.Thread(target=ask, args=(base,)) for base in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == {base: [str(base + i) for i in range(10)] for base in (100, 200, 300)}


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


@pytest.mark.docker
def test_jobs_of_a_killed_container_run_again(docker_engine: None) -> None:
    from sandboxes import docker_backend, docker_engine

    client = docker_engine.connect()
    sandbox = PooledSandbox(docker_backend.DockerLauncher(), 1)
    try:

        def running() -> set[str]:
            found = client.containers.list(filters={"label": docker_engine.OWNER_LABEL}, ignore_removed=True)
            return {container.id for container in found}

        before = running()
        sandbox.run([Job(program=ADD, calls=("1",))])
        [mine] = running() - before
        killer = threading.Timer(0.2, lambda: client.api.kill(mine))
        killer.start()
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.6)\n    return x", calls=("1",), limits=Limits(idle_s=4))
        outcomes = sandbox.run([slow, Job(program=ADD, calls=("1",))])
        killer.join()
        assert [outcome.calls[0].value for outcome in outcomes] == ["1", "2"]
    finally:
        sandbox.close()
        client.close()


def test_a_job_that_loses_two_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandboxes.link._WALL_FACTOR", 0)
    monkeypatch.setattr("sandboxes.link._SLACK_S", 0.3)
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        slow = Job(program="import time\ndef f(x):\n    time.sleep(2)\n    return x", calls=("1", "2"), limits=Limits(idle_s=4))
        lost, fine = sandbox.run([slow, Job(program=ADD, calls=("1",))])
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
            patched.setattr("sandboxes.batch.settle", break_down)
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
        cancelled = sandbox.submit([slow] * 100)
        after = sandbox.submit([Job(program=ADD, calls=("41",))])
        time.sleep(0.1)
        assert cancelled.cancel()
        assert after.result(10)[0].calls[0].value == "42"
        assert sandbox.stats().queued == 0
    finally:
        sandbox.close()


def test_an_interrupted_caller_leaves_no_work_behind() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        sandbox.run([Job(program=ADD, calls=("1",))])
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.2)\n    return x", calls=("1",))
        threading.Timer(0.3, signal.pthread_kill, (threading.get_ident(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            sandbox.run([slow] * 100)
        started = time.monotonic()
        assert sandbox.run([Job(program=ADD, calls=("41",))])[0].calls[0].value == "42"
        assert time.monotonic() - started < 10  # not the hundred naps
    finally:
        signal.signal(signal.SIGINT, before)
        sandbox.close()


def test_a_short_batch_does_not_wait_for_a_long_one() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        slow = Job(program="import time\ndef f(x):\n    time.sleep(0.05)\n    return x", calls=("1",))
        long = sandbox.submit([slow] * 100)
        assert sandbox.submit([Job(program=ADD, calls=("41",))]).result(10)[0].calls[0].value == "42"
        assert not long.done()
        assert sandbox.stats().queued > 10
        long.cancel()
    finally:
        sandbox.close()


def test_a_coroutine_can_wait_for_outcomes(sandbox: CodeSandbox) -> None:
    async def ask(number: int) -> str | None:
        [outcome] = await asyncio.wrap_future(sandbox.submit([Job(program=ADD, calls=(str(number),))]))
        return outcome.calls[0].value

    async def ask_all() -> list[str | None]:
        return await asyncio.gather(*(ask(number) for number in range(20)))

    assert asyncio.run(ask_all()) == [str(number + 1) for number in range(20)]


def test_submitting_waits_for_room() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1, max_held=3)
    try:
        nap = Job(program="import time\ndef f(x):\n    time.sleep(0.1)\n    return x", calls=("1",))
        first = sandbox.submit([nap] * 5)  # more than fits, but nothing else is held
        second = sandbox.submit([nap])
        assert first.done()
        assert second.result(10)[0].calls[0].value == "1"
    finally:
        sandbox.close()


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


def test_a_worker_that_fails_the_canary_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandboxes.link._CANARY_OUTCOME", CallOutcome(status=Status.OK, value="another"))
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    try:
        with pytest.raises(SandboxUnavailable, match="canary"):
            sandbox.run([Job(program=ADD, calls=("1",))])
    finally:
        sandbox.close()


def test_closing_fails_what_is_under_way() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1)
    nap = Job(program="import time\ndef f(x):\n    time.sleep(0.3)\n    return x", calls=("1",))
    future = sandbox.submit([nap] * 10)
    sandbox.close()
    with pytest.raises(SandboxUnavailable, match="closed"):
        future.result(10)


def test_close_leaves_no_process() -> None:
    before = set(_workers())
    sandbox = PooledSandbox(ProcessLauncher(), 2)
    sandbox.run([Job(program="def f(x):\n    return sorted({x: hash(x)})", calls=("1",), determinism=True)] * 2)
    assert 8 <= len(set(_workers()) - before) <= 9  # one or two, and one for each other hash seed
    sandbox.close()
    sandbox.close()
    assert set(_workers()) == before
    with pytest.raises(SandboxUnavailable):
        sandbox.run([])


@pytest.mark.docker
def test_close_leaves_no_container_and_the_dead_are_swept(docker_engine: None) -> None:
    from sandboxes import docker_backend, docker_engine

    client = docker_engine.connect()
    try:
        label = docker_engine.OWNER_LABEL

        def owners() -> list[str]:
            found = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
            return [container.labels[label] for container in found]

        launcher = docker_backend.DockerLauncher()
        sandbox = PooledSandbox(launcher, 1)
        count = owners().count(docker_engine.owner(os.getpid()))
        sandbox.run([Job(program=ADD, calls=("1",))])
        assert owners().count(docker_engine.owner(os.getpid())) == count + 1
        dead = f"{docker_engine._namespace()} {os.getpid()} 1"
        client.containers.create(image=launcher._image, command="python", labels={label: dead}, network_mode="none")
        docker_backend.DockerLauncher().close()
        assert dead not in owners()
        sandbox.close()
        assert owners().count(docker_engine.owner(os.getpid())) == count
    finally:
        client.close()


def test_workers_end_with_a_trainer_that_is_killed() -> None:
    script = (
        "from sandboxes import *\nimport os, threading\ns = open_sandbox('process:cache=0', 1)\n"
        "s.run([Job(program='def f(): return 1', calls=('',))])\nprint(s.worker_processes(), flush=True)\n"
        "s.run([Job(program='def f():\\n while True: pass', calls=('',), limits=Limits(cpu_s=50, wall_s=100))])"
    )
    trainer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert trainer.stdout is not None
    [worker] = eval(trainer.stdout.readline())
    time.sleep(0.3)
    trainer.kill()
    trainer.wait()
    trainer.stdout.close()
    give_up_at = time.monotonic() + 10
    while Path(f"/proc/{worker}").exists() and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


def test_a_forked_copy_neither_uses_nor_ends_the_workers(sandbox: CodeSandbox) -> None:
    sandbox.run([Job(program=ADD, calls=("1",))])
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            sandbox.close()
            sandbox.run([])
        except SandboxUnavailable:
            os.write(write, b"refused")
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    assert os.read(read, 10) == b"refused"
    os.close(read)
    assert sandbox.run([Job(program=ADD, calls=("1",))])[0].calls[0].value == "2"


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_one_worker_is_enough(opener: Opener, name: str) -> None:
    sandbox = opener(name, 1)
    outcomes = sandbox.run([Job(program=ADD, calls=(str(i),), determinism=True) for i in range(5)])
    assert [outcome.calls[0].value for outcome in outcomes] == [str(i + 1) for i in range(5)]


@pytest.mark.docker
def test_both_backends_give_the_same_verdicts(opener: Opener) -> None:
    programs = [
        "def f(x):\n    return x",
        "import string, datetime, hashlib, ipaddress\ndef f(x):\n    return hashlib.md5(str(x).encode()).hexdigest()",
        "def f(x):\n    return list({'a', 'b', str(x)})",
        "def f(x):\n    return x[0]",
        "import numpy\ndef f(x):\n    return x",
        "def f(x):\n    return object()",
        "def f(x):\n    while x: pass",
        "def f(x): return (",
        "import decimal\ndef f(x):\n    return str(decimal.Decimal(x) / 3)",
    ]
    calls = ("0", "[1, 2]", "'text'", "x=3", "[")
    jobs = [Job(program=text, calls=calls, limits=Limits(cpu_s=0.1, wall_s=1)) for text in programs]
    opener("docker", 2)  # skips where no engine answers
    here, there = (open_sandbox(f"{name}:cache=0,hash-seeds=1+2+3+4+5+6+7+8", 2) for name in ("process", "docker"))
    assert here.run(jobs) == there.run(jobs)
