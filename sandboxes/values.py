"""Values as text and back: the canonical form of a plain Python value, and the reader of literal argument lists.

Used on both sides of the sandbox wall, so it needs nothing but the standard library. It never evaluates text: it
walks a syntax tree and builds only the types that `canonical` writes, so that each is the other's inverse.

Attributes:
    MAX_DEPTH: Deepest nesting of containers, written or read.
    MAX_LITERAL_CHARS: Longest literal text that is read at all.
"""

from __future__ import annotations

import _thread
import ast
import json
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

MAX_DEPTH = 64
MAX_LITERAL_CHARS = 20_000

# `repr` refuses ints beyond 4300 digits (14,284 bits); hexadecimal has no such limit and is linear both ways.
_DECIMAL_BITS = 14_000
_UNPARSABLE = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError)
# Not threading.Lock: loading that module, and running its hook in every fork, would double the cost of a worker's fork.
_QUIET = _thread.allocate_lock()

_JSON = json.JSONDecoder()
_JSON_WORDS = ("true", "false", "null", "NaN", "Infinity")  # names in Python; as parts of strings they cost only time

# The real name of a class: `cls.__name__` would run a hostile metaclass.
name_of_type = cast("Callable[[type], str]", type.__dict__["__name__"].__get__)


class NotSerialisable(ValueError):
    """Raised for a value that is not made of plain literals only; the message names the type or the reason."""


class TooLarge(ValueError):
    """Raised when the canonical text would be longer than asked for."""


class NotALiteral(ValueError):
    """Raised for text that is not a plain literal; the message is a short reason."""


def canonical(value: object, max_chars: int = 1 << 24) -> str:
    """The one text of a value: type-exact, sets sorted, dicts in their own order, infinity as `1e999`.

    Only exact int, bool, float, str, bytes, None, complex, list, tuple, dict, set and frozenset are written; no method
    of the value runs, so a program cannot answer for its result.

    Args:
        value: What to write.
        max_chars: Length above which the writing stops.

    Raises:
        NotSerialisable: Another type (subclasses too), NaN, or containers nested deeper than `MAX_DEPTH`.
        TooLarge: The text is longer than `max_chars`.
    """
    left = max_chars

    def many(items: Sequence[Any], depth: int) -> list[str]:
        if depth >= MAX_DEPTH:
            raise NotSerialisable(f"nested deeper than {MAX_DEPTH}")
        return [text(item, depth + 1) for item in items]

    def text(item: Any, depth: int) -> str:
        nonlocal left
        kind = type(item)
        if kind is list:
            out = "[" + ", ".join(many(item, depth)) + "]"
        elif kind is tuple:
            out = "(" + ", ".join(many(item, depth)) + (",)" if len(item) == 1 else ")")
        elif kind is dict:
            pairs = zip(many(list(item), depth), many(list(item.values()), depth), strict=True)
            out = "{" + ", ".join([f"{key}: {worth}" for key, worth in pairs]) + "}"
        elif kind is set:
            parts = sorted(many(list(item), depth))
            out = "{" + ", ".join(parts) + "}" if parts else "set()"
        elif kind is frozenset:
            parts = sorted(many(list(item), depth))
            out = "frozenset({" + ", ".join(parts) + "})" if parts else "frozenset()"
        else:
            out = _leaf(item, kind, left)
            left -= len(out)
        left -= 2  # the brackets or the comma: shared sub-lists must not grow the text unseen
        if left < -2:
            raise TooLarge(f"longer than {max_chars} characters")
        return out

    result = text(value, 0)
    if len(result) > max_chars:
        raise TooLarge(f"longer than {max_chars} characters")
    return result


def _leaf(item: Any, kind: type, left: int) -> str:
    """The text of a value that holds no other values; refuses long ones before spending memory on them."""
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
    raise NotSerialisable(f"type {name_of_type(kind)[:60]}")


def _real(number: float) -> str:
    if number != number:
        raise NotSerialisable("NaN")
    return repr(number) if math.isfinite(number) else "1e999" if number > 0 else "-1e999"


def read_literal(text: str, max_chars: int = MAX_LITERAL_CHARS) -> Any:
    """The value of a literal text, without evaluating it.

    Raises:
        NotALiteral: The text is anything else, too long or too deep.
    """
    return _value(_parse(text.strip(), max_chars), 0)


def read_call(text: str, max_chars: int = MAX_LITERAL_CHARS) -> tuple[list[Any], dict[str, Any]]:
    """The positional and keyword arguments that an argument-list text such as `[1, 2], key='a'` spells.

    The objects are fresh on every call. The text may span lines.

    Raises:
        NotALiteral: An argument is not a literal, or the text is not an argument list.
    """
    if len(text) <= max_chars and (plain := _read_json(text)) is not None:
        return plain, {}
    node = _parse(f"f({text}\n)", max_chars + 5)
    # `1)(2` and `1) or (2` parse too, but not as one call of the bare name.
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise NotALiteral("not an argument list")
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in keywords:
            raise NotALiteral("an unpacked or repeated keyword")
        keywords[keyword.arg] = _value(keyword.value, 0)
    return [_value(argument, 0) for argument in node.args], keywords


def _read_json(text: str) -> list[Any] | None:
    """The arguments where they mean the same in JSON, whose reader touches less of a fork's memory; None elsewhere."""
    if "\\" in text or not text.isascii() or text.count("[") + text.count("{") >= MAX_DEPTH:
        return None
    if '"' not in text:
        text = text.replace("'", '"')
    if any(word in text for word in _JSON_WORDS):
        return None
    try:
        value, end = _JSON.raw_decode(f"[{text}]")
    except ValueError:
        return None
    return value if end == len(text) + 2 else None


def _parse(text: str, max_chars: int) -> ast.expr:
    if len(text) > max_chars:
        raise NotALiteral(f"longer than {max_chars} characters")
    try:
        with _QUIET, warnings.catch_warnings():  # such as `"\\d"`, which must not depend on the caller's -W
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except _UNPARSABLE as error:
        raise NotALiteral(f"does not parse ({type(error).__name__})") from None


def _value(node: ast.expr, depth: int) -> Any:
    """The value of one syntax node; the only place where text becomes an object."""
    if depth + (not isinstance(node, (ast.Constant, ast.UnaryOp, ast.BinOp))) > MAX_DEPTH:
        raise NotALiteral(f"nested deeper than {MAX_DEPTH}")
    match node:
        case ast.Constant(value=value) if value is not ...:
            return value
        case ast.UnaryOp() | ast.BinOp():
            return _number(node)
        case ast.List(elts=items):
            return [_value(item, depth + 1) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, depth + 1) for item in items)
        case ast.Set(elts=items):
            return set(_hashable([_value(item, depth + 1) for item in items]))
        case ast.Dict(keys=keys, values=values) if None not in keys:
            names = _hashable([_value(cast(ast.expr, key), depth + 1) for key in keys])
            return dict(zip(names, [_value(item, depth + 1) for item in values], strict=True))
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set()
        case ast.Call(func=ast.Name(id="frozenset"), args=[], keywords=[]):
            return frozenset()
        case ast.Call(func=ast.Name(id="frozenset"), args=[ast.Set() as inner], keywords=[]):
            return frozenset(_value(inner, depth))
        case _:
            raise NotALiteral(f"{type(node).__name__} is not a literal")


def _hashable(items: list[Any]) -> list[Any]:
    try:
        for item in items:
            hash(item)
    except TypeError:
        raise NotALiteral("an unhashable set element or dict key") from None
    return items


def _number(node: ast.expr) -> int | float | complex:
    """A signed number, or a real and an imaginary part; keeps the signs of zeros that `repr` of a complex shows."""
    match node:
        case ast.Constant(value=int() | float() | complex() as number) if type(number) is not bool:
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as inner):
            number = _number(inner)
            return complex(0.0, -number.imag) if isinstance(number, complex) else -number
        case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant() as inner):
            return _number(inner)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=complex() as part)):
            real = _number(left)
            if not isinstance(real, complex) and not isinstance(left, ast.BinOp):
                try:
                    magnitude = float(abs(real))
                except OverflowError:
                    raise NotALiteral("a real part beyond float") from None
                negative = isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub)
                return complex(-magnitude if negative else magnitude, -part.imag if isinstance(op, ast.Sub) else part.imag)
        case _:
            pass
    raise NotALiteral("an expression, not a literal")
