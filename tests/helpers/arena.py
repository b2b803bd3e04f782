"""An arena for hostile programs: each is followed by an honest job on the same worker, and by a look round."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandboxes import CallOutcome, Job, Limits, Outcome, Status
from sandboxes.pool.sandbox import PooledSandbox
from tests.helpers.canaries import Host, below, program

# Touches what a hostile job may have spoiled: builtins, modules, classes, streams, number formats, hashing, imports.
HONEST = Job(
    program="""
import bisect, copy, decimal, heapq, json, math, re, sys, textwrap
from collections import Counter, OrderedDict
def f(words, n):
    class Pair:
        def __init__(self, a):
            self.a = a
    print(words)
    heap = [len(word) for word in words]
    heapq.heapify(heap)
    try:
        [].pop()
    except IndexError as error:
        said = str(error)
    return [
        Counter(words).most_common(1), copy.deepcopy([words])[0] is words, heap, math.sqrt(n), json.dumps({"n": n}),
        re.sub("[aeiou]", "", "".join(words)), sorted(set(words)), f"{n:>4}|{n / 3:.3f}", Pair(n).a, said,
        list(OrderedDict(a=n)), str(decimal.Decimal(1) / 3), isinstance(True, int), max(words, key=len), 2 + 2,
        sys.getrecursionlimit() > 900, {n: ()}, bisect.bisect([1, 2, 3], 2), textwrap.shorten("a b c", 9), len(str(7**2000)),
        hash(n), [*map(str, range(n))][::-1],
    ]
""",
    calls=("['to', 'be', 'or', 'not', 'to', 'be', 'once'], 4",),
    determinism=True,
)


HONEST_VALUE = (
    "[[('to', 2)], False, [2, 2, 2, 3, 2, 2, 4], 2.0, '{\"n\": 4}', 'tbrnttbnc', ['be', 'not', 'once', 'or', 'to'],"
    " '   4|1.333', 4, 'pop from empty list', ['a'], '0.3333333333333333333333333333', True, 'once', 4, True, {4: ()}, 2,"
    " 'a b c', 1691, 4, ['3', '2', '1', '0']]"
)


PROCESSES = Job(program="import os\ndef f():\n    return sum(name.isdigit() for name in os.listdir('/proc'))", calls=("",))


LITTER = f"selfplay-battery-{os.urandom(4).hex()}"  # whoever else runs these tests on this machine leaves other things


PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/home", "/", ".")


def litter_found() -> list[Path]:
    """What hostile programs have left on this machine."""
    return [path for place in PLACES for path in Path(place).glob(f"{LITTER}*")]


@dataclass
class Arena:
    """One sandbox with one worker of each hash seed, and the canaries that its programs are told of."""

    sandbox: PooledSandbox
    host: Host

    def face(self, job: Job) -> Outcome:
        """The outcome of a hostile job; fails unless all is as it was, and the same workers answer an honest job."""
        before = self._surroundings()
        [outcome] = self.sandbox.run([job])
        assert self._surroundings() == before
        return outcome

    def _surroundings(self) -> tuple[object, ...]:
        """What no program may change: an honest verdict, files, visitors, victims, processes, and workers."""
        [honest] = self.sandbox.run([HONEST])
        assert honest.calls[0] == CallOutcome(status=Status.OK, value=HONEST_VALUE)
        litter = litter_found()
        stats = self.sandbox.stats()
        return (
            *(self.host.state(), self.host.visitors(), self.host.victim.poll(), litter, self._processes()),
            *(stats.started, stats.lost, stats.recycled, stats.requeued, stats.layers),
        )

    def _processes(self) -> object:
        """Descendants of this process; for a container, which has none of those, how many processes it has inside."""
        if self.sandbox.name != "docker":
            return sorted(below(os.getpid()))
        [counted] = self.sandbox.run([PROCESSES])
        assert counted.calls[0].value == "2"  # the worker and the child that counts
        return 2


@dataclass(frozen=True)
class Case:
    """The body of `f(host)`, with `libc`, `os`, `resource` and `socket` at hand, and what is to become of it."""

    body: str
    status: Status
    result: str | None = None
    """The value if there is to be one, else the error; None where it is no business of ours."""
    cpu_s: float = 1.0
    wall_s: float = 16.0
    memory_mib: int = 256


def check(arena: Arena, case: Case, text: str | None = None, *, determinism: bool = False) -> None:
    """Faces `case`, or `text` as the whole program."""
    limits = Limits(cpu_s=case.cpu_s, wall_s=case.wall_s, memory_mib=case.memory_mib)
    source = program(case.body) if text is None else text
    outcome = arena.face(Job(program=source, calls=(arena.host.describe(),), limits=limits, determinism=determinism))
    [call] = outcome.calls
    assert call.status is case.status, call
    assert case.result is None or case.result == (call.value if case.status is Status.OK else call.error)


def hang(body: str) -> Case:
    """A case that ends at its limits."""
    return Case(body, Status.TIMEOUT, "over its CPU or wall limit", cpu_s=0.1, wall_s=0.3)


def wait(body: str) -> Case:
    """A case that waits for what never comes."""
    return Case(body, Status.IDLE, "waited for something that is no processor", cpu_s=0.1, wall_s=2)


DAG = "x = y = ()\nfor _ in range(40): x, y = (x, x), (y, y)\n"


def count(attempt: str, times: int = 50) -> str:
    """A body that says how many of its attempts went well."""
    lines = attempt.replace("\n", "\n        ")
    return f"""
made = 0
for number in range({times}):
    try:
        {lines}
        made += 1
    except (OSError, RuntimeError, ValueError):
        pass
return made"""


Face = Callable[..., str]
"""Runs one attack, then an honest job, and returns what became of the attack."""
