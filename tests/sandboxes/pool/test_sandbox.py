"""The callers' side of a pool: grouping, threads, coroutines, back-pressure, closing, forking."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandboxes import CodeSandbox, Job, SandboxUnavailable, Status
from sandboxes.backends.process import ProcessLauncher
from sandboxes.pool.sandbox import PooledSandbox
from tests.helpers.waiting import PATIENCE_S, wait_for

Opener = Callable[[str, int], CodeSandbox]


ADD = "def f(a, b=1):\n    return a + b"


def _workers(connected_to: int | None = None) -> list[int]:
    """The process ids of all worker programs on this machine that are children of `connected_to`."""
    workers: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if (
                int(fields[1]) == (connected_to or os.getpid())
                and b"sandboxes.worker.main" in (folder / "cmdline").read_bytes()
            ):
                workers.append(int(folder.name))
        except (OSError, IndexError):
            continue
    return workers


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
        thread.join()
    assert answers == {base: [str(base + i) for i in range(10)] for base in (100, 200, 300)}


def test_a_coroutine_can_wait_for_outcomes(sandbox: CodeSandbox) -> None:
    async def ask(number: int) -> str | None:
        [outcome] = await asyncio.wrap_future(sandbox.submit([Job(program=ADD, calls=(str(number),))]))
        return outcome.calls[0].value

    async def ask_all() -> list[str | None]:
        return await asyncio.gather(*(ask(number) for number in range(20)))

    assert asyncio.run(ask_all()) == [str(number + 1) for number in range(20)]


def test_submitting_waits_for_room() -> None:
    sandbox = PooledSandbox(ProcessLauncher(), 1, max_in_flight=3)
    try:
        nap = Job(program="import time\ndef f(x):\n    time.sleep(0.1)\n    return x", calls=("1",))
        first = sandbox.submit([nap] * 5)  # more than fits, but nothing else is held
        second = sandbox.submit([nap])
        assert first.done()
        assert second.result(PATIENCE_S)[0].calls[0].value == "1"
    finally:
        sandbox.close()


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


def test_workers_end_with_a_trainer_that_is_killed() -> None:
    script = (
        "from sandboxes import *\nfrom sandboxes.backends.process import ProcessLauncher\n"
        "from sandboxes.pool.sandbox import PooledSandbox\ns = PooledSandbox(ProcessLauncher(), 1)\n"
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
    assert wait_for(lambda: not Path(f"/proc/{worker}").exists())


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
