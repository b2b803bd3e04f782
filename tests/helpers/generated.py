"""A seeded generator of varied programs with calls: most are honest, the others fail in each way that a sandbox can report.

Expressions are typed and grow at random; statements bind what later ones use. Sizes are kept small (texts and lists are cut,
numbers reduced), so that an honest call takes well under a millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from sandboxes import Job, Limits

WORDS = "to be or not a tide in the affairs of men once more unto breach".split()
MODULES = """
    bisect collections copy dataclasses datetime decimal fractions functools hashlib heapq itertools json math operator re
    statistics textwrap
""".split()

# What an expression of each type may be made of; an upper-case word stands for another expression. One rule a line, or ` ; `.
GRAMMAR = """
INT: INT + INT ; INT - INT ; INT * INT % 9973 ; INT // INT ; INT % INT ; abs(INT) ; max(INT, INT) ; -INT ; len(STR) ; sum(INTS)
INT: INT if BOOL else INT ; COUNTS.get(STR, INT) ; (INTS or [0])[-(INT % 2)] ; STR.count(STR) ; int(BOOL)
INT: round(FLOAT) ; INT & INT ; INT << 3 ; math.gcd(INT, INT) ; math.isqrt(abs(INT))
INT: bisect.bisect(INTS, INT) ; functools.reduce(operator.xor, INTS, INT)
INT: len(SET) ; ord((STR + 'x')[0]) ; int(STR[:2] if STR.isdecimal() else INT) ; next(iter(INTS), INT)
INT: (lambda n: n * 2)(INT) ; sum(1 for n in INTS if n > INT)
FLOAT: INT / INT ; FLOAT + FLOAT ; FLOAT * 0.5 ; math.sqrt(abs(FLOAT)) ; float(INT) ; math.sin(FLOAT) ; FLOAT ** 2 % 97
FLOAT: statistics.mean(INTS) ; math.log1p(abs(FLOAT)) ; min(FLOAT, FLOAT) ; sum(INTS) / max(1, len(INTS)) ; math.hypot(INT, INT)
STR: (STR + STR)[:40] ; STR.upper() ; STR.title() ; STR[::-1] ; STR.replace(STR, STR)[:40] ; ' '.join(WORDS)[:60] ; str(INT)
STR: format(INT, '>6') ; '{:.3f}'.format(FLOAT) ; '%s-%05d' % (STR, INT) ; (WORDS + [STR])[INT % 2] ; STR.strip('ab')
STR: re.sub('[aeiou]', '', STR) ; json.dumps(COUNTS, sort_keys=True)[:60] ; textwrap.shorten(STR, 12) ; repr(INTS)[:40]
STR: hashlib.sha256(STR.encode()).hexdigest()[:8] ; (datetime.date(2024, 1, 1) + datetime.timedelta(days=INT % 999)).isoformat()
STR: str(fractions.Fraction(INT, INT)) ; str(decimal.Decimal(INT) / 7) ; max(WORDS, key=len)
STR: ''.join(sorted(STR)) ; chr(97 + INT % 26)
BOOL: INT > INT ; STR in WORDS ; not BOOL ; BOOL and BOOL ; FLOAT < FLOAT ; STR.isalpha() ; INT in SET
BOOL: all(INTS) ; INTS == INTS ; any(INTS) ; isinstance(INT, int) ; bool(re.match('[a-m]', STR))
BOOL: STR <= STR ; INT % 2 == 0 ; COUNTS == COUNTS
INTS: [INT, INT] ; sorted(INTS) ; INTS[::-1] ; [n * n % 997 for n in INTS] ; [n for n in INTS if n % 2] ; (INTS + INTS)[:20]
INTS: list(map(len, WORDS)) ; list(range(INT % 9)) ; sorted(SET) ; heapq.nsmallest(3, INTS)
INTS: list(itertools.accumulate(INTS))[:9] ; list(COUNTS.values()) ; [a + b for a, b in zip(INTS, INTS)]
INTS: [ord(char) for char in STR][:20] ; copy.deepcopy(INTS)
INTS: [*collections.deque(INTS, maxlen=3)] ; list(filter(None, INTS)) ; [*{n: n for n in INTS}] ; sorted(INTS, key=lambda n: -n)
WORDS: STR.split() ; [STR, STR] ; sorted(WORDS) ; [word[::-1] for word in WORDS] ; re.findall('[a-z]+', STR) ; list(STR)[:9]
WORDS: [word for word, _ in collections.Counter(WORDS).most_common(2)] ; list(dict.fromkeys(WORDS)) ; list(COUNTS)
WORDS: [''.join(pair) for pair in itertools.combinations(STR[:4], 2)] ; [str(n) for n in INTS][:9] ; STR.splitlines()
COUNTS: dict(collections.Counter(WORDS)) ; {word: len(word) for word in WORDS} ; dict(zip(WORDS, INTS)) ; {**COUNTS, STR: INT}
COUNTS: {key: value for key, value in COUNTS.items() if value > 1} ; json.loads(json.dumps(COUNTS))
COUNTS: dict(sorted(COUNTS.items())) ; copy.copy(COUNTS)
SET: set(INTS) ; {INT, INT} ; SET | SET ; SET & SET ; {n % 5 for n in INTS} ; set(map(len, WORDS)) ; SET - {INT} ; SET ^ SET
"""
RULES: dict[str, list[str]] = {}
for _line in GRAMMAR.strip().splitlines():
    _kind, _, _rules = _line.partition(": ")
    RULES.setdefault(_kind, []).extend(_rules.split(" ; "))
_NONTERMINAL = re.compile(rf"\b({'|'.join(RULES)})\b")

# Statements, their lines parted by bars; `NAME:INT` is a new name, which holds an integer from then on.
STATEMENTS = """
NAME:INT = INT
NAME:STR = STR
NAME:INTS = INTS
NAME:WORDS = WORDS
NAME:COUNTS = COUNTS
NAME:FLOAT = FLOAT
NAME:SET = SET
NAME:INTS = []|for n in INTS[:5]:|    if BOOL: continue|    NAME.append(n + INT)
NAME:INT = 0|while NAME < 5:|    NAME += 1|    if BOOL: break
NAME:STR = ''|for word in WORDS[:4]:|    NAME += word[:3]|else:|    NAME += STR
NAME:INT = INT|try:|    NAME = INT // INT|except ZeroDivisionError:|    NAME = INT|finally:|    NAME += 1
NAME:INT = INT|try:|    NAME = INTS[INT]|except (IndexError, KeyError) as error:|    NAME = len(str(error))
NAME:INT = INT|def inner(n, k=INT):|    nonlocal NAME|    NAME += n|    return n * k % 97|NAME = inner(INT) + inner(NAME)
def walk(n):|    return 1 if n < 2 else (walk(n - 1) + walk(n - 2)) % 997|NAME:INT = walk(abs(INT) % 9)
@functools.lru_cache|def ways(n):|    return n if n < 3 else ways(n - 1) * 2 + ways(n - 3)|NAME:INT = ways(abs(INT) % 30) % 9973
def each(items):|    for item in items:|        yield item|        if BOOL: return|NAME:INTS = list(each(INTS))
class Pair:|    def __init__(self, *a): self.a = a|    def total(self): return sum(self.a)|NAME:INT = Pair(INT, INT).total()
class Odd(ValueError): pass|try:|    if BOOL: raise Odd(STR)|    NAME:STR = STR|except Odd as error:|    NAME = str(error)
@dataclasses.dataclass(order=True)|class Item:|    n: int|    text: str = ''|NAME:STR = repr(max(Item(INT), Item(INT, STR)))
match (INT % 3, STR):|    case (0, text): NAME:STR = text|    case (1, _): NAME = STR|    case _: NAME = 'other'
heap = list(INTS)|heapq.heapify(heap)|NAME:INTS = [heapq.heappop(heap) for _ in range(min(3, len(heap)))]
first, *NAME:INTS = [INT, *INTS]
table = collections.defaultdict(list)|for word in WORDS: table[len(word)].append(word)|NAME:INTS = sorted(table)
if BOOL:|    return STR, INT
if BOOL: assert INT > INT, STR
"""
_ATOMS: dict[str, Callable[[Random], object]] = {
    "INT": lambda rng: rng.randint(-9, 99),
    "FLOAT": lambda rng: rng.choice((0.5, -1.25, 3.0, 1e9, 0.1)),
    "STR": lambda rng: rng.choice((*WORDS, "", "a b", "42", "Unto\u00e9")),
    "BOOL": lambda rng: rng.random() < 0.5,
    "INTS": lambda rng: [rng.randint(-9, 99) for _ in range(rng.randint(0, 6))],
    "WORDS": lambda rng: rng.choices(WORDS, k=rng.randint(1, 5)),
    "COUNTS": lambda rng: {word: rng.randint(0, 9) for word in rng.sample(WORDS, rng.randint(0, 4))},
    "SET": lambda rng: set(rng.sample(range(30), rng.randint(1, 5))),
}


@dataclass(frozen=True)
class Generated:
    """A job, and the family of programs that it is of."""

    family: str
    job: Job


def generate(rng: Random, count: int) -> list[Generated]:
    """`count` different programs, each with two or three calls, in a mix of families; checked for determinism."""
    made: dict[str, Generated] = {}
    families = [name for name, (share, _) in FAMILIES.items() for _ in range(share)]
    while len(made) < count:
        family = families[len(made) % len(families)]
        program, calls, limits = FAMILIES[family][1](rng)
        made.setdefault(program, Generated(family, Job(program=program, calls=calls, limits=limits, determinism=True)))
    return list(made.values())


class _Writer:
    """The body of one function; knows which names hold values of which type."""

    def __init__(self, rng: Random, names: dict[str, list[str]]) -> None:
        self.rng = rng
        self.names = {kind: names.get(kind, [])[:] for kind in RULES}

    def expression(self, kind: str, depth: int) -> str:
        """An expression of this type, with rules nested `depth` deep at most."""
        if depth == 0 or self.rng.random() < 0.15:
            if self.names[kind] and self.rng.random() < 0.8:
                return self.rng.choice(self.names[kind])
            return repr(_ATOMS[kind](self.rng))
        return self.fill(self.rng.choice(RULES[kind]), depth - 1)

    def fill(self, rule: str, depth: int) -> str:
        """A rule with an expression, in brackets where needed, in each open place."""

        def one(found: re.Match[str]) -> str:
            text = self.expression(found[1], depth)
            return text if re.fullmatch(r"[\w.]+|'\w*'", text) else f"({text})"

        return _NONTERMINAL.sub(one, rule)

    def statement(self, depth: int) -> list[str]:
        """The lines of a statement; the name that it binds can be used by those after it."""
        template = self.rng.choice(STATEMENTS.strip().splitlines())
        bound = re.search(r"NAME:(\w+)", template)
        name = f"x{sum(map(len, self.names.values()))}"
        lines = [self.fill(line, depth) for line in re.sub(r"NAME(:\w+)?", name, template).split("|")]
        if bound:
            self.names[bound[1]].append(name)
        return lines


Made = tuple[str, tuple[str, ...], Limits]
"""A program, its calls and its limits."""


def _program(rng: Random, kinds: list[str]) -> str:
    """An honest program whose function takes arguments of these types, all but the first with a default."""
    names = dict(zip("abc", kinds, strict=False))
    writer = _Writer(rng, {kind: [name for name, of in names.items() if of == kind] for kind in RULES})
    lines: list[str] = []
    for _ in range(rng.randint(2, 5)):
        wrapping = rng.choice(("", "", "", "for _ in range(2):", "if True:", "with contextlib.suppress(ArithmeticError):"))
        indent = "    " if wrapping else ""
        lines += [wrapping] * bool(wrapping) + [indent + line for line in writer.statement(2)]
    returned = [writer.expression(kind, 2) for kind in rng.choices(list(RULES), k=rng.randint(1, 3))]
    first, *others = names
    head = ", ".join([first, *(f"{name}={_ATOMS[names[name]](rng)!r}" for name in others)])
    lines = [f"def f({head}):", *("    " + line for line in [*lines, f"return {', '.join(returned)}"])]
    used = [name for name in (*MODULES, "contextlib") if re.search(rf"\b{name}\.", "\n".join(lines))]
    return "\n".join([*(f"import {name}" for name in used), *lines, ""])


def _calls(rng: Random, kinds: list[str]) -> tuple[str, ...]:
    """Two or three argument lists of these types; a few leave out what has a default, or are no literals, or too long."""
    calls: list[str] = []
    for _ in range(rng.randint(2, 3)):
        values = [repr(_ATOMS[kind](rng)) for kind in kinds]
        chance = rng.random()
        if chance < 0.06:
            values[-1] = rng.choice(("len('x')", "1 + 1", "x", "[n for n in '1']", "open('x')", "*[1]", "1) or (2"))
        elif chance < 0.09:
            values *= 3
        elif chance < 0.2:
            values = values[:1]
        elif chance < 0.4:
            values[-1] = f"{'abc'[len(kinds) - 1]}={values[-1]}"
        calls.append(", ".join(values))
    return tuple(calls)


def _honest(rng: Random) -> Made:
    kinds = rng.choices(list(RULES), k=rng.randint(1, 3))
    return _program(rng, kinds), _calls(rng, kinds), Limits()


def _broken(rng: Random) -> Made:
    text, calls, limits = _honest(rng)
    wrong = (
        ("):", ")"),
        ("return", "return = "),
        ("def f", "def f f"),
        ("    return", "  return"),
        ("f(a", "f(a, a"),
        ("return", "'"),
    )
    old, new = rng.choice(wrong)
    spoiled = (
        text.replace(old, new, 1)
        if rng.random() < 0.7
        else text + rng.choice(("return 1", "\0", "x = '\ud800'", "await x", "break"))
    )
    return spoiled, calls, limits


def _from(bodies: str, arguments: str, limits: Limits | None = None) -> Callable[[Random], Made]:
    """A family made of short bodies, in which `INT`, `WORD` and `SOME` are a number, a word, and some different words."""

    def make(rng: Random) -> Made:
        body = rng.choice([body.strip() for body in bodies.strip().splitlines()])
        some = ", ".join(repr(word + str(rng.randint(0, 999))) for word in rng.sample(WORDS, rng.randint(2, 5)))
        for name, text in (("INT", str(rng.randint(2, 9999))), ("WORD", rng.choice(WORDS)), ("SOME", some)):
            body = body.replace(name, text)
        text = body if "def f" in body or "f =" in body else "def f(a):|    " + body.replace("|", "|    ")
        choices = arguments.split()
        return text.replace("|", "\n"), tuple(rng.choices(choices, k=rng.randint(2, 3))), limits or Limits()

    return make


_MUTATING = """
a.append(INT); a.sort(); return a
a.extend([INT] * 2); return a, a.pop(0)
a.reverse(); a[:0] = [INT]; return a
a += a; del a[1:]; a.insert(0, INT); return a, len(a)
b = a; b *= 2; b.append(INT); return a is b, a
def f(a, b=[]):|    a.append(INT); return a, b
def f(a, b=[]):|    b.append(INT); return a, b
def f(a, b={}):|    b.setdefault(INT, a).append(1); return b
"""
_RAISING = """
raise ValueError(INT)
if a % 2: raise KeyError('WORD')|return INT
class WORDError(Exception): pass|raise WORDError(INT)
try: 1 // 0|except ZeroDivisionError as error: raise RuntimeError(INT) from error
assert a > INT
return {INT: 1}[a]
return [INT][a]
return f(a + INT)
raise SystemExit(INT)
raise StopIteration(INT)
import WORD_of_INT
import os; os._exit(INT % 256)
import os; os.kill(os.getpid(), 9 if INT else 15)
return int('WORD')
return undefined_INT
return a.WORD_INT
return 'WORD' + INT
raise ExceptionGroup('WORD', [ValueError(INT)])
def g(a): return INT|f = INT
def g(a): return INT|def f_(a): return a
def f(a): return a|raise LookupError(INT)
"""
_ORDERED = """
return {SOME}.pop()
return next(iter({SOME}))
return list({SOME})
return ' '.join({SOME})
return str({SOME})
return [*dict.fromkeys({SOME}, a)]
return max({SOME}, key=lambda word: 0)
return hash('WORD') % 3, INT
return [word for word in frozenset([SOME]) if len(word) > a]
return sorted({SOME}, key=len)
return [*set('WORDINT')][a % 2]
"""
_ORDER_FREE = """
return sorted({SOME})
return {SOME}
return {SOME} - {'WORD'}, a
return frozenset({SOME}), INT
return {word: a for word in {SOME}}
return min({SOME}), max({SOME})
return sum(map(len, {SOME})), INT
return {(word, a) for word in {SOME}}
"""
_UNFIT = """
return lambda: INT
return object(), INT
return (n for n in range(INT))
return float('nan'), INT
return range(INT)
return {INT: 1}.keys()
class N(int): pass|return [N(INT)]
class E:|    def __eq__(self, other): return True|return {'WORD': E()}
x = [INT]|for _ in range(80): x = [x]|return x
x = [INT]; x.append(x); return x
return bytearray(INT)
import collections; return type('Counter', (collections.Counter,), {})('WORDINT')
import decimal; return type('Decimal', (decimal.Decimal,), {})(INT)
return f, INT
return type('WORDINT', (), {})()
"""
_LARGE = """
return 'WORD' * a, INT
return [INT] * a
return list(range(INT, INT + a))
return {n: 'WORD' for n in range(a + 1)}, INT
return 1 << a * 9, INT
x = (INT,)|for _ in range(a % 40): x = (x, x)|return x
"""
_HANGING = """
while a: a += 1|return INT
while a:|    try:|        while a: pass|    except BaseException: pass|return INT
import itertools|return sum(itertools.count()) if a else INT
import re|return bool(re.match('(x+)+$', 'x' * 40 * a + 'y')), INT
"""
_HEAVY = """
return len([INT] * (a * 10**9))
return len(bytes(a * 10**10)), INT
return len('WORD' * a * 10**9), INT
x = [INT]|while a: x += x|return x
try: return len([INT] * a * 10**10)|except MemoryError: return 'WORD'
"""
_UNSTABLE = """
import random; return random.random() + INT
import random; return random.sample(range(10**6), 3), INT
import time; return time.time_ns() + INT
import os; return os.urandom(INT % 9 + 4)
import uuid; return str(uuid.uuid4()), INT
f.n = getattr(f, 'n', INT) + 1; return f.n
return id(object()) + id([]) + INT
return str(object()), INT
n = iter(range(INT, 10**6))|def f(a): return next(n)
seen = []|def f(a):|    seen.append(INT); return a, seen
"""
NUMBERS = "0 1 2 -3 7 a=5"
LISTS = "[] [3,1,2] [5] a=[2,1] [[1],[2]] 'text'"
# How many of six hundred programs are of each family.
FAMILIES: dict[str, tuple[int, Callable[[Random], Made]]] = {
    "honest": (314, _honest),
    "mutating": (40, _from(_MUTATING, LISTS)),
    "raising": (50, _from(_RAISING, NUMBERS)),
    "ordered": (60, _from(_ORDERED, NUMBERS)),
    "order-free": (20, _from(_ORDER_FREE, NUMBERS)),
    "broken": (30, _broken),
    "unfit": (30, _from(_UNFIT, NUMBERS)),
    "large": (20, _from(_LARGE, "1 30 30000", Limits(output_bytes=200, memory_mib=64))),
    "hanging": (6, _from(_HANGING, "0 1", Limits(cpu_s=0.2, wall_s=4))),
    "sleeping": (2, _from("import time; time.sleep(INT); return a", "1 2", Limits(idle_s=0.05))),
    "heavy": (8, _from(_HEAVY, "0 1", Limits(memory_mib=32))),
    "unstable": (20, _from(_UNSTABLE, NUMBERS)),
}
