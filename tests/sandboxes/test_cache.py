"""The verdict cache: what it answers, what it asks again, and how much it holds."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

import pytest

from sandboxes import CallOutcome, Job, Limits, Outcome, SandboxError, ScriptedSandbox, Status, open_sandbox
from sandboxes.cache import _ENTRY_BYTES, CachingSandbox

JOB = Job(program="def f(x):\n    return x", calls=("1", "2"))


def echo(job: Job) -> Outcome:
    """Every call returns its own text."""
    return Outcome.of([CallOutcome(status=Status.OK, value=call) for call in job.calls])


def test_only_unknown_calls_are_asked_and_the_order_is_kept() -> None:
    inner = ScriptedSandbox(echo)
    sandbox = CachingSandbox(inner)
    assert sandbox.run([JOB]) == [echo(JOB)]
    more = replace(JOB, calls=("3", "1", "4", "2", "3"))
    assert sandbox.run([more, JOB]) == [echo(more), echo(JOB)]
    assert [job.calls for job in inner.jobs] == [("1", "2"), ("3", "4", "3")]
    stats = sandbox.stats()
    assert (stats.cache_hits, stats.cache_misses) == (4, 5)


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, program=JOB.program + " "),
        replace(JOB, entry_point="g"),
        replace(JOB, limits=Limits(cpu_s=0.5)),
        replace(JOB, determinism=True),
        replace(JOB, packages=("sympy",)),
    ],
)
def test_every_field_of_a_job_is_part_of_the_question(other: Job) -> None:
    inner = ScriptedSandbox(echo)
    sandbox = CachingSandbox(inner)
    sandbox.run([JOB])
    sandbox.run([other])
    assert inner.jobs == [JOB, other]


def test_fields_cannot_run_into_each_other() -> None:
    inner = ScriptedSandbox(echo)
    sandbox = CachingSandbox(inner)
    sandbox.run([replace(JOB, program="12", entry_point="3")])
    sandbox.run([replace(JOB, program="1", entry_point="23")])
    assert len(inner.jobs) == 2


@pytest.mark.parametrize("status", list(Status))
def test_what_depends_on_the_machine_is_asked_again(status: Status) -> None:
    inner = ScriptedSandbox(lambda job: Outcome.uniform(status, len(job.calls)))
    sandbox = CachingSandbox(inner)
    assert sandbox.run([JOB]) == sandbox.run([JOB])
    assert len(inner.jobs) == (2 if status in ("timeout", "idle", "memory", "worker_lost", "forbidden") else 1)


def test_only_what_is_proved_is_remembered() -> None:
    inner = ScriptedSandbox(echo)
    sandbox = CachingSandbox(inner)
    for program in ("import sys\ndef f(x): return x", "def f(x): return id(x)", "def f(x): return open", "def f(x:"):
        job = replace(JOB, program=program)
        assert sandbox.run([job, job]) == [echo(job)] * 2
        assert inner.jobs[-2:] == [job, job]
        sandbox.run([job])
        assert inner.jobs.pop() == job
    assert sandbox.stats().cache_hits == 0


def test_it_forgets_the_least_recently_used() -> None:
    inner = ScriptedSandbox(echo)
    sandbox = CachingSandbox(inner, memory_mib=3.5 * _ENTRY_BYTES / (1 << 20))
    for call in ("1", "2", "3", "1", "4", "1", "2"):
        sandbox.run([replace(JOB, calls=(call,))])
    assert [job.calls[0] for job in inner.jobs] == ["1", "2", "3", "4", "2"]


def test_a_job_without_calls_is_still_judged() -> None:
    refusal = Outcome.uniform(Status.FORBIDDEN, 0)
    assert CachingSandbox(ScriptedSandbox([refusal])).run([replace(JOB, calls=())]) == [refusal]


def test_errors_and_cancelling_pass_through() -> None:
    with pytest.raises(SandboxError, match="ran out"):
        CachingSandbox(ScriptedSandbox([])).run([JOB])

    class Slow(ScriptedSandbox):
        def submit(self, jobs: object) -> Future[list[Outcome]]:
            self.future: Future[list[Outcome]] = Future()
            return self.future

    inner = Slow([])
    future = CachingSandbox(inner).submit([JOB])
    assert future.cancel()
    assert inner.future.cancelled()


def test_a_real_sandbox_remembers_values_and_errors() -> None:
    sandbox = open_sandbox("process:workers=1,cache=1")
    job = Job(program="def f(x):\n    return 1 // x", calls=("1", "0", "nope"))
    first = sandbox.run([job])
    assert [call.status for call in first[0].calls] == [Status.OK, Status.EXCEPTION, Status.FORBIDDEN]
    before = sandbox.stats()
    assert sandbox.run([job, replace(job, program=job.program + "\n")])[0] == first[0]
    after = sandbox.stats()
    assert (after.cache_hits - before.cache_hits, after.calls - before.calls) == (2, 4)  # what is no literal is asked again
