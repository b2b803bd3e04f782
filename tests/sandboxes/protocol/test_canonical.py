"""Canonical text: fixed forms, refusals, and that reading it back gives the same value."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes import CallOutcome, NotALiteral, Status, canonical, parse_literal, same_value
from sandboxes.protocol.canonical import MAX_DEPTH, NotSerialisable, TooLarge


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (True, "True"),
        (-0.0, "-0.0"),
        (math.inf, "1e999"),
        (-math.inf, "-1e999"),
        ("it's\ud800", '"it\'s\\ud800"'),
        (b"\x00", "b'\\x00'"),
        (None, "None"),
        (1 + 2j, "(1+2j)"),
        (complex(-math.inf, 1), "(-1e999+1.0j)"),
        ([1, (2,), ()], "[1, (2,), ()]"),
        ({"b": 1, "a": 2}, "{'b': 1, 'a': 2}"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (set(), "set()"),
        (frozenset({2, 1}), "frozenset({1, 2})"),
        (frozenset(), "frozenset()"),
        ({}, "{}"),
    ],
)
def test_canonical_forms(value: Any, text: str) -> None:
    assert canonical(value) == text
    assert canonical(parse_literal(text)) == text


Point = namedtuple("Point", "x y")


class Pair(NamedTuple):
    """A typed one, whose method does not matter."""

    left: int
    right: int = 2

    def total(self) -> int:
        return self.left + self.right


LAST = OrderedDict(b=1, a=2)
LAST.move_to_end("b")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Counter("aab"), "Counter({'a': 2, 'b': 1})"),
        (Counter(), "Counter({})"),
        (defaultdict(list, {1: [2]}), "defaultdict(None, {1: [2]})"),
        (LAST, "OrderedDict({'a': 2, 'b': 1})"),
        (Point(1, [2]), "namedtuple('Point', ('x', 'y'), (1, [2]))"),
        (namedtuple("Empty", "")(), "namedtuple('Empty', (), ())"),
        (Pair(1), "namedtuple('Pair', ('left', 'right'), (1, 2))"),
        (Fraction(2, -4), "Fraction(-1, 2)"),
        (Fraction(7**6_000), f"Fraction({hex(7**6_000)}, 1)"),
        (Decimal("1.50"), "Decimal('1.50')"),
        (Decimal("-1e999999999"), "Decimal('-1E+999999999')"),
        (Decimal("inf"), "Decimal('Infinity')"),
        ([{"a": (Counter(a=Fraction(1, 3)),)}], "[{'a': (Counter({'a': Fraction(1, 3)}),)}]"),
        ({Point(1, Decimal(2))}, "{namedtuple('Point', ('x', 'y'), (1, Decimal('2')))}"),
        ({Fraction(1, 2): defaultdict(int, {True: LAST})},
         "{Fraction(1, 2): defaultdict(None, {True: OrderedDict({'a': 2, 'b': 1})})}"),
    ],
)  # fmt: skip
def test_library_types_are_written_and_read_where_asked_for(value: Any, text: str) -> None:
    assert canonical(value) == text
    assert canonical(parse_literal(text, library=True)) == text
    with pytest.raises(NotALiteral):
        parse_literal(text)


class _Equal:
    """Equals everything, and would be called to say so."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        raise AssertionError


class _Counter(Counter):
    pass


class _Sub(Point):
    pass


class _Agreeable(NamedTuple):
    x: int

    def __eq__(self, other: object) -> bool:
        return True


class _Plain(tuple):
    _fields = ("x",)


ODD = namedtuple("Odd", "x")
ODD.__name__ = "Odd', eval("


@pytest.mark.parametrize(
    "value",
    [
        _Counter("a"),
        type("Counter", (dict,), {})(),
        type("Decimal", (), {"__str__": lambda self: "1", "__module__": "decimal"})(),
        type("Fraction", (Fraction,), {"__module__": "fractions"})(1),
        type("OrderedDict", (OrderedDict,), {})(),
        _Sub(1, 2),
        _Agreeable(1),
        _Plain((1,)),
        ODD(1),
        Decimal("nan"),
        Decimal("snan"),
        Counter(a=math.nan),
        [Counter(a=_Equal())],
        Point(1, _Equal()),
        OrderedDict(a=_Equal()),
        deque(),
        UserDict(),
        bytearray(),
    ],
    ids=range(18),
)
def test_whoever_is_not_exactly_of_a_library_type_is_refused(value: Any) -> None:
    with pytest.raises(NotSerialisable):
        canonical(value)


def test_library_types_are_as_deep_and_as_long_as_others() -> None:
    deep: Any = Counter()
    for _ in range(MAX_DEPTH // 2 - 1):
        deep = Counter(a=deep)
    assert canonical(parse_literal(canonical(deep), library=True)) == canonical(deep)
    with pytest.raises(NotSerialisable):
        canonical(Counter(a=deep))
    with pytest.raises(NotALiteral):
        parse_literal(f"Counter({{'a': {canonical(deep)}}})", library=True)
    deep["a"] = deep
    with pytest.raises(NotSerialisable):
        canonical(deep)
    for value in ([Counter()] * 100, Fraction(1 << 10**6), Decimal("1" * 200), Point("x" * 90, 1), [Point(1, 2)] * 10**6):
        with pytest.raises(TooLarge):
            canonical(value, 100)


PATCHES = {
    "Counter": "from collections import Counter\nCounter.{} = lambda s, *a: 0\ndef f(): return Counter(a=1)",
    "Fraction": "from fractions import Fraction\nFraction.{} = lambda s, *a: 0\nH = Fraction(1, 2)\ndef f(): return H",
    "P": "from collections import namedtuple\nP = namedtuple('P', 'x')\nP.{} = lambda s, *a: 0\nV = P(1)\ndef f(): return V",
}
TEXTS = {"Counter": "Counter({'a': 1})", "Fraction": "Fraction(1, 2)", "P": "namedtuple('P', ('x',), (1,))"}


@pytest.mark.parametrize("name", PATCHES)
def test_a_program_does_not_answer_for_its_result(call: Callable[..., CallOutcome], name: str) -> None:
    for method in ("items", "keys", "values", "__iter__", "__len__", "__str__", "__repr__", "__getitem__", "numerator"):
        assert call(PATCHES[name].format(method)).value == TEXTS[name], method


OWN = {
    "another module": (
        (
            "import sys\nclass Decimal:\n    __str__ = lambda s: '1'\nDecimal.Decimal = Decimal\n"
            "sys.modules['decimal'] = Decimal\ndef f(): return Decimal()"
        ),
        "Decimal('1')",
    ),
    "no module": ("import sys\nfrom decimal import Decimal\ndel sys.modules['decimal']\ndef f(): return Decimal(1)", None),
    "fields of its own": (
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\nP._fields = ('x',)\ndef f(): return P(1, 2)",
        "namedtuple('P', ('x',), (1, 2))",
    ),
    "a hash of its own": (
        "from collections import namedtuple\nP = namedtuple('P', 'x')\nP.__hash__ = lambda s: 1 / 0\ndef f(): return [P(1)]",
        None,
    ),
}


@pytest.mark.parametrize(("program", "value"), OWN.values(), ids=OWN)
def test_a_program_that_spoils_the_library_changes_its_own_value_only(
    call: Callable[..., CallOutcome], program: str, value: str | None
) -> None:
    outcome = call(program)
    assert (outcome.status, outcome.value) == (Status.OK if value else Status.NOT_SERIALISABLE, value)


class _Number(int):
    pass


class _Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    "value", [math.nan, [math.nan], complex(0, math.nan), _Number(1), _Colour.RED, len, range(3), {}.keys(), object, iter(())]
)
def test_canonical_refuses_what_is_not_a_plain_literal(value: Any) -> None:
    with pytest.raises(NotSerialisable):
        canonical(value)


def test_canonical_depth_and_cycles() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert canonical(parse_literal(canonical(value))) == canonical(value)
    with pytest.raises(NotSerialisable):
        canonical([value])
    value.append(value)
    with pytest.raises(NotSerialisable):
        canonical(value)


def test_canonical_of_a_huge_int_is_hexadecimal() -> None:
    value = 7**20_000
    assert canonical(value) == hex(value)
    assert parse_literal(canonical(value), 50_000) == value


def test_canonical_stops_early_on_shared_lists() -> None:
    value: list[Any] = []
    for _ in range(40):
        value = [value, value]  # 2**40 leaves in 41 objects
    with pytest.raises(TooLarge):
        canonical(value, 1_000)


def test_canonical_bounds_the_length() -> None:
    assert canonical("x" * 98, 100) == repr("x" * 98)
    for value in ("x" * 99, "x" * 10**7, 1 << 10**7, list(range(100))):
        with pytest.raises(TooLarge):
            canonical(value, 100)


_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.complex_numbers(allow_nan=False),
)
_hashable = st.recursive(_leaves, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
_values = st.recursive(
    _leaves | st.sets(_hashable, max_size=3) | st.frozensets(_hashable, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_hashable, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(_values)
def test_canonical_text_reads_back_as_itself(value: Any) -> None:
    text = canonical(value)
    again = parse_literal(text)
    assert again == value
    assert canonical(again) == text
    assert same_value(text, text, strict=True)
