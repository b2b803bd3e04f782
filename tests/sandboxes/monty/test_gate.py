"""What the gate lets in, and what it keeps out and why."""

from __future__ import annotations

import re

import pytest

from sandboxes.monty.gate import admit, monty_accepts
from sandboxes.monty.program import Refused

ACCEPTED = {
    "plain": "def f(x):\n    return x",
    "docstring and annotations": (
        "from typing import List, Optional, Dict, Tuple\n"
        "def f(x: List[int], y: 'Any thing' = 3) -> Optional[Dict[str, int]]:\n    'Says.'\n"
        "    total: int = 0\n    return total"
    ),
    "builtin generics": "def f(x: list[int] | None, y: tuple[int, ...]) -> dict[str, list]:\n    return {}",
    "helpers and recursion": (
        "def g(n):\n    return 1 if n < 2 else n * g(n - 1)\ndef f(n):\n    return [g(i) for i in range(n)]"
    ),
    "loops": (
        "def f(xs):\n    out = []\n    for i, x in enumerate(xs):\n        out.append(i * x)\n"
        "    while out and out[-1] > 3:\n        out.pop()\n    return out"
    ),
    "enumerate while changing what it reads": (
        "def f(xs):\n    for i, x in enumerate(xs):\n        xs[i] = x + 1\n    return xs"
    ),
    "zip beside a fresh list": (
        "def f(a, b):\n    out = []\n    for x, y in zip(a, b):\n        out.append(x - y)\n    return out"
    ),
    "lambda": "def f(xs):\n    double = lambda q: q * 2\n    return sorted(map(double, xs), key=lambda q: -q)",
    "sets without order": (
        "def f(xs):\n    seen = set()\n    out = []\n    for x in xs:\n        if x not in seen:\n"
        "            seen.add(x)\n            out.append(x)\n"
        "    return out, len(set(xs)), sorted(set(xs)), set(out) == seen"
    ),
    "math": "import math\ndef f(x):\n    return math.sqrt(x) * math.pi",
    "constants": "LIMIT = -5\nPAIR = (1, 'a')\ndef f(x, *, z=(1, 2)):\n    return PAIR[0] + LIMIT",
    "raise and assert": (
        "def f(x):\n    assert x > 0, f'not {x}'\n    if x > 5:\n        raise ValueError('big: ' + str(x))\n    return x"
    ),
    "print": "def f(x):\n    print('x', x)\n    return x",
    "del": "def f(d, k):\n    del d[k]\n    return d",
    "f-string": "def f(x):\n    return f'{x!r:>5}|{x}|{{}}'",
    "views read at once": "def f(d):\n    return sum(d.values()), sorted(d.items()), [k for k in d.keys()]",
    "latin text": "def f(x):\n    return 'é' + x",
}
REFUSED: dict[str, tuple[str, str]] = {
    "no entry point": ("no entry point", "def g(x):\n    return x"),
    "async": ("no entry point", "async def f(x):\n    return x"),
    "does not compile": ("SyntaxError", "def f(x):\n    return ("),
    "break outside a loop": ("SyntaxError", "def f(x):\n    break"),
    "long": ("longer", "def f(x):\n    return 1\n" + "# more\n" * 2_000),
    "deep": ("SyntaxError", "def f(x):\n    return " + "(" * 1_000 + "1" + ")" * 1_000),
    "try": ("Try", "def f(x):\n    try:\n        return 1 / x\n    except Exception:\n        return 0"),
    "with": ("With", "def f(x):\n    with x:\n        return 1"),
    "class": ("a module-level statement", "class A:\n    pass\ndef f(x):\n    return x"),
    "import": ("a module-level statement", "import os\ndef f(x):\n    return x"),
    "import from": ("a module-level statement", "from random import random\ndef f(x):\n    return random()"),
    "mutable module state": ("a module-level statement", "seen = []\ndef f(x):\n    seen.append(x)\n    return seen"),
    "module-level effect": ("a module-level statement", "def f(x):\n    return x\nprint(f(3))"),
    "yield": ("Yield", "def f(x):\n    yield x"),
    "global": ("Global", "n = 0\ndef f(x):\n    global n\n    n += x\n    return n"),
    "nonlocal": ("Nonlocal", "def f(x):\n    def g():\n        nonlocal x\n        x += 1\n    g()\n    return x"),
    "walrus": ("NamedExpr", "def f(x):\n    return (y := x)"),
    "match": ("Match", "def f(x):\n    match x:\n        case 1:\n            return 2"),
    "decorator": ("a decorator", "def d(g):\n    return g\n@d\ndef f(x):\n    return x"),
    "math unimported": ("math without its import", "def f(x):\n    return math.sqrt(x)"),
    "inexact math": ("call of math.sin", "import math\ndef f(x):\n    return math.sin(x)"),
    "eval": ("call of eval", "def f(x):\n    return eval(x)"),
    "getattr": ("call of getattr(x, 'upper')", "def f(x):\n    return getattr(x, 'upper')()"),
    "dunder attribute": ("attribute __class__", "def f(x):\n    return x.__class__"),
    "dunder name": ("name __name__", "def f(x):\n    return __name__"),
    "reserved argument": ("a reserved name", "def f(__plain):\n    return __plain"),
    "reserved keyword": ("a reserved name", "def g(**k):\n    return k\ndef f(x):\n    return g(__a=x)"),
    "rebound builtin": ("a reserved name", "def f(x):\n    len = x\n    return len"),
    "unknown builtin": ("call of hash", "def f(x):\n    return hash(x)"),
    "input": ("call of input", "def f(x):\n    return input()"),
    "print as a value": ("call of print", "def f(x):\n    return print(x)"),
    "identity": ("identity", "def f(x):\n    return x is 5"),
    "mutable default": ("a default", "def f(x, acc=[]):\n    acc.append(x)\n    return acc"),
    "function attribute": ("attribute n", "def f(x):\n    f.n = x\n    return x"),
    "function as a value": ("name g", "def g(x):\n    return x\ndef f(x):\n    return str(g)"),
    "lambda as a value": ("a function as a value", "def f(x):\n    return [lambda: x]"),
    "function bound twice": (
        "a function bound twice",
        "def g(x):\n    return 1\ndef g(x):\n    return 2\ndef f(x):\n    return g(x)",
    ),
    "builtin as a value": ("name len", "def f(x):\n    return [len]"),
    "bound method": ("attribute count", "def f(x):\n    return list(map(x.count, x))"),
    "lazy value kept": ("a lazy value", "def f(x):\n    m = map(str, x)\n    return list(m), list(m)"),
    "lazy value returned": ("a lazy value", "def f(x):\n    return enumerate(x)"),
    "lazy truth": ("a lazy value", "def f(x):\n    return bool(filter(None, x))"),
    "generator kept": ("a lazy value", "def f(x):\n    g = (y for y in x)\n    return list(g)"),
    "zip over what the body changes": (
        "a loop that may change what it reads",
        "def f(xs):\n    for a, b in zip(xs, xs[1:]):\n        xs.append(a)\n    return xs",
    ),
    "reversed over an alias": (
        "a loop that may change what it reads",
        "def f(xs):\n    ys = xs\n    for x in reversed(xs):\n        ys[0] = x\n    return xs",
    ),
    "zip while a function changes it": (
        "a loop that may change what it reads",
        "def g(xs):\n    xs.pop()\ndef f(xs):\n    for a, b in zip(xs, xs):\n        g(xs)\n    return xs",
    ),
    "dict filled and emptied while read": (
        "a loop that may change what it reads",
        "def f(d):\n    for k in d:\n        d[k] = d.pop(k)\n    return d",
    ),
    "map in a loop reading a changed name": (
        "a loop over calls",
        (
            "def f(xs):\n    n = 0\n    out = []\n    for y in map(lambda q: q + n, xs):\n        n += 1\n"
            "        out.append(y)\n    return out"
        ),
    ),
    "effect in a comprehension": ("an effect in an expression", "def f(xs):\n    return [xs.pop() for x in (1, 2)]"),
    "effect in a lambda": ("an effect in an expression", "def f(xs):\n    return list(map(lambda q: xs.pop(), [1, 2]))"),
    "effectful function handed on": (
        "an effect in an expression",
        "def g(q, log=None):\n    q.append(1)\n    return q\ndef f(xs):\n    return list(map(g, xs))",
    ),
    "set order": ("a set in the open", "def f(x):\n    return list(set(x))"),
    "set loop": ("a set in the open", "def f(x):\n    for y in set(x):\n        return y"),
    "set in a comprehension": ("a set in the open", "def f(x):\n    s = set(x)\n    return [y for y in s]"),
    "set popped": ("a set in the open", "def f(x):\n    s = set(x)\n    return s.pop()"),
    "set sorted by a key": ("a set in the open", "def f(x):\n    return sorted(set(x), key=len)"),
    "set from outside": ("a set in the open", "def g(s):\n    return list(s)\ndef f(x):\n    s = set(x)\n    return g(s)"),
    "set of a view": ("a view in the open", "def f(d, e):\n    return list(d.keys() & e.keys())"),
    "view kept": ("a view in the open", "def f(d):\n    k = d.keys()\n    return list(k - k)"),
    "bytes": ("a constant", "def f(x):\n    return b'a'"),
    "complex": ("a constant", "def f(x):\n    return 1j"),
    "non-latin text": ("a constant", "def f(x):\n    return '日' + x"),
    "surrogate": ("a constant", "def f(x):\n    return '\\ud800'"),
    "per cent formatting": ("% formatting", "def f(x):\n    return '%s' % x"),
    "format method": ("call of '{:>5}'.format", "def f(x):\n    return '{:>5}'.format(x)"),
    "nested format": ("a format", "def f(x):\n    return f'{x:{x}}'"),
    "character format": ("a format", "def f(x):\n    return f'{x:c}'"),
    "annotation that raises": ("an annotation", "def f(x: nothing) -> int:\n    return x"),
    "annotation of a wrong arity": ("an annotation", "from typing import Dict\ndef f(x: Dict[int]):\n    return x"),
    "annotation that calls": ("an annotation", "def f(x: print('hello')):\n    return x"),
    "find with a start": ("arguments of x.find", "def f(x):\n    return x.find('', 9)"),
    "dict changed in place": ("a dict changed in place", "def f(d):\n    d |= [(True, 1)]\n    return d"),
    "deep comprehensions": (
        "deep comprehensions",
        "def f(x):\n    return [[[[d for d in range(1)] for c in range(1)] for b in range(1)] for a in range(1)]",
    ),
    "message that binds": ("a message", "def f(x):\n    assert x, (y := 3)\n    return y"),
}
"""The reason and the program."""


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    admit(ACCEPTED[name], "f")
    assert monty_accepts(ACCEPTED[name], "f")


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    reason, program = REFUSED[name]
    with pytest.raises(Refused, match=re.escape(reason)):
        admit(program, "f")
    assert not monty_accepts(program, "f")


def test_another_entry_point() -> None:
    assert monty_accepts("def solve(x):\n    return x", "solve")
    assert not monty_accepts("def solve(x):\n    return x", "f")
