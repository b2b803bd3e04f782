"""Comparison of canonical texts: by the values that they spell, never by running anything.

For the host only: the worker, whose every import makes a fork dearer, does not load this module.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from decimal import Decimal
from typing import Any

from .library import LibraryValue
from .literals import NotALiteral, parse_literal

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_TOKENS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[\[\](){},]|[^\[\](){},'"]+""", re.DOTALL)
_DECIMAL_DIGITS = 5_000  # a Decimal of more, in front of or behind its point, is taken to equal no int and no float


def same_value(a_text: str, b_text: str, strict: bool = False) -> bool:
    """Whether two canonical texts spell the same value; the order of dict items never matters, but between OrderedDicts.

    Args:
        a_text: Canonical text, of any length; values of library types are read, so read model text with `parse_literal` first.
        b_text: The same.
        strict: True asks for equal types all the way down; False is Python's `==`, so `True`, `1`, `1.0` and `Fraction(1, 1)`
            agree, and a Counter, a defaultdict or a named tuple is the dict or tuple that it holds.
    """
    library = _exact if strict else _builtin
    try:
        a = parse_literal(a_text, max(len(a_text), 1), library=library)
        b = a if a_text == b_text else parse_literal(b_text, max(len(b_text), 1), library=library)
    except NotALiteral:
        return False
    return _typed(a) == _typed(b) if strict else a == b


def same_text(a_text: str, b_text: str) -> bool:
    """Whether two canonical texts differ at most in the order of dict items; builds no values, so it takes linear time.

    What is no canonical text is only the same as itself.
    """
    return a_text == b_text or (len(a_text) == len(b_text) and _in_order(a_text) == _in_order(b_text))


def _in_order(text: str) -> str:
    """A canonical text with what stands between braces sorted."""
    opened: list[str] = []
    items: list[list[str]] = [[""]]  # of every open bracket, those of the whole text first
    for token in _TOKENS.findall(text):
        if token in _OPENING:
            opened.append(token)
            items.append([""])
        elif token in _CLOSING:
            if not opened:
                return text
            inside = [item.strip() for item in items.pop()]
            bracket = opened.pop()
            items[-1][-1] += bracket + ", ".join(sorted(inside) if bracket == "{" else inside) + token
        elif token == ",":
            items[-1].append("")
        else:
            items[-1][-1] += token
    return text if opened else ", ".join(item.strip() for item in items[0])


def _typed(value: Any) -> Any:
    """A value whose `==` is type-exact: every leaf and container paired with its type."""
    kind: type = type(value)
    if kind is list or kind is tuple or kind is LibraryValue:
        return kind, tuple(_typed(item) for item in value)
    if kind is dict:
        return kind, frozenset((_typed(key), _typed(item)) for key, item in value.items())
    if kind is set or kind is frozenset:
        return kind, frozenset(_typed(item) for item in value)
    return kind, value


def _exact(name: str, content: list[Any]) -> LibraryValue:
    """A library value that equals those of its own type only."""
    if name == "OrderedDict":
        content = [list(content[0].items())]
    if name == "Decimal":
        content = [_decimal(content[0])]
    return LibraryValue.of(name, content)


def _builtin(name: str, content: list[Any]) -> Any:
    """The builtin value that a library value equals, as far as there is one.

    Numbers above all: sets and dicts compare those of one hash in pairs, which takes builtins no time, but a Decimal and a long
    int, or two Fractions, so much that a hostile text could hold up the host.
    """
    match name:
        case "OrderedDict":
            return OrderedDict(content[0])
        case "Fraction":
            return _quotient(*content)
        case "Decimal":
            number = _decimal(content[0])
            if not number or number.is_infinite():
                return float(number)
            if abs(number.adjusted()) + len(content[0]) > _DECIMAL_DIGITS:
                return LibraryValue.of(name, [number])
            return _quotient(*number.as_integer_ratio())
        case _:
            return content[-1]


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise NotALiteral("not a Decimal") from None
    if number.is_nan():
        raise NotALiteral("NaN")
    return number


def _quotient(numerator: int, denominator: int) -> int | float | LibraryValue:
    """The int or float that is exactly this quotient in lowest terms, else a value that equals the same quotient only."""
    if denominator == 1:
        return numerator
    try:
        nearest = numerator / denominator
    except OverflowError:
        nearest = 0.0
    exact = nearest.as_integer_ratio() == (numerator, denominator)
    return nearest if exact else LibraryValue.of("Fraction", [numerator, denominator])
