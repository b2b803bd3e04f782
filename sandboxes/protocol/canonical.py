"""The canonical text of a plain Python value.

Used on both sides of the sandbox wall, so it needs nothing but the standard library. `literals` reads what is written here.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

from .library import library_call, name_of_type

MAX_DEPTH = 64
"""Deepest nesting of containers, written or read."""

# `repr` refuses ints beyond 4300 digits (14,284 bits); hexadecimal has no such limit and is linear both ways.
_DECIMAL_BITS = 14_000


class NotSerialisable(ValueError):
    """Raised for a value that is not made of plain literals only; the message names the type or the reason."""


class TooLarge(ValueError):
    """Raised when the canonical text would be longer than asked for."""


def canonical(value: object, max_chars: int = 1 << 24) -> str:
    """The one text of a value: type-exact, sets sorted, dicts in their own order, infinity as `1e999`.

    Only exact int, bool, float, str, bytes, None, complex, list, tuple, dict, set and frozenset are written, and exact
    Counter, OrderedDict, defaultdict (without its factory), Fraction, Decimal and named tuples (without methods of their
    own): `Counter({'a': 2})`, `namedtuple('P', ('x',), (1,))`. No method of the value runs, so a program cannot answer for
    its result.

    Args:
        value: What to write.
        max_chars: Length above which the writing stops.

    Raises:
        NotSerialisable: Another type (subclasses too), NaN, or containers nested deeper than `MAX_DEPTH`.
        TooLarge: The text is longer than `max_chars`.
    """
    text = _Writer(max_chars).text(value, 0)
    if len(text) > max_chars:
        raise TooLarge(f"longer than {max_chars} characters")
    return text


class _Writer:
    """One value on its way to text, with the characters that are left for it."""

    __slots__ = ("left", "max_chars")

    def __init__(self, max_chars: int) -> None:
        self.left = self.max_chars = max_chars

    def text(self, item: Any, depth: int) -> str:
        """The text of a part of the value."""
        kind = type(item)
        if kind is list:
            out = "[" + ", ".join(self.many(item, depth)) + "]"
        elif kind is tuple:
            out = "(" + ", ".join(self.many(item, depth)) + (",)" if len(item) == 1 else ")")
        elif kind is dict:
            out = self.pairs(item, dict, depth)
        elif kind is set:
            parts = self.unordered(list(item), depth)
            out = "{" + ", ".join(parts) + "}" if parts else "set()"
        elif kind is frozenset:
            parts = self.unordered(list(item), depth)
            out = "frozenset({" + ", ".join(parts) + "})" if parts else "frozenset()"
        elif (leaf := _leaf(item, kind, self.left)) is not None:
            out = leaf
            self.left -= len(out)
        elif kind is Counter or kind is OrderedDict or kind is defaultdict:
            head = name_of_type(kind) + ("(None, " if kind is defaultdict else "(")
            self.left -= len(head)
            out = head + self.pairs(item, OrderedDict if kind is OrderedDict else dict, depth + 1) + ")"
        elif (call := library_call(item, kind)) is not None:
            self.left -= len(call[0])
            out = f"{call[0]}({', '.join(self.many(call[1], depth))})"
        else:
            raise NotSerialisable(f"type {name_of_type(kind)[:60]}")
        self.left -= 2  # the brackets or the comma: shared sub-lists must not grow the text unseen
        if self.left < -2:
            raise TooLarge(f"longer than {self.max_chars} characters")
        return out

    def many(self, items: Sequence[Any], depth: int) -> list[str]:
        """The texts of items in a container at this depth."""
        if depth >= MAX_DEPTH:
            raise NotSerialisable(f"nested deeper than {MAX_DEPTH}")
        return [self.text(item, depth + 1) for item in items]

    def unordered(self, items: Sequence[Any], depth: int) -> list[str]:
        """The texts of a set's items, sorted; an error, too, is the same whatever their order is."""
        parts: list[str] = []
        refused: list[str] = []
        too_large: TooLarge | None = None
        for item in items:
            try:
                parts += self.many((item,), depth)
            except NotSerialisable as error:
                refused.append(str(error))
            except TooLarge as error:
                too_large = error
        if refused:
            raise NotSerialisable(min(refused))
        if too_large is not None:
            raise too_large
        return sorted(parts)

    def pairs(self, item: Any, kind: type[dict[Any, Any]], depth: int) -> str:
        """The text of a dict's items in braces, read by the methods of `kind`."""
        keys = self.many(list(kind.keys(item)), depth)  # before the values, which an OrderedDict looks up by its keys
        values = self.many(list(kind.values(item)), depth)
        return "{" + ", ".join([f"{key}: {value}" for key, value in zip(keys, values, strict=True)]) + "}"


def _leaf(item: Any, kind: type, left: int) -> str | None:
    """The text of a builtin value that holds no other values; refuses long ones before spending memory on them."""
    if kind is str or kind is bytes:
        if len(item) > left:
            raise TooLarge("longer than asked for")
        return repr(item)
    if kind is int:
        bits = item.bit_length()
        if bits <= _DECIMAL_BITS:
            return repr(item)
        if bits // 4 > left:
            raise TooLarge("longer than asked for")
        return hex(item)
    if kind is bool or item is None:
        return repr(item)
    if kind is float:
        return _real(item)
    if kind is complex:
        if math.isfinite(item.real) and math.isfinite(item.imag):
            return repr(item)
        sign = "-" if math.copysign(1, item.imag) < 0 else "+"
        return f"({_real(item.real)}{sign}{_real(abs(item.imag))}j)"
    return None


def _real(number: float) -> str:
    if number != number:
        raise NotSerialisable("NaN")
    return repr(number) if math.isfinite(number) else "1e999" if number > 0 else "-1e999"
