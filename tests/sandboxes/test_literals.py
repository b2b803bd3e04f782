"""Model text as literals: what is read, what is refused, and when two texts spell the same value."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes import NotALiteral, parse_arguments, parse_literal, same_value

HOSTILE = [
    "",
    "f",
    "1 +",
    "9**9**9",
    "1 + 1",
    "--1",
    "-True",
    "...",
    "[...]",
    "f'{1}'",
    "__import__('os').system('true')",
    "type('X', (), {'__eq__': lambda s, o: True})()",
    "lambda: 0",
    "[x for x in (1,)]",
    "{**{}}",
    "[*()]",
    "{[]}",
    "{[]: 1}",
    "set([1])",
    "frozenset([1])",
    "\ud800",
    "'\ud800'",
    "\0",
    "(" * 5_000 + ")" * 5_000,
    "-" * 19_000 + "1",
    "1+" * 9_000 + "1j",
    "[" * 65 + "]" * 65,
    "9" * 5_000,
    "9" * 30_000,
    "nan",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_parse_literal_refuses_at_once(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(NotALiteral):
        parse_literal(text)
    assert time.monotonic() - started < 1


NOT_ARGUMENTS = ["1 if x else 2", "1) or (2", "1)(2", "1) + f(2", "*[1]", "**{}", "a=1, a=2", "x", "g(1)", "1)\n#", "a:=1"]


@pytest.mark.parametrize("text", NOT_ARGUMENTS)
def test_parse_arguments_refuses(text: str) -> None:
    with pytest.raises(NotALiteral):
        parse_arguments(text)


@pytest.mark.parametrize(
    ("text", "canonical_text"),
    [
        ("", ""),
        ("1", "1"),
        ("[1,2],key = 'a'", "[1, 2], key='a'"),
        ("{\n  'b': 1,\n  'a': (2),\n},\n-1", "{'b': 1, 'a': 2}, -1"),
        ("1, # first\n2 # second", "1, 2"),
        ("'\\d'", "'\\\\d'"),
        ("'a' 'b',", "'ab'"),
        ("1e999, frozenset({1}), set()", "1e999, frozenset({1}), set()"),
        ("0x" + "f" * 15_000, "0x" + "f" * 15_000),
    ],
)
def test_parse_arguments_is_canonical(text: str, canonical_text: str) -> None:
    assert parse_arguments(text) == canonical_text
    assert parse_arguments(canonical_text) == canonical_text


@pytest.mark.parametrize(
    ("a", "b", "loose", "strict"),
    [
        ("1", "1", True, True),
        ("1", "1.0", True, False),
        ("True", "1", True, False),
        ("[1, (2,)]", "[1.0, (2,)]", True, False),
        ("[1]", "(1,)", False, False),
        ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}", True, True),
        ("{1: 'a'}", "{True: 'a'}", True, False),
        ("{1, 2}", "{1.0, 2}", True, False),
        ("{1}", "frozenset({1})", True, False),
        ("0.0", "-0.0", True, True),
        ("1e999", "1e999", True, True),
        ("nan", "nan", False, False),
        ("'1'", "1", False, False),
    ],
)
def test_same_value(a: str, b: str, loose: bool, strict: bool) -> None:
    assert same_value(a, b) is same_value(b, a) is loose
    assert same_value(a, b, strict=True) is same_value(b, a, strict=True) is strict


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=40) | st.text(alphabet="()[]{}',:=*-+1ajfx\\\n #", max_size=30))
def test_any_text_is_a_value_or_not_a_literal(text: str) -> None:
    for parse in (parse_literal, parse_arguments):
        with contextlib.suppress(NotALiteral):
            parse(text)
