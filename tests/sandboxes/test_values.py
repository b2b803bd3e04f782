"""Canonical text: fixed forms, refusals, and that reading it back gives the same value."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes import canonical, parse_literal, same_value
from sandboxes.values import MAX_DEPTH, NotSerialisable, TooLarge


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
