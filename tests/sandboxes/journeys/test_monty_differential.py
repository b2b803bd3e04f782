"""The fast engine against CPython, inside the gate: every value that the engine returns must be CPython's.

`SELFPLAY_MONTY_PROGRAMS=20000 pytest tests/sandboxes/journeys/test_monty_differential.py` compares more generated
programs than the default 1,000; each seed is a program, so a longer run begins with the shorter one.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import struct
import sys
from collections.abc import Iterable, Iterator

import pytest

from sandboxes import CodeSandbox, Job, Limits, Status, canonical
from sandboxes.monty.gate import monty_accepts
from sandboxes.monty.subset import FUNCTIONS, MAX_CHAR, METHODS
from tests.helpers.monty_programs import Generator

pytest.importorskip("pydantic_monty")

from sandboxes.monty.engine import Engine, make_request

PROGRAMS = int(os.environ.get("SELFPLAY_MONTY_PROGRAMS", "1000"))
LIMITS = Limits(cpu_s=0.5, wall_s=4)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def cpython() -> Iterator[CodeSandbox]:
    from sandboxes.backends.process import ProcessLauncher
    from sandboxes.pool.sandbox import PooledSandbox

    sandbox = PooledSandbox(ProcessLauncher(), 2)
    yield sandbox
    sandbox.close()


def compare(jobs: Iterable[Job], engine: Engine, cpython: CodeSandbox) -> tuple[int, int]:
    """How many values were compared, and how many CPython has; fails on the first that differs."""
    compared = known = 0
    jobs = iter(jobs)
    while batch := list(itertools.islice(jobs, 100)):
        future = cpython.submit(batch)
        answers = [engine.answer(question) if (question := make_request(job)) is not None else None for job in batch]
        for job, said, outcome in zip(batch, answers, future.result(), strict=True):
            known += sum(call.status is Status.OK for call in outcome.calls)
            for text, ours, theirs in zip(job.calls, said or (), outcome.calls, strict=bool(said)):
                if ours is not None and theirs.status not in (Status.TIMEOUT, Status.MEMORY):  # the engine may be faster
                    compared += 1
                    assert ours == theirs, f"{job.program}\ncalled with {text}"
    return compared, known


def product_jobs(body: str, *pools: list[str]) -> Iterator[Job]:
    """Jobs that run a body with every combination of arguments."""
    program = f"import math\ndef f({', '.join('abc'[: len(pools)])}):\n    {body}"
    assert monty_accepts(program, "f"), program
    calls = map(", ".join, itertools.product(*pools))
    while some := tuple(itertools.islice(calls, 100)):
        yield Job(program=program, calls=some, limits=LIMITS)


def test_generated_programs(engine: Engine, cpython: CodeSandbox) -> None:
    def jobs() -> Iterator[Job]:
        accepted = 0
        for seed in itertools.count():
            generator = Generator(random.Random(seed))
            program = generator.program()
            if monty_accepts(program, "f"):
                accepted += 1
                calls = tuple(generator.call() for _ in range(3))
                yield Job(program=program, calls=calls, limits=Limits(cpu_s=0.1, wall_s=4), determinism=accepted % 4 == 0)
            if accepted == PROGRAMS:
                return

    compared, known = compare(jobs(), engine, cpython)
    share = 0.9 if sys.version_info < (3, 12) else 0.6  # later versions add up floats in a way of their own
    assert compared > share * known > 0.6 * PROGRAMS


POOL = [
    *("0", "1", "-1", "3", "10", "9223372036854775808", "-36893488147419103232", "True", "None", "0.0", "-0.0", "1.5", "2.675"),
    *("1e16", "1e300", "1e999", "''", "'a'", "'aXbXa'", "' a b '", "'-12'", "[]", "[1]", "[3, 1, 2]", "['a', 'b']", "[1, 'a']"),
    *("[[1], [2]]", "[True, 1.0]", "()", "(1,)", "('a', 'X')", "{}", "{'a': 1}", "{1: 'x', 2: 'y'}"),
]
FEW = ["0", "1", "-3", "18446744073709551616", "None", "1.0", "''", "'a'", "'X'", "[]", "['a']", "('a', 'X')", "{'a': 1}"]
OPERATIONS = [
    *(f"a {op} b" for op in "+ - * / // % & | ^ == != < <= > >= in and or".split()),
    *("a[b]", "a[b:]", "a[::b]", "max(a, b)", "sorted([a, b])", "sum(a, b)", "int(a, b)", "[a, b].count(b)", "[a].index(b)"),
    *("[a] < [b]", "(a, b) == (b, a)", "{a: 1, b: 2}", "len({a, b})", "a in set(b)", "list(zip(a, b))", "dict(zip(a, b))"),
    *("sorted(a, reverse=b)", "max(a, default=b)", "a.splitlines(b)", "f'{a:>6}{b!r}'", "f'{a:.2f}'", "str([a, {1: b}])"),
    *("math.gcd(a, b)", "{**a, **b}", "[*a, *b]", "list(enumerate(a, b))", "a if b else 0", "isinstance(a, int) == b"),
]
CHANGES = [
    *("a += b", "a *= b", "a *= 2", "a[b] = 7", "a[1:] = b", "a[b] += 1", "a.update(b)", "a.sort(reverse=b)", "del a[b]"),
    *("x, *y = a; a = [x, y]", "for i, q in enumerate(a): b = [i, q, b]", "print(a, b)"),
]


def test_operations_on_values_of_all_types(engine: Engine, cpython: CodeSandbox) -> None:
    def jobs() -> Iterator[Job]:
        for operation in OPERATIONS:
            few = [text for text in POOL if len(text) < 12] if operation in ("a * b", "int(a, b)") else POOL
            yield from product_jobs(f"return {operation}", few, FEW)
        for change in CHANGES:
            yield from product_jobs(f"x = a\n    {change}\n    return [a, b, x]", POOL, FEW)

    compared, known = compare(jobs(), engine, cpython)
    assert compared > 0.85 * known > 5_000


def test_builtins_and_methods_on_values_of_all_types(engine: Engine, cpython: CodeSandbox) -> None:
    lazy = {"reversed", "enumerate", "zip", "map", "filter"}

    def jobs() -> Iterator[Job]:
        for name, (fewest, most, _) in FUNCTIONS.items():
            call = f"{name}(a)" if name not in {*lazy, "set"} else f"list({name}(a))" if name in lazy else "sorted(set(a))"
            if fewest <= 1 <= most and name != "range":
                yield from product_jobs(f"return {call}", POOL)
        for name, (fewest, most, _) in METHODS.items():
            for count in range(fewest, min(most, 2) + 1):
                call = f"a.{name}({', '.join('bc'[:count])})"
                call = f"list({call})" if name in ("items", "keys", "values") else call
                yield from product_jobs(f"r = {call}\n    return [r, a]", POOL, *[FEW] * count)

    compared, known = compare(jobs(), engine, cpython)
    assert compared > 0.9 * known > 2_000


def test_all_characters_of_the_subset(engine: Engine, cpython: CodeSandbox) -> None:
    program = """def f(cs):
    out = []
    for c in cs:
        for s in [c, 'a' + c, c + 'a', 'A' + c + 'b', ' ' + c + ' x', '1' + c, 'ab ' + c + 'C']:
            out.append([s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase(), s.casefold(), s.upper().title()])
            out.append([s.isalpha(), s.isdigit(), s.isnumeric(), s.isdecimal(), s.isalnum(), s.isupper(), s.islower()])
            out.append([s.isspace(), s.istitle(), s.strip(), s.split(), s.splitlines(), repr(s), s.lower().title(), len(s)])
    return out"""
    characters = [chr(code) for code in range(MAX_CHAR + 1) if chr(code) != "%"]
    parts = [characters[start : start + 12] for start in range(0, len(characters), 12)]
    limits = Limits(cpu_s=2, output_bytes=1 << 20)
    jobs = [Job(program=program, calls=(canonical(part),), limits=limits) for part in parts]
    assert compare(jobs, engine, cpython) == (len(parts), len(parts))


@pytest.mark.parametrize("convert", ["int(s)", "float(s)", "int(s, 16)", "int(s, 0)"])
def test_numbers_as_text(convert: str, engine: Engine, cpython: CodeSandbox) -> None:
    texts = "0 -0 +1 --1 1_0 1__0 _1 1_ 0b1 0o7 0xf 0x_f 1e5 1e e5 1. . .5 -.5 1_0.5_5 1_.5 inf -Infinity nan 007 zz".split()
    texts += ["", " 1 ", "\n1\t", "\x1c1", "\x1f1", "\x851", "\xa01", "1\x00", "1 2", "²", "½", "1e400", "-1e400", "1e-400"]
    texts += ["9" * 400, "0" * 400 + "1", "0" * 5_000, "9" * 4_300, "1_0" * 2_000, "0." + "1" * 400]
    jobs = [Job(program=f"def f(s):\n    return {convert}", calls=tuple(repr(text) for text in texts))]
    compared, known = compare(jobs, engine, cpython)
    assert compared >= 0.8 * known > 0


def test_floats(engine: Engine, cpython: CodeSandbox) -> None:
    rng = random.Random(5)
    floats = [struct.unpack("d", rng.randbytes(8))[0] for _ in range(300)]
    floats += [rng.uniform(-1e3, 1e3) for _ in range(300)] + [
        round(rng.uniform(-99, 99), rng.randint(0, 4)) for _ in range(300)
    ]
    floats += [rng.getrandbits(50) + rng.choice((0.25, 0.75, 0.125)) for _ in range(200)]  # between two shortest texts
    floats = [number for number in floats if math.isfinite(number)]
    ints = [rng.randint(-20, 20) if rng.random() < 0.6 else rng.getrandbits(rng.randint(1, 120)) for _ in floats]
    expressions = [
        *("str(u)", "f'{u}'", "f'{u:.2f}'", "f'{u:.0f}'", "f'{u:e}'", "f'{u:,.2f}'", "f'{u:10.3f}'", "f'{u:.3}'"),
        *(f"round(u, {digits})" for digits in (0, 1, 2, 3, 10)),
        *(
            "round(u)",
            "int(u)",
            "u + n",
            "u * n",
            "u / (n or 1)",
            "u // (n or 1)",
            "u % (n or 1)",
            "n / (u or 1)",
            "n % (u or 1)",
        ),
        *("n / (n + 7)", "u < n", "u == n", "max(u, n)", "abs(u) ** 0.5", "abs(u) ** 0.3", "u ** 3", "sum([u, n, 0.1, u])"),
        "sorted([u, n, -u])",
    ]
    programs = [f"def f(u, n):\n    return {expression}" for expression in expressions]
    calls = [f"{canonical(u)}, {n}" for u, n in zip(floats, ints, strict=True)]
    parts = [tuple(calls[start : start + 100]) for start in range(0, len(calls), 100)]
    compared, known = compare((Job(program=p, calls=part) for p in programs for part in parts), engine, cpython)
    assert compared > 0.9 * known > 20_000


DIFFERENCES = {
    "equal keys of other types": ("def f(k):\n    d = {1: 'a'}\n    d[k] = 'b'\n    return d", "True"),
    "equal keys from pairs": ("def f(xs):\n    return dict(zip(xs, 'ab'))", "[1, 1.0]"),
    "equal keys in a comprehension": ("def f(xs):\n    return {x: 1 for x in xs}", "[True, 1]"),
    "negative zero as a key": ("def f(x):\n    d = {x: 1}\n    d[-x] = 2\n    return d", "0.0"),
    "rounding to digits": ("def f(x):\n    return round(x, 2)", "2.675"),
    "rounding away everything": ("def f(x, n):\n    return round(x, -n)", "5, 99999999"),
    "last digit of a float": ("def f(x):\n    return str(x)", "-796931683952120.25"),
    "last digit in a list": ("def f(x):\n    return f'{[x]}'", "900719925474099.25"),
    "NaN in a list": ("def f(x):\n    y = x - x\n    return [y] == [y], y in [y]", "1e999"),
    "NaN sorted": ("def f(xs):\n    ys = sorted([xs[0] * 0.0, *xs])\n    return ys[1:] == xs, len(ys)", "[1e999, 1.0, 2.0]"),
    "repeat in place": ("def f(x):\n    y = x\n    x *= 2\n    return y", "[1]"),
    "repeat in place in a list": ("def f(x):\n    y = x[0]\n    x[0] *= 2\n    return y", "[[1]]"),
    "nothing repeated too often": ("def f(s, n):\n    return s * n", "'', 9223372036854775808"),
    "a list repeated less than never": ("def f(x, n):\n    return [x] * n", "1, -9223372036854775809"),
    "counting beyond a machine word": ("def f(x, n):\n    return list(enumerate(x, n))", "'ab', 9223372036854775807"),
    "direction of another type": ("def f(x):\n    return sorted(x, reverse='yes')", "[1, 2]"),
    "line ends of another type": ("def f(s, k):\n    return s.splitlines(k)", "'a', None"),
    "slice of a dict": ("def f(d):\n    d[1:] = [2]\n    return len(d)", "{}"),
    "format of None": ("def f(x):\n    return f'{x:>5}'", "None"),
    "format of a list": ("def f(x):\n    return f'{x:5}'", "[1]"),
    "format of a dict": ("def f(x):\n    return f'{x:.2}'", "{'a': 1}"),
    "zeros beyond 4,300 digits": ("def f(n):\n    return int('0' * n)", "5000"),
    "endless depth": ("def f(n):\n    a = []\n    for _ in range(n):\n        a = [a]\n    return len(str(a))", "3000"),
    "recursion": ("def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)", "995"),
    "character of a newer Unicode": ("def f(n):\n    return chr(n).upper()", "411"),
    "per cent made by a program": ("def f(n):\n    return (chr(n) + 'c') % 960", "37"),
    "per cent handed in": ("def f(s, n):\n    return s % n", "'%c', 960"),
    "a range returned": ("def f(n):\n    return range(n)", "3"),
    "a range in a list": ("def f(n):\n    return [range(n)[::2]]", "3"),
    "a function called with a type": ("def f(x):\n    return str(isinstance)", "1"),
    "a list in itself": ("def f(a):\n    a.append(a)\n    return a", "[1]"),
    "eager any": ("def f(xs):\n    return any(1 // x for x in xs)", "[1, 0]"),
    "complex": ("def f(x):\n    return (x ** 0.5) == (x ** 0.5)", "-8.0"),
    "a dict grown while read": ("def f(d):\n    for k in d:\n        d[k + 1] = 0\n    return d", "{1: 1}"),
    "an element removed while read": ("def f(xs):\n    for x in xs:\n        xs.remove(x)\n    return xs", "[1, 2, 3, 4]"),
    "enumerate while growing": (
        "def f(xs):\n    for i, x in enumerate(xs):\n        if i < 3:\n            xs.append(x)\n    return xs",
        "[1, 2]",
    ),
    "a key that reads the sorted list": ("def f(xs):\n    xs.sort(key=lambda x: xs.count(x))\n    return xs", "[2, 1, 1]"),
    "aliases in two calls": ("def f(a, b):\n    a.append(1)\n    return b", "[0], [0]"),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_known_differences_do_not_get_through(name: str, engine: Engine, cpython: CodeSandbox) -> None:
    """Each of these came out differently, or could have, before there was a rule or a guard against it."""
    program, call = DIFFERENCES[name]
    compare([Job(program=program, calls=(call,), determinism=True)], engine, cpython)


def test_comparison_notices_differences(engine: Engine, cpython: CodeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the guards, the tests above would fail: three of them, taken away one by one."""
    from sandboxes.monty import engine as module
    from sandboxes.monty import prelude

    for guard, harmless, name in (
        ("round", "def __round(number, digits=None):\n    return round(number, digits)\n", "rounding to digits"),
        ("key", "def __key(key):\n    return key\n", "equal keys of other types"),
        ("scale", "def __scale(a, b):\n    return b\n", "repeat in place"),
    ):
        program, call = DIFFERENCES[name]
        module._engine_text.cache_clear()
        with monkeypatch.context() as patched:
            patched.setitem(prelude._PRELUDE, guard, f"\n{harmless}")
            with pytest.raises(AssertionError, match="called with"):
                compare([Job(program=program, calls=(call,))], engine, cpython)
        module._engine_text.cache_clear()
        compare([Job(program=program, calls=(call,))], engine, cpython)
