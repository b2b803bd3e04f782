"""A thousand generated programs: both backends say the same of every call, and of honest ones what this interpreter says."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from sandboxes import CallOutcome, CodeSandbox, Outcome, Status, canonical
from sandboxes.opening import make_launcher
from sandboxes.pool import PooledSandbox
from sandboxes.values import NotALiteral, read_call
from tests.sandboxes.generated import Generated, generate

COUNT = 1_000
WORKERS = 2


@pytest.fixture(scope="module")
def programs() -> list[Generated]:
    return generate(Random("parity"), COUNT)


@pytest.fixture(scope="module")
def answers(programs: list[Generated], opener: Callable[[str, int], CodeSandbox]) -> Callable[[str], list[Outcome]]:
    """What a backend makes of the programs; asked once."""
    known: dict[str, list[Outcome]] = {}

    def ask(name: str) -> list[Outcome]:
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

    return ask


Answers = Callable[[str], list[Outcome]]


def test_the_generator_repeats_itself_and_no_program(programs: list[Generated]) -> None:
    assert generate(Random("parity"), COUNT) == programs
    assert len({made.job.program for made in programs}) == COUNT
    assert {len(made.job.calls) for made in programs} == {2, 3}
    assert sum("=" in call for made in programs for call in made.job.calls) > 100


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_every_verdict_occurs_where_it_should(programs: list[Generated], answers: Answers, name: str) -> None:
    found: dict[str, Counter[Status]] = {}
    for made, outcome in zip(programs, answers(name), strict=True):
        found.setdefault(made.family, Counter()).update(call.status for call in outcome.calls)
    total = sum(found.values(), Counter[Status]())
    assert set(total) == set(Status) - {Status.WORKER_LOST}
    assert 0.5 < total[Status.OK] / total.total() < 0.9
    assert set(found["unstable"]) == {Status.NONDETERMINISTIC}
    assert set(found["order-free"]) == {Status.OK}
    assert set(found["unfit"]) == {Status.NOT_SERIALISABLE}
    assert set(found["sleeping"]) == {Status.IDLE}
    assert set(found["large"]) == {Status.OK, Status.OUTPUT_TOO_LARGE}
    assert set(found["heavy"]) == {Status.OK, Status.MEMORY}
    assert set(found["hanging"]) == {Status.OK, Status.TIMEOUT}
    assert set(found["ordered"]) == {Status.OK, Status.NONDETERMINISTIC}  # seeds may agree by chance
    assert set(found["honest"]) == {Status.OK, Status.EXCEPTION, Status.FORBIDDEN}


@pytest.mark.docker
def test_both_backends_say_the_same_of_every_call(programs: list[Generated], answers: Answers) -> None:
    for made, here, there in zip(programs, answers("process"), answers("docker"), strict=True):
        assert here == there, f"{made.family}: {made.job.calls} of\n{made.job.program}"


def test_honest_programs_say_what_they_say_here(programs: list[Generated], answers: Answers) -> None:
    """An oracle apart from both: these programs are ours, and may run in this process."""
    compared = Counter[Status]()
    for made, outcome in zip(programs, answers("process"), strict=True):
        if made.family == "honest":
            for call, said in zip(made.job.calls, outcome.calls, strict=True):
                assert said == _run_here(made.job.program, call), f"{call} of\n{made.job.program}"
                compared[said.status] += 1
    assert min(compared[status] for status in (Status.OK, Status.EXCEPTION, Status.FORBIDDEN)) > 50


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
