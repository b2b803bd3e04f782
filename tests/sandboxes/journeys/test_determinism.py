"""Results that depend on hashing, addresses, clocks, chance or an earlier call are nondeterministic, and no others."""

from __future__ import annotations

import pytest

from sandboxes import Job, Status
from tests.helpers.arena import Arena, Case, check

WORDS = "{'tick', 'tock', 'to', 'be', 'or', 'not'}"


UNSTABLE = {
    "an element of a set": f"return {WORDS}.pop()",
    "the first of a set": f"return next(iter({WORDS}))",
    "a set joined": f"return ''.join({WORDS})",
    "a set printed": f"return str({WORDS})",
    "the keys of a dict made from a set": f"return [*dict.fromkeys({WORDS}, 1)]",
    "the longest of a set": f"return max({WORDS}, key=lambda word: 0)",
    "a set of characters": "return [*set('abcdefgh')]",
    "keys in common": "return [*(dict.fromkeys('abcdef').keys() & dict.fromkeys('fedcba').keys())]",
    "the hash of bytes": "return hash(b'text')",
    "the hash of a frozenset": "return hash(frozenset('ab'))",
    "the hash of a class": "return hash(type('X', (), {}))",
    "the address of a function": "return repr(f)",
    "a clock": "import time; return time.perf_counter_ns(), time.monotonic()",
    "CPU time": "import time; return time.process_time_ns()",
    "now": "import datetime; return datetime.datetime.now().isoformat()",
    "a token": "import secrets; return secrets.token_hex()",
    "a shuffle": "import random; x = list(range(99)); random.shuffle(x); return x",
    "a default that grows": "def g(x=[]):\n    x.append(1); return len(x)\nf.g = getattr(f, 'g', g); return f.g()",
    "an iterator at module level": "import itertools; k = globals().setdefault('k', itertools.count()); return next(k)",
    "a module as a notebook": "import math; math.n = getattr(math, 'n', 0) + 1; return math.n",
    "its own frame": "import sys; return id(sys._getframe()) + id(object())",
}


@pytest.mark.parametrize("body", UNSTABLE.values(), ids=UNSTABLE)
def test_nondeterministic(arena: Arena, body: str) -> None:
    check(arena, Case(body, Status.NONDETERMINISTIC), determinism=True)


STABLE = {
    "a set of texts": (f"return {WORDS}", "{'be', 'not', 'or', 'tick', 'to', 'tock'}"),
    "frozensets in sets": ("return {frozenset('ba'), frozenset('c')}", "{frozenset({'a', 'b'}), frozenset({'c'})}"),
    "a set in order": (f"return sorted({WORDS})[0]", "'be'"),
    "an argument that changes": ("host['n'] = host.get('n', 0) + 1; return host['n']", "1"),
    "a generator with a seed": ("import random; return random.Random(7).random() < 2", "True"),
    "a counter of its own": ("n = 0\ndef g():\n    nonlocal n\n    n += 1\n    return n\nreturn [g(), g()]", "[1, 2]"),
}


@pytest.mark.parametrize(("body", "value"), STABLE.values(), ids=STABLE)
def test_deterministic(arena: Arena, body: str, value: str) -> None:
    check(arena, Case(body, Status.OK, value), determinism=True)


def test_equal_inputs_are_different_objects(arena: Arena) -> None:
    text = "def f(x, y):\n    x.append(1); x[0].append(2)\n    return x is y, x, y"
    outcome = arena.face(Job(program=text, calls=("[[]], [[]]",) * 3, determinism=True))
    assert [call.value for call in outcome.calls] == ["(False, [[2], 1], [[]])"] * 3
