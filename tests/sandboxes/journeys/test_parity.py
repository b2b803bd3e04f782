"""Six hundred generated programs: both backends say the same of every call, and of honest ones what this interpreter says."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from sandboxes import CallOutcome, CodeSandbox, Job, Limits, Outcome, Status, canonical, open_sandbox
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.protocol.literals import NotALiteral, read_call
from sandboxes.registry import make_launcher
from tests.helpers.generated import Generated, generate

COUNT = 600
WORKERS = 2


@pytest.fixture(scope="module")
def programs() -> list[Generated]:
    return generate(Random("parity"), COUNT)


@pytest.fixture(scope="module")
def answers(programs: list[Generated], opener: Callable[[str, int], CodeSandbox]) -> Callable[[str], list[Outcome]]:
    """The outcomes that a backend gives for the programs; run once."""
    known: dict[str, list[Outcome]] = {}

    def run(name: str) -> list[Outcome]:
        if name not in known:
            opener(name, 1)  # skips where no engine answers
            sandbox = PooledSandbox(make_launcher(name), WORKERS, hash_seeds=tuple(range(1, 9)))
            try:
                known[name] = sandbox.run([made.job for made in programs])
                stats = sandbox.stats()
            finally:
                sandbox.close()
            assert (stats.lost, stats.requeued, stats.recycled) == (0, 0, 0)
            assert stats.started == stats.workers  # all that were ever started are still up
            assert stats.calls == sum(len(made.job.calls) for made in programs)
        return known[name]

    return run


Answers = Callable[[str], list[Outcome]]


def test_the_generator_repeats_itself_and_no_program(programs: list[Generated]) -> None:
    assert generate(Random("parity"), COUNT) == programs
    assert len({made.job.program for made in programs}) == COUNT
    assert {len(made.job.calls) for made in programs} == {2, 3}
    assert sum("=" in call for made in programs for call in made.job.calls) > 100


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_every_verdict_occurs_where_it_should(programs: list[Generated], answers: Answers, name: str) -> None:
    counts: dict[str, Counter[Status]] = {}
    for made, outcome in zip(programs, answers(name), strict=True):
        counts.setdefault(made.family, Counter()).update(call.status for call in outcome.calls)
    total = sum(counts.values(), Counter[Status]())
    assert set(total) == set(Status) - {Status.WORKER_LOST}
    assert 0.5 < total[Status.OK] / total.total() < 0.9
    assert set(counts["unstable"]) == {Status.NONDETERMINISTIC}
    assert set(counts["order-free"]) == {Status.OK}
    assert set(counts["unfit"]) == {Status.NOT_SERIALISABLE}
    assert set(counts["sleeping"]) == {Status.IDLE}
    assert set(counts["large"]) == {Status.OK, Status.OUTPUT_TOO_LARGE}
    assert set(counts["heavy"]) == {Status.OK, Status.MEMORY}
    assert set(counts["hanging"]) == {Status.OK, Status.TIMEOUT}
    assert set(counts["ordered"]) == {Status.OK, Status.NONDETERMINISTIC}  # seeds may agree by chance
    assert set(counts["honest"]) == {Status.OK, Status.EXCEPTION, Status.FORBIDDEN}


@pytest.mark.docker
def test_both_backends_say_the_same_of_every_call(programs: list[Generated], answers: Answers) -> None:
    for made, here, there in zip(programs, answers("process"), answers("docker"), strict=True):
        assert here == there, f"{made.family}: {made.job.calls} of\n{made.job.program}"


def test_honest_programs_say_what_they_say_here(programs: list[Generated], answers: Answers) -> None:
    """An oracle apart from both: these programs are ours, and may run in this process."""
    compared = Counter[Status]()
    for made, outcome in zip(programs, answers("process"), strict=True):
        if made.family == "honest":
            for call, outcome_of_call in zip(made.job.calls, outcome.calls, strict=True):
                assert outcome_of_call == _run_here(made.job.program, call), f"{call} of\n{made.job.program}"
                compared[outcome_of_call.status] += 1
    assert min(compared[status] for status in (Status.OK, Status.EXCEPTION, Status.FORBIDDEN)) > 30


def _run_here(program: str, call: str) -> CallOutcome:
    """What a call of a trusted program returns or raises."""
    try:
        positional, keywords = read_call(call)
    except NotALiteral:
        return CallOutcome(status=Status.FORBIDDEN, error="arguments are not literals")
    names: dict[str, Any] = {"__name__": "__program__"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(program, "<program>", "exec", dont_inherit=True), names)
        try:
            value = names["f"](*positional, **keywords)
        except Exception as error:
            return CallOutcome(status=Status.EXCEPTION, error=type(error).__name__)
    return CallOutcome(status=Status.OK, value=canonical(value))


MODULE_LIKE = {
    "annotations as texts": "@dataclasses.dataclass\nclass A:\n    n: int\ndef f():\n    return A(3).n",
    "types of a class": "class A:\n    n: 'A'\ndef f():\n    return 2 + len(typing.get_type_hints(A))",
    "a pickled object": "class A: n = 3\ndef f():\n    return pickle.loads(pickle.dumps(A())).n",
    "its own module": "n = 3\ndef f():\n    return sys.modules[__name__].n",
}


@pytest.mark.parametrize("text", MODULE_LIKE.values(), ids=MODULE_LIKE)
def test_a_program_is_a_module(call: Callable[..., CallOutcome], text: str) -> None:
    head = "from __future__ import annotations\nimport dataclasses, pickle, sys, typing\n"
    assert call(head + text).value == "3"


@pytest.mark.docker
def test_both_backends_give_the_same_verdicts(opener: Callable[[str, int], CodeSandbox]) -> None:
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
    jobs = [Job(program=text, calls=calls, limits=Limits(cpu_s=0.5, wall_s=5)) for text in programs]
    opener("docker", 2)  # skips where no engine answers
    here, there = (open_sandbox(f"{name}:cache=0,hash-seeds=1+2+3+4+5+6+7+8", 2) for name in ("process", "docker"))
    assert here.run(jobs) == there.run(jobs)
