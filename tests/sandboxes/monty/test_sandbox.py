"""The fast engine in front of another sandbox: who answers what, hostile programs, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from sandboxes import CallOutcome, CodeSandbox, Job, Limits, Outcome, SandboxError, SandboxUnavailable, ScriptedSandbox, Status
from sandboxes.monty.sandbox import MontySandbox
from tests.helpers.waiting import wait_for

ADD = "def f(a, b=1):\n    return a + b"


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_monty", None)
    with pytest.raises(SandboxUnavailable, match=r'pip install "selfplay\[monty\]"'):
        MontySandbox(ScriptedSandbox([]))


def test_importing_does_not_import_the_package() -> None:
    code = "import sys, sandboxes, sandboxes.monty; print('pydantic_monty' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


pytest.importorskip("pydantic_monty")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five times as long for the engine as it has otherwise: whom it answers is asked here, and a busy machine is no answer."""
    monkeypatch.setattr("sandboxes.monty.engine._TIME_S", 0.5)
    monkeypatch.setattr("sandboxes.monty.engine._TIME_SHARE", 2)


def by_inner(job: Job) -> Outcome:
    return Outcome.of([CallOutcome(status=Status.EXCEPTION, error=f"inner {text}") for text in job.calls])


def engine_processes(parent: int | None = None) -> set[int]:
    """The engine's processes that are children of `parent`."""
    processes: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == (parent or os.getpid()) and b"monty\0subprocess" in (folder / "cmdline").read_bytes():
                processes.add(int(folder.name))
        except (OSError, IndexError):
            continue
    return processes


@pytest.fixture(scope="module")
def others() -> set[int]:
    """Engines of sandboxes that other tests share and leave open: none of our business."""
    return engine_processes()


@pytest.fixture
def scripted() -> Iterator[tuple[MontySandbox, ScriptedSandbox]]:
    inner = ScriptedSandbox(by_inner)
    sandbox = MontySandbox(inner, workers=2)
    yield sandbox, inner
    sandbox.close()


@pytest.fixture(scope="module")
def both(others: set[int]) -> Iterator[tuple[MontySandbox, CodeSandbox]]:
    """A sandbox with the engine, and the one inside it."""
    from sandboxes.backends.process import ProcessLauncher
    from sandboxes.pool.sandbox import PooledSandbox

    inner = PooledSandbox(ProcessLauncher(), 2)
    sandbox = MontySandbox(inner, workers=2)
    yield sandbox, inner
    sandbox.close()


Scripted = tuple[MontySandbox, ScriptedSandbox]
Both = tuple[MontySandbox, CodeSandbox]


def test_name_and_arguments() -> None:
    assert MontySandbox(ScriptedSandbox([])).name == "scripted+monty"
    with pytest.raises(ValueError, match="workers=0"):
        MontySandbox(ScriptedSandbox([]), workers=0)


def test_what_the_engine_answers_nobody_else_is_asked(scripted: Scripted) -> None:
    sandbox, inner = scripted
    [outcome] = sandbox.run([Job(program=ADD, calls=("1", "2, b=3", "[1], [True, 2.5, None]", "'a', 'é'", "1e999"))])
    assert [call.value for call in outcome.calls] == ["2", "5", "[1, True, 2.5, None]", "'aé'", "1e999"]
    assert outcome.status is Status.OK
    assert not inner.jobs
    assert sandbox.stats().engine_calls == 5


def test_the_rest_of_a_job_goes_to_the_inner_sandbox(scripted: Scripted) -> None:
    sandbox, inner = scripted
    calls = ("1", "'a'", "not a literal", "2", "'日', 'b'", "{1}", "{1.5: 2}", "3")
    outside = Job(program="import os\ndef f(x): return x", calls=("7",))
    inside = Job(program=ADD, calls=calls, determinism=True, limits=Limits(cpu_s=0.7))
    first, second, third = sandbox.run([outside, inside, Job(program=ADD, calls=("5",))])
    assert [call.error for call in first.calls] == ["inner 7"]
    assert [call.value or call.error for call in second.calls] == [
        *("2", "inner 'a'", "inner not a literal", "3", "inner '日', 'b'", "inner {1}", "inner {1.5: 2}", "4")
    ]
    assert second.status is Status.EXCEPTION
    assert third.calls[0].value == "6"
    rest = Job(program=ADD, calls=tuple(calls[i] for i in (1, 2, 4, 5, 6)), determinism=True, limits=inside.limits)
    assert inner.jobs == [outside, rest]


def test_types_are_exact(both: Both) -> None:
    sandbox, inner = both
    program = "def f(x):\n    return [x, x == 1, not x, x + 0, (x,), {'k': x}, x + 0.5, str(x), None]"
    jobs = [Job(program=program, calls=("True", "1", "1.0", "0", "-0.0", "False", "18446744073709551616"))]
    before = sandbox.stats().engine_calls
    assert sandbox.run(jobs) == inner.run(jobs)
    assert sandbox.stats().engine_calls == before + 7


@pytest.mark.parametrize(
    "job",
    [
        Job(program="", calls=()),
        Job(program=ADD, calls=()),
        Job(program="def f(x): return (", calls=("1", "2")),
        Job(program="def g(x): return x", calls=("1",)),
        Job(program=ADD, calls=("1",), entry_point="nothing"),
        Job(program="def f(x):\n    return '\ud800'", calls=("1",)),
        Job(program=ADD, calls=("'\ud800'", "1)(2", "1", "")),
        Job(program=ADD, calls=("1",) * 1_025),
        Job(program=ADD + "\n#" + "x" * 70_000, calls=("1",)),
        Job(program=ADD, calls=("1", "'" + "a" * 20_000 + "'"), limits=Limits(memory_mib=2_000)),
        Job(program="def f(n):\n    return 'é' * n", calls=("7", "8", "6"), limits=Limits(output_bytes=16)),
        Job(program="def f(x):\n    return [f]", calls=("1",)),
        Job(program="import random\ndef f(x):\n    return random.random()", calls=("1",), determinism=True),
        Job(program="seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)", calls=("1", "1"), determinism=True),
        Job(program="def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)", calls=("1", "1"), determinism=True),
        Job(program="def f(xs):\n    xs.append(1)\n    return xs", calls=("[]", "[]"), determinism=True),
        Job(program="def f(xs):\n    return list(set(xs))", calls=("['a', 'b', 'c', 'd', 'e']",), determinism=True),
    ],
    ids=lambda job: job.program[:30],
)
def test_outcomes_are_those_of_the_inner_sandbox(job: Job, both: Both) -> None:
    sandbox, inner = both
    assert sandbox.run([job]) == inner.run([job])


HOSTILE = {
    "endless loop": "def f(x):\n    while True:\n        x += 1\n    return x",
    "memory bomb": "def f(x):\n    a = [x]\n    while True:\n        a = a + a\n    return a",
    "long list": "def f(x):\n    return len(list(range(10 ** 10)))",
    "endless recursion": "def f(x):\n    return f(x + 1)",
    "deep recursion": "def f(x, n=800):\n    return x if n == 0 else f(x, n - 1)",
    "long text": "def f(x):\n    return len('ab' * 10 ** 10)",
    "doubling text": "def f(x):\n    s = 'ab'\n    for _ in range(40):\n        s = s + s\n    return s",
    "hundred million digits": "def f(x):\n    return 10 ** (10 ** 8) % 7",
    "tower of powers": "def f(x):\n    return 9 ** 9 ** 9 % 2",
    "squaring": "def f(x):\n    a = 10 ** 10000\n    for _ in range(12):\n        a = a * a\n    return a % 10",
    "sorting": "def f(x):\n    return sorted(range(10 ** 7), key=lambda q: -q)[0]",
    "deep data": "def f(x):\n    a = []\n    for _ in range(10000):\n        a = [a]\n    return a",
    "shared data": "def f(x):\n    a = [x]\n    for _ in range(40):\n        a = [a, a]\n    return a",
    "replacing": "def f(x):\n    return len(('a' * 10 ** 6).replace('a', 'b' * 10 ** 5))",
    "padding": "def f(x):\n    return len('a'.center(10 ** 11))",
    "joining": "def f(x):\n    return len(','.join(str(q)[0] for q in range(10 ** 8)))",
    "much output": "def f(x):\n    return 'a' * 70000",
    "sixty thousand": "def f(x):\n    return 'a' * 60000",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_get_the_inner_verdict_and_harm_nobody(name: str, both: Both, others: set[int]) -> None:
    sandbox, inner = both
    job = Job(program=HOSTILE[name], calls=("1",), limits=Limits(cpu_s=0.8, wall_s=4))
    probe = Job(program="def f(x):\n    return sorted([x, 2, 1])", calls=("3",))
    before = sandbox.stats().engine_calls
    outcome, after = sandbox.run([job, probe])
    assert after.calls[0].value == "[1, 2, 3]"
    assert sandbox.stats().engine_calls > before
    assert [outcome] == inner.run([job])
    assert len(engine_processes() - others) <= 2


def test_a_hanging_call_costs_a_fraction_more(both: Both) -> None:
    sandbox, _ = both
    sandbox.run([Job(program=ADD, calls=("1",))])
    job = Job(program=HOSTILE["endless loop"], calls=("1",), limits=Limits(cpu_s=60, wall_s=240))
    engine = sandbox._engine
    assert engine is not None
    from sandboxes.monty.engine import make_request

    question = make_request(job)
    assert question is not None
    start = time.monotonic()
    assert engine.answer(question) == [None]
    assert time.monotonic() - start < 30


def test_calls_do_not_see_each_other(both: Both) -> None:
    sandbox, inner = both
    program = "def g(xs):\n    xs.append(len(xs))\n    return xs\ndef f(a, b):\n    return g(a) + g(b) + g([])"
    together = Job(program=program, calls=("[], [5]",) * 20)
    [outcome] = sandbox.run([together])
    assert {call.value for call in outcome.calls} == {"[0, 5, 1, 0]"}
    assert [outcome] == inner.run([together])


def test_threads_share_it(both: Both) -> None:
    sandbox, _ = both
    answers: dict[int, list[str | None]] = {}

    def ask(base: int) -> None:
        jobs = [Job(program=ADD, calls=(f"{base}, {i}", "'x'")) for i in range(20)]
        answers[base] = [outcome.calls[0].value for outcome in sandbox.run(jobs)]

    threads = [threading.Thread(target=ask, args=(base,)) for base in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {base: [str(base + i) for i in range(20)] for base in (100, 200, 300)}


def test_a_killed_engine_process_is_replaced(both: Both, others: set[int]) -> None:
    sandbox, _ = both
    for _ in range(3):
        assert sandbox.run([Job(program=ADD, calls=("1",))] * 4)[3].calls[0].value == "2"
        for process in engine_processes() - others:
            os.kill(process, signal.SIGKILL)


def test_engine_processes_are_limited_and_silent(both: Both, others: set[int]) -> None:
    sandbox, _ = both
    sandbox.run([Job(program=ADD, calls=("1",))] * 4)
    for process in engine_processes() - others:
        limits = Path(f"/proc/{process}/limits").read_text()
        assert "Max core file size        0  " in limits
        assert "Max file size             0  " in limits
        assert "Max address space         2147483648" in limits
        assert os.readlink(f"/proc/{process}/fd/2") == "/dev/null"
        assert Path(f"/proc/{process}/environ").read_bytes().count(b"=") <= 3  # those that the shell sets for itself


def test_close_leaves_no_process() -> None:
    before = engine_processes()
    inner = ScriptedSandbox(by_inner)
    sandbox = MontySandbox(inner, workers=3)
    assert engine_processes() == before
    sandbox.run([Job(program=ADD, calls=("1",))])
    assert wait_for(lambda: len(engine_processes() - before) == 3)
    sandbox.run([Job(program=HOSTILE["endless loop"], calls=("1",))])
    sandbox.close()
    sandbox.close()
    assert sandbox.closed
    assert engine_processes() == before
    with pytest.raises(SandboxUnavailable, match="closed"):
        sandbox.run([])


def test_closing_ends_what_is_under_way() -> None:
    sandbox = MontySandbox(ScriptedSandbox(by_inner), workers=1)
    future = sandbox.submit([Job(program=HOSTILE["endless loop"], calls=("1",))] * 1_000)
    sandbox.close()
    with pytest.raises(SandboxUnavailable):
        future.result(10)


def test_cancelling_drops_what_has_not_begun() -> None:
    inner = ScriptedSandbox(by_inner)
    sandbox = MontySandbox(inner, workers=1)
    try:
        future = sandbox.submit([Job(program=HOSTILE["endless loop"], calls=("1",))] * 1_000)
        assert future.cancel()
        start = time.monotonic()
        assert sandbox.run([Job(program=ADD, calls=("1",))])[0].calls[0].value == "2"
        assert time.monotonic() - start < 30  # not a thousand times half a second
        assert not inner.jobs
    finally:
        sandbox.close()


def test_errors_of_the_inner_sandbox_are_passed_on() -> None:
    class Broken(ScriptedSandbox):
        def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
            if any("import" in job.program for job in jobs):
                raise SandboxUnavailable("gone")
            return super().submit(jobs)

    sandbox = MontySandbox(Broken([]), workers=1)
    try:
        with pytest.raises(SandboxUnavailable, match="gone"):
            sandbox.run([Job(program="import os\ndef f(x): return x", calls=("1",)), Job(program=ADD, calls=("1",))])
        with pytest.raises(SandboxError, match="ran out"):
            sandbox.run([Job(program=ADD, calls=("'a'", "1"))])
        assert sandbox.run([Job(program=ADD, calls=("1",))])[0].calls[0].value == "2"
    finally:
        sandbox.close()


def test_an_engine_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandboxes.monty.launcher._find_binary", lambda: "/bin/true")
    sandbox = MontySandbox(ScriptedSandbox(by_inner), workers=1)
    with pytest.raises(SandboxUnavailable, match="reinstall pydantic-monty"):
        sandbox.run([Job(program=ADD, calls=("1",))])
    sandbox.close()


def test_a_forked_copy_neither_uses_nor_ends_the_engine(both: Both) -> None:
    sandbox, _ = both
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


def test_the_engine_ends_with_a_trainer_that_is_killed() -> None:
    script = (
        "import time\nfrom sandboxes import *\nfrom sandboxes.monty.sandbox import MontySandbox\n"
        "s = MontySandbox(ScriptedSandbox([]), workers=2)\ns.run([Job(program='def f(): return 1', calls=('',))])\n"
        "print('up', flush=True)\ntime.sleep(600)"
    )
    trainer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert trainer.stdout is not None
    assert trainer.stdout.readline() == "up\n"
    assert wait_for(lambda: len(engine_processes(trainer.pid)) == 2)
    mine = engine_processes(trainer.pid)
    trainer.kill()
    trainer.wait()
    trainer.stdout.close()
    assert wait_for(lambda: not any(Path(f"/proc/{process}").exists() for process in mine))


def test_counters(scripted: Scripted) -> None:
    sandbox, _ = scripted
    sandbox.run([Job(program=ADD, calls=("1", "2", "'a'")), Job(program="import os", calls=("1",))])
    stats = sandbox.stats()
    assert (stats.jobs, stats.engine_calls, dict(stats.statuses)) == (2, 2, {"ok": 2, "exception": 2})
    assert stats.busy_s > 0
