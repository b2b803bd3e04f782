"""Values as text and back: the canonical form of a plain Python value, and the reader of literal argument lists.

Used on both sides of the sandbox wall, so it needs nothing but the standard library. It never evaluates text: it
walks a syntax tree and builds only the types that `canonical` writes, so that each is the other's inverse. Of the library's
own types, which no literal spells, it builds what its caller asks for; nothing, unless the text is a sandbox's result.

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
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any, cast

from .library import FORMS, Library, library_call, name_of_type

MAX_DEPTH = 64
MAX_LITERAL_CHARS = 20_000

# `repr` refuses ints beyond 4300 digits (14,284 bits); hexadecimal has no such limit and is linear both ways.
_DECIMAL_BITS = 14_000
_NUMBERS = (ast.UnaryOp, ast.BinOp, ast.Name, ast.Attribute)
_UNPARSABLE = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError)
# Not threading.Lock: loading that module, and running its hook in every fork, would double the cost of a worker's fork.
_QUIET = _thread.allocate_lock()

_JSON = json.JSONDecoder()
_JSON_WORDS = ("true", "false", "null", "NaN", "Infinity")  # names in Python; as parts of strings they cost only time


class NotSerialisable(ValueError):
    """Raised for a value that is not made of plain literals only; the message names the type or the reason."""


class TooLarge(ValueError):
    """Raised when the canonical text would be longer than asked for."""


class NotALiteral(ValueError):
    """Raised for text that is not a plain literal; the message is a short reason."""


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
    left = max_chars

    def many(items: Sequence[Any], depth: int) -> list[str]:
        if depth >= MAX_DEPTH:
            raise NotSerialisable(f"nested deeper than {MAX_DEPTH}")
        return [text(item, depth + 1) for item in items]

    def unordered(items: Sequence[Any], depth: int) -> list[str]:
        """The texts of a set's items, sorted; an error, too, is the same whatever their order is."""
        parts: list[str] = []
        refused: list[str] = []
        too_large: TooLarge | None = None
        for item in items:
            try:
                parts += many((item,), depth)
            except NotSerialisable as error:
                refused.append(str(error))
            except TooLarge as error:
                too_large = error
        if refused:
            raise NotSerialisable(min(refused))
        if too_large is not None:
            raise too_large
        return sorted(parts)

    def pairs(item: Any, kind: type[dict[Any, Any]], depth: int) -> str:
        keys = many(list(kind.keys(item)), depth)  # before the values, which an OrderedDict looks up by its keys
        worths = many(list(kind.values(item)), depth)
        return "{" + ", ".join([f"{key}: {worth}" for key, worth in zip(keys, worths, strict=True)]) + "}"

    def text(item: Any, depth: int) -> str:
        nonlocal left
        kind = type(item)
        if kind is list:
            out = "[" + ", ".join(many(item, depth)) + "]"
        elif kind is tuple:
            out = "(" + ", ".join(many(item, depth)) + (",)" if len(item) == 1 else ")")
        elif kind is dict:
            out = pairs(item, dict, depth)
        elif kind is set:
            parts = unordered(list(item), depth)
            out = "{" + ", ".join(parts) + "}" if parts else "set()"
        elif kind is frozenset:
            parts = unordered(list(item), depth)
            out = "frozenset({" + ", ".join(parts) + "})" if parts else "frozenset()"
        elif (leaf := _leaf(item, kind, left)) is not None:
            out = leaf
            left -= len(out)
        elif kind is Counter or kind is OrderedDict or kind is defaultdict:
            head = name_of_type(kind) + ("(None, " if kind is defaultdict else "(")
            left -= len(head)
            out = head + pairs(item, OrderedDict if kind is OrderedDict else dict, depth + 1) + ")"
        elif (call := library_call(item, kind)) is not None:
            left -= len(call[0])
            out = f"{call[0]}({', '.join(many(call[1], depth))})"
        else:
            raise NotSerialisable(f"type {name_of_type(kind)[:60]}")
        left -= 2  # the brackets or the comma: shared sub-lists must not grow the text unseen
        if left < -2:
            raise TooLarge(f"longer than {max_chars} characters")
        return out

    result = text(value, 0)
    if len(result) > max_chars:
        raise TooLarge(f"longer than {max_chars} characters")
    return result


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


def read_literal(text: str, max_chars: int = MAX_LITERAL_CHARS, library: Library | None = None) -> Any:
    """The value of a literal text, without evaluating it. Infinity may be spelled `1e999`, `inf`, `math.inf`, `float('inf')`.

    Args:
        text: What to read.
        max_chars: Length above which nothing is read.
        library: What builds the values of library types; without it, their texts are no literals.

    Raises:
        NotALiteral: The text is anything else, too long or too deep.
    """
    return _value(_parse(text.strip(), max_chars), 0, library)


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
        with _QUIET, warnings.catch_warnings():  # such as `"\\d"`, which must not depend on the caller's -W
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except _UNPARSABLE as error:
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
    """What `float` makes of a text, if that is infinity: other numbers are their own literals, and NaN equals nothing."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isinf(number):
        raise NotALiteral("float() of anything but infinity")
    return number
