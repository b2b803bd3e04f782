"""Which programs are shown to a third hash seed."""

from __future__ import annotations

import pytest

from sandboxes import CodeSandbox, Job, Status
from sandboxes.order import order_may_show

SHOWS = [
    "def f(x): return list({1, x})",
    "def f(x): return {y for y in x}.pop()",
    "def f(x): return set(x)",
    "def f(x): return frozenset",
    "def f(x): return hash(x) % 2",
    "def f(x): return id(x)",
    "def f(x): return list(x.keys() & {}.keys())",
    "def f(x): return [*(x.items() - x)]",
    "def f(x): return x.__hash__()",
    "def f(x): return getattr(x, 'a' + 'b')",
    "import collections\ndef f(x): return x",
    "def f(x: return",
]
HIDES = [
    "def f(x): return {y: 1 for y in x}",
    "def f(x): return sorted(x.keys())",
    "def f(x):\n    total = {}\n    for y in x:\n        total[y] = total.get(y, 0) + 1\n    return list(total.items())",
    "class A:\n    def __init__(self, x): self.x = x\ndef f(x): return A(x).x",
]


@pytest.mark.parametrize("program", SHOWS)
def test_order_may_show(program: str) -> None:
    assert order_may_show(program)


@pytest.mark.parametrize("program", HIDES)
def test_order_cannot_show(program: str) -> None:
    assert not order_may_show(program)


def test_three_seeds_miss_less_than_two(sandbox: CodeSandbox) -> None:
    """The first of two words: two seeds agree on half of the sets, three on a quarter, of which these are some."""
    pairs = [(f"w{i}", f"v{i}") for i in range(60)]
    program = "def f(a, b):\n    return {a, b}.pop()"
    hidden = "import builtins\ndef f(a, b):\n    return list(builtins.frozenset([a, b]))[0]"
    missed = []
    for text in (program, hidden):
        jobs = [Job(program=text, calls=(f"{a!r}, {b!r}",), determinism=True) for a, b in pairs]
        outcomes = sandbox.run(jobs)
        assert {outcome.status for outcome in outcomes} == {Status.OK, Status.NONDETERMINISTIC}
        missed.append(sum(outcome.status is Status.OK for outcome in outcomes))
    assert all(6 <= count <= 24 for count in missed)  # 15 expected of 60; the seeds are fixed, so the count is too
