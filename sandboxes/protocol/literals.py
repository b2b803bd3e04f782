"""The reader of literal text: values and argument lists, parsed and never evaluated.

Used on both sides of the sandbox wall. It walks a syntax tree and builds only the types that `canonical` writes, so that each
is the other's inverse. Of the library's own types, which no literal spells, it builds what its caller asks for; nothing, unless
the text is a sandbox's result.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Sequence
from typing import Any, cast

from .canonical import MAX_DEPTH, NotSerialisable, TooLarge, canonical
from .library import FORMS, Library, LibraryValue
from .syntax import UNPARSABLE, parse_quietly

MAX_LITERAL_CHARS = 20_000
"""Length of the longest literal text that is read, unless its reader asks for more."""

_NUMBERS = (ast.UnaryOp, ast.BinOp, ast.Name, ast.Attribute)
_JSON = json.JSONDecoder()
_JSON_WORDS = ("true", "false", "null", "NaN", "Infinity")  # names in Python; as parts of strings they cost only time


class NotALiteral(ValueError):
    """Raised for text that is not a plain literal; the message is a short reason."""


def parse_literal(text: str, max_chars: int = MAX_LITERAL_CHARS, *, library: Library | bool = False) -> Any:
    """The value that a literal text spells; `frozenset({...})`, `set()`, `1e999`, `inf` and `float('inf')` are literals here.

    Args:
        text: Model text, or a sandbox's result.
        max_chars: Length above which nothing is read.
        library: Whether to read also what `canonical` writes for library types: True makes a `LibraryValue` of it, which
            `canonical` writes alike, and a function makes what it likes. For a sandbox's result; what a model types is a
            literal or nothing.

    Raises:
        NotALiteral: The text is anything else, longer than `max_chars` characters, or nested too deeply.
    """
    builder = LibraryValue.of if library is True else library or None
    return _value(_parse(text.strip(), max_chars), 0, builder)


def parse_arguments(text: str) -> str:
    """The canonical form of an argument-list text such as `[1,2],key = 'a'`, which may span lines.

    Raises:
        NotALiteral: An argument is not a literal, or the text is not an argument list.
    """
    positional, keywords = read_call(text)
    try:
        parts = [canonical(value) for value in positional]
        parts += [f"{name}={canonical(value)}" for name, value in keywords.items()]
    except (NotSerialisable, TooLarge) as error:
        raise NotALiteral(str(error)) from None
    return ", ".join(parts)


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
        keywords[keyword.arg] = _value(keyword.value, 0, None)
    return [_value(argument, 0, None) for argument in node.args], keywords


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
        return cast("ast.Expression", parse_quietly(text, "eval")).body
    except UNPARSABLE as error:
        raise NotALiteral(f"does not parse ({type(error).__name__})") from None


def _value(node: ast.expr, depth: int, library: Library | None) -> Any:
    """The value of one syntax node; the only place where text becomes an object."""
    if isinstance(node, ast.Constant) and node.value is not ...:
        return node.value
    if isinstance(node, _NUMBERS):
        return _number(node)
    if depth >= MAX_DEPTH:
        raise NotALiteral(f"nested deeper than {MAX_DEPTH}")

    def each(nodes: Sequence[ast.expr]) -> list[Any]:
        return [_value(item, depth + 1, library) for item in nodes]

    match node:
        case ast.List(elts=items):
            return each(items)
        case ast.Tuple(elts=items):
            return tuple(each(items))
        case ast.Set(elts=items):
            return set(_hashable(each(items)))
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return dict(zip(_hashable(each(cast("list[ast.expr]", keys))), each(values), strict=True))
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set()
        case ast.Call(func=ast.Name(id="frozenset"), args=[], keywords=[]):
            return frozenset()
        case ast.Call(func=ast.Name(id="frozenset"), args=[ast.Set() as inner], keywords=[]):
            return frozenset(_value(inner, depth, library))
        case ast.Call(func=ast.Name(id="float")):
            return _number(node)
        case ast.Call(func=ast.Name(id=name), args=items, keywords=[]) if library is not None and name in FORMS:
            content = each(items)
            if tuple(map(type, content)) != FORMS[name] or (name == "Fraction" and content[1] < 1):
                raise NotALiteral(f"not the form of a {name}")
            return library(name, content)
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
        case ast.Name(id="inf") | ast.Attribute(value=ast.Name(id="math"), attr="inf"):
            return math.inf
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str() as text)], keywords=[]):
            return _infinity(text)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() | ast.Name() | ast.Attribute() | ast.Call() as inner):
            number = _number(inner)
            return complex(0.0, -number.imag) if isinstance(number, complex) else -number
        case ast.UnaryOp(op=ast.UAdd(), operand=ast.Constant() | ast.Name() | ast.Attribute() | ast.Call() as inner):
            return _number(inner)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=complex() as part)):
            number = 0j if isinstance(left, ast.BinOp) else _number(left)
            if not isinstance(number, complex):
                try:
                    real = float(number)
                except OverflowError:
                    raise NotALiteral("a real part beyond float") from None
                if not real and isinstance(left, ast.UnaryOp) and isinstance(left.op, ast.USub):
                    real = -0.0
                return complex(real, -part.imag if isinstance(op, ast.Sub) else part.imag)
        case _:
            pass
    raise NotALiteral("an expression, not a literal")


def _infinity(text: str) -> float:
    """The infinity that `float` makes of a text; other numbers are their own literals, and NaN equals nothing."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isinf(number):
        raise NotALiteral("float() of anything but infinity")
    return number
