"""Model text as values, on the host: parsed, never evaluated; compared by value, never by running anything."""

from __future__ import annotations

from typing import Any

from .values import MAX_LITERAL_CHARS, NotALiteral, NotSerialisable, TooLarge, canonical, read_call, read_literal

__all__ = ["NotALiteral", "NotSerialisable", "TooLarge", "canonical", "parse_arguments", "parse_literal", "same_value"]


def parse_literal(text: str, max_chars: int = MAX_LITERAL_CHARS) -> Any:
    """The value that a literal text spells; `frozenset({...})`, `set()` and `1e999` are literals here.

    Raises:
        NotALiteral: The text is anything else, longer than `max_chars` characters, or nested too deeply.
    """
    return read_literal(text, max_chars)


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


def same_value(a_text: str, b_text: str, strict: bool = False) -> bool:
    """Whether two canonical texts spell the same value; the order of dict items never matters.

    Args:
        a_text: Canonical text, of any length.
        b_text: The same.
        strict: True asks for equal types all the way down; False is Python's `==`, so `True`, `1` and `1.0` agree.
    """
    try:
        a = read_literal(a_text, max(len(a_text), 1))
        b = a if a_text == b_text else read_literal(b_text, max(len(b_text), 1))
    except NotALiteral:
        return False
    return _typed(a) == _typed(b) if strict else a == b


def _typed(value: Any) -> Any:
    """A value whose `==` is type-exact: every leaf and container paired with its type."""
    kind: type = type(value)
    if kind is list or kind is tuple:
        return kind, tuple(_typed(item) for item in value)
    if kind is dict:
        return kind, frozenset((_typed(key), _typed(item)) for key, item in value.items())
    if kind is set or kind is frozenset:
        return kind, frozenset(_typed(item) for item in value)
    return kind, value
