"""What reading a program proves of its calls: by hand, and by running thousands of programs in different interpreters."""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import pytest

from sandboxes import Job, Purity, Status, purity_of
from sandboxes.backends.process import ProcessLauncher
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.purity.proof import why_alone
from tests.helpers.generated import generate

PURE = {
    "a set as the result": "def f(x):\n    return set(x) | {1}",
    "arithmetic": "def f(x):\n    return x * 2 + 1",
    "text": "def f(x):\n    return f'{x!r:>8}' + str(x) + '%05d' % 3 + ' {} {0}'.strip() + '{}-{:>3}'.format(x, 2)",
    "a type in an annotation": "from typing import List, Optional\ndef f(x: List[int], y: Optional[str] = None) -> str:\n    return str(x)",
    "functions handed on": "def g(x):\n    return -x\ndef f(x):\n    return sorted(map(g, x), key=lambda y: -y) + [str(max(x, key=g))]",
    "a lambda with a name": "square = lambda y: y * y\ndef f(x):\n    return str([square(y) for y in x])",
    "library": "import math, re\nfrom collections import Counter\nfrom itertools import chain\ndef f(x):\n    return math.gcd(x, 6), re.sub('a', 'b', str(x)), Counter(str(x)).most_common(1), list(chain([x], [1]))",
    "sets that are asked": "def f(x):\n    seen = set()\n    for y in x:\n        if y not in seen:\n            seen.add(y)\n    return len(seen), sorted(seen), sorted(list(set(x)))",
    "named exceptions": "def f(x):\n    try:\n        return 1 // x\n    except (ZeroDivisionError, TypeError) as error:\n        return str(error)",
    "a type that is compared": "def f(x):\n    return type(x) == str, type(x).__name__, isinstance(x, (int, str))",
    "an argument named as a builtin": "def f(input):\n    return input[0]",
    "iterators kept, no text made": "def f(x):\n    pairs = zip(x, x)\n    return [a + b for a, b in pairs]",
    "a constant at module level": "LIMIT = (1, 2)\ndef f(x):\n    return x in LIMIT",
    "closures": "def f(x):\n    total = 0\n    def add(y):\n        nonlocal total\n        total += y\n        return total\n    return [add(y) for y in x]",
}
STEADY = {
    "a default that can change": "def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)",
    "a counter": "count = 0\ndef f(x):\n    global count\n    count += 1\n    return count",
    "a list at module level": "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)",
}
SHOWING = {
    "the order of a set": "def f(x):\n    return list({'a', 'b', 'd', 'e', x})",
    "a set read in a loop": "def f(x):\n    return ''.join(c for c in set(x))",
    "the first of a set": "def f(x):\n    return set(x).pop()",
    "a set joined to a list": "def f(x):\n    y = []\n    y += {'a', 'b', 'c', 'd'}\n    return y",
    "a dict filled from a set": "def f(x):\n    y = {}\n    y |= {('a', 1), ('b', 2)}\n    return y",
    "a dict updated from a set": "def f(x):\n    y = {}\n    y.update({('a', 1), ('b', 2)})\n    return y",
    "the largest of incomparables": "def f(x):\n    try:\n        return max({(1, 'a'), (1, 2), (x, 5)})\n    except TypeError:\n        return 0",
    "sorted by a key": "def f(x):\n    return sorted({'a', 'b', 'c'}, key=len)",
    "views": "def f(x):\n    return list({'a': 1, 'b': 2}.keys() | {'c'})",
    "views with names": "def f(x):\n    a = {'a': 1, 'b': 2}.keys()\n    b = {'c': 1}.keys()\n    return [*(a | b)]",
    "sets made by map": "def f(x):\n    return [list(s) for s in map(set, x)]",
    "a helper's set": "def g(x):\n    return set(x)\ndef f(x):\n    return list(g(x))",
    "text of a set": "def f(x):\n    return str(set(x))",
    "half a set": "def f(x):\n    return list(set(x))[:1]",
    "frozen sets in order": "def f(x):\n    return [len(s) for s in sorted({frozenset(y) for y in x})]",
}
STEADY |= {
    "a counter in the entry point": (
        "def make():\n    n = 0\n    def count(x):\n        nonlocal n\n        n += 1\n        return n\n    return count\nf = make()"
    ),
    "a counter behind the entry point": (
        "def make():\n    n = 0\n    def count(x):\n        nonlocal n\n        n += 1\n        return n\n    return count\n"
        "if True:\n    g = make()\ndef f(x):\n    return g(x)"
    ),
}
PURE |= {
    "the main idiom": "def f(x):\n    return x\nif __name__ == '__main__':\n    pass",
    "a trial at module level": "def f(x):\n    return x * 2\ninputs = [1, 2]\nfor one in inputs:\n    print(f(one))",
}
ALONE = {
    "addresses": "def g(): pass\ndef h(): pass\ndef f(x):\n    return id(f) - id(g) < -1000",
    "an address in text": "def f(x):\n    return str(f)[-3:] < '8'",
    "an address in an f-string": "def f(x):\n    return f'{f}'",
    "an address by %": "def f(x):\n    return '%s' % f",
    "an address by format": "def f(x):\n    return '{}'.format(f)",
    "an iterator's address": "def f(x):\n    return str(map(int, x))",
    "a generator's address": "def f(x):\n    return repr(y for y in x)",
    "a method's address": "def f(x):\n    return repr([].append)",
    "a compared function": "def g(): pass\ndef f(x):\n    return str(min(f, g, key=lambda y: 1))",
    "an iterator as a start": "def f(x):\n    return str(sum([], map(int, x)))",
    "an iterator among others": "def f(x):\n    return str(max(map(int, x), map(int, x), key=lambda y: 1))",
    "a factory's address": "from collections import defaultdict\ndef f(x):\n    return str(defaultdict(lambda: 0))",
    "functions in a set": "def g(): pass\ndef f(x):\n    return [y is f for y in {f, g}]",
    "functions by identity": "def g(): pass\ndef f(x):\n    a, b = {f, g}\n    return a == f",
    "NaN in a set": "def f(x):\n    a, b = x * 1e308 * 10 - 1e999, 0.5\n    return list({a, b, 1})",
    "hashes": "def f(x):\n    return hash('a')",
    "an object": "def f(x):\n    return str(object())",
    "a class": "class A:\n    pass\ndef f(x):\n    return str(A())",
    "a pattern that reads": "def g(): pass\ndef f(x):\n    match g:\n        case object(__globals__=names):\n            return len(names)",
    "a frame": "def f(x):\n    match (y for y in x):\n        case object(gi_frame=object(f_back=frame)):\n            return frame",
    "a function from code": "def f(x):\n    return type(f)(f, {})",
    "reserved attributes": "def f(x):\n    return f.__globals__",
    "reserved names": "__builtins__ = {'list': lambda x: x}\ndef f(x):\n    return str(list(map(int, x)))",
    "a template that reaches": "def f(x):\n    return '{0.__globals__}'.format(f)",
    "a template in a variable": "def f(x):\n    return x.format(f)",
    "a changed attribute": "def f(x):\n    f.n = 1\n    return f.n",
    "a module as a value": "import math\ndef f(x):\n    return str(math)",
    "a module's own modules": "import re\ndef f(x):\n    return re.enum.sys",
    "other modules": "import sys\ndef f(x):\n    return sys.maxsize",
    "a module by name": "def f(x):\n    return __import__('os').urandom(1)",
    "text as code": "def f(x):\n    return eval('1')",
    "getattr": "def f(x):\n    return getattr(f, x)",
    "memory that runs out": "def f(x):\n    try:\n        return [0] * 10 ** 8\n    except Exception:\n        return 0",
    "a bare except": "def f(x):\n    try:\n        return f(x)\n    except:\n        return 0",
    "finally": "def f(x):\n    try:\n        return [0] * 10 ** 9\n    finally:\n        return 0",
    "depth": "def f(x):\n    try:\n        return f(x)\n    except RecursionError:\n        return 0",
    "identity": "def f(x):\n    return 'ab' * x is 'ab' * x",
    "a decorator": "import functools\n@functools.cache\ndef f(x):\n    return x",
    "an import that hides a builtin": "def g():\n    from math import pow as id\ndef f(x):\n    return id(x)",
    "an import that hides a reader": "from itertools import count as list\ndef f(x):\n    return str(list(map(int, x)))",
    "a builtin hidden elsewhere": "def g(id):\n    return id\ndef f(x):\n    return id(x)",
    "a builtin given back": "id = 1\ndel id\ndef f(x):\n    return id(x)",
    "attrgetter": "from operator import attrgetter\ndef f(x):\n    return attrgetter('__globals__')(f)",
    "no program": "def f(x: return",
    "a set returned at module level": "return {1}",
}  # fmt: skip


@pytest.mark.parametrize(
    ("program", "purity"),
    [(p, Purity.PURE) for p in PURE.values()]
    + [(p, Purity.STEADY) for p in STEADY.values()]
    + [(p, Purity.ALONE) for p in SHOWING.values()]
    + [(p, Purity.ALONE) for p in ALONE.values()],
    ids=[*PURE, *STEADY, *SHOWING, *ALONE],
)
def test_what_reading_proves(program: str, purity: Purity) -> None:
    assert purity_of(Job(program=program, calls=("[3, 1]",))) is purity, why_alone(program)


@pytest.mark.parametrize(
    ("program", "call", "purity"),
    [
        ("def f(x):\n    return [*x]", "[1, 2]", Purity.PURE),
        ("def f(x):\n    return [*x]", "{'a', 'b'}", Purity.ALONE),
        ("def f(x):\n    return [*x]", "{'a': {'b': 1}}", Purity.PURE),
        ("def f(x):\n    return [*x]", "[(1, {'a'})]", Purity.ALONE),
        ("def f(x):\n    return [*x]", "'set {'", Purity.PURE),
        ("def f(x):\n    x.update('abc')\n    return list(x)", "ｓｅｔ()", Purity.ALONE),
        ("def f(x):\n    return [*x]", "'é'", Purity.PURE),
        ("def f(x):\n    return sorted({y - y for y in x})", "[1, 2]", Purity.PURE),
        ("def f(x):\n    return sorted({y - y for y in x})", "[1e999, 2.0]", Purity.ALONE),  # NaN could be among them
        ("def f(x):\n    return sorted({y / 2 for y in x})", "[1, 2]", Purity.ALONE),
        ("def f(x):\n    return len({y - y for y in x})", "[1e999, 2.0]", Purity.PURE),
    ],
)
def test_arguments_count_too(program: str, call: str, purity: Purity) -> None:
    assert purity_of(Job(program=program, calls=("[]", call))) is purity


def test_long_and_deep_programs_prove_nothing_and_cost_little() -> None:
    for program in ("x = " + "1 + " * 5_000 + "1", "x = 1\n" * 5_000, "x = " + "[" * 80 + "]" * 80, "\0", "\ud800", "("):
        assert purity_of(Job(program=program, calls=("1", "2"))) in Purity


@pytest.fixture(scope="module")
def alone() -> PooledSandbox:
    """Five interpreters with hash seeds of their own, which run each call in a process of its own."""
    sandbox = PooledSandbox(ProcessLauncher(), 2, hash_seeds=range(1, 9))
    yield sandbox  # type: ignore[misc]
    sandbox.close()


def test_what_is_proved_pure_returns_the_same_in_every_interpreter(alone: PooledSandbox) -> None:
    """The same programs with a line in front that nobody can prove anything of: then they are really run, again and again."""
    rng = Random(int(os.environ.get("SELFPLAY_FUZZ_SEED", 20261129)))
    jobs = [made.job for made in generate(rng, 1_500)]
    proved = [job for job in jobs if purity_of(job) is Purity.PURE]
    assert len(proved) > 100
    tried = [
        Job(
            program="import sys\n" + job.program,
            calls=job.calls,
            limits=job.limits,
            determinism=True,
            entry_point=job.entry_point,
        )
        for job in proved
    ]
    statuses = Counter(call.status for outcome in alone.run(tried) for call in outcome.calls)
    assert not statuses[Status.NONDETERMINISTIC], [
        job.program
        for job, outcome in zip(tried, alone.run(tried), strict=True)
        if any(call.status is Status.NONDETERMINISTIC for call in outcome.calls)
    ][:3]


@pytest.mark.parametrize("name", ["sets that are asked", "functions handed on"])
def test_the_trial_by_running_agrees(alone: PooledSandbox, name: str) -> None:
    [outcome] = alone.run([Job(program="import sys\n" + PURE[name], calls=("['b', 'a', 'c']", "[3, 1]"), determinism=True)])
    assert not any(call.status is Status.NONDETERMINISTIC for call in outcome.calls)


CHANCES = {*STEADY, *SHOWING} - {
    *("the largest of incomparables", "frozen sets in order"),  # these come out the same all the same
    *("a dict filled from a set", "a dict updated from a set"),  # the order of a dict is no difference
}


@pytest.mark.parametrize("name", sorted(CHANCES))
def test_what_shows_order_or_keeps_something_is_found_by_running(alone: PooledSandbox, name: str) -> None:
    call = "['bc', 'de', 'fg', 'hi', 'jk']" if name != "the order of a set" else "'c'"
    [outcome] = alone.run([Job(program=(STEADY | SHOWING)[name], calls=(call,), determinism=True)])
    assert outcome.status in (Status.NONDETERMINISTIC, Status.EXCEPTION)
