"""Model text as literals: what is read, and what is refused."""

from __future__ import annotations

import contextlib
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes import NotALiteral, canonical, parse_arguments, parse_literal, same_value

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
    "math.nan",
    "float('nan')",
    "[1, -float('NaN')]",
    "Infinity",
    "-Infinity",
    "NaN",
    "infinity",
    "--inf",
    "inf + 1",
    "inf()",
    "math",
    "math.pi",
    "math.inf.real",
    "cmath.inf",
    "float",
    "float()",
    "float('1')",
    "float('inf', 1)",
    "float(inf)",
    "float(x='inf')",
    "float(*'inf')",
    "float(f'inf')",
    "float(b'inf')",
    "float('one')",
    "float('" + "9" * 19_000 + "x')",
    "math.inf.__class__",
    "Counter({'a': 2})",
    "[OrderedDict({})]",
    "defaultdict(None, {})",
    "Fraction(1, 2)",
    "{'x': Decimal('0.5')}",
    "namedtuple('P', ('x',), (1,))",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_parse_literal_refuses_at_once(text: str) -> None:
    started = time.thread_time()
    with pytest.raises(NotALiteral):
        parse_literal(text)
    assert time.thread_time() - started < 4


@pytest.mark.parametrize(
    ("text", "canonical_text"),
    [
        ("inf", "1e999"),
        ("-inf", "-1e999"),
        ("+inf", "1e999"),
        ("math.inf", "1e999"),
        ("-math.inf", "-1e999"),
        ("float('inf')", "1e999"),
        ('float("-inf")', "-1e999"),
        ("-float('inf')", "-1e999"),
        ("-float('-inf')", "1e999"),
        ("float(' +Infinity ')", "1e999"),
        ("[inf, 1]", "[1e999, 1]"),
        ("{'a': (-inf,), inf: {math.inf, 1}}", "{'a': (-1e999,), 1e999: {1, 1e999}}"),
        ("inf+1j", "(1e999+1.0j)"),
        ("-float('-inf')-1j", "(1e999-1.0j)"),
        ("-inf-1j", "(-1e999-1.0j)"),
        ("-0-0j", "(-0-0j)"),
        ("'inf'", "'inf'"),
    ],
)
def test_infinity_has_many_names(text: str, canonical_text: str) -> None:
    assert canonical(parse_literal(text)) == canonical_text
    assert parse_arguments(f"{text}, key={text}") == f"{canonical_text}, key={canonical_text}"


NOT_ARGUMENTS = [
    "1 if x else 2",
    "1) or (2",
    "1)(2",
    "1) + f(2",
    "*[1]",
    "**{}",
    "a=1, a=2",
    "x",
    "g(1)",
    "1)\n#",
    "a:=1",
    "Infinity",
    "nan",
    "Counter({})",
]


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


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=40) | st.text(alphabet="()[]{}',:=*-+1ajfx\\\n #", max_size=30))
def test_any_text_is_a_value_or_not_a_literal(text: str) -> None:
    for parse in (parse_literal, parse_arguments):
        with contextlib.suppress(NotALiteral):
            parse(text)


PRIME = 2**61 - 1  # what Python's hash of a number is taken modulo


COSTLY = {
    "ints of one hash": "{" + ", ".join(str(PRIME * n) for n in range(800)) + "}",
    "complex numbers of one hash": "{" + ", ".join(f"{1_000_003 * n}+{1_200 - n}j" for n in range(1_200)) + "}",
    "keys of one hash": "{" + ", ".join(f"{PRIME * n}: 0" for n in range(700)) + "}",
    "a tower of sets": "frozenset({" * 60 + "1" + "})" * 60,
    "a tower of keys": "{" + "(" * 60 + "1" + ",)" * 60 + ": 0}",
    "digits behind the point": "1." + "1" * 19_000,
    "a long hexadecimal": "[" + "0x" + "f" * 19_000 + "]",
    "signs": "-" * 15_000 + "1",
    "signs in pairs": "[" + "- + " * 4_000 + "1]",
    "empty texts": "''" * 9_000,
    "brackets that open": "[" * 15_000,
    "brackets of all kinds": "([{" * 5_000,
    "unfinished calls": "f(a=" * 4_000,
    "unfinished lambdas": "lambda:" * 2_500,
    "unfinished choices": "1 if " * 3_900,
    "formats": "f'{" * 6_000,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_no_text_costs_its_reader_much(text: str) -> None:
    started = time.thread_time()
    with suppress(NotALiteral):
        assert parse_arguments(text)
    with suppress(NotALiteral):
        parse_literal(text)
    same_value(text, f"{text} ", strict=True)
    assert time.thread_time() - started < 1.5  # milliseconds, or where a text is costly, for ever


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff1",
        "\u0661",
        "\uff11\uff0c2",
        "1\u200b",
        "\u202e1",
        "1\x00",
        "'\ud800'",
        "a=1, \uff41=2",
        "__debug__",
        "set({1})",
        "frozenset([1])",
        "frozenset({1}, {2})",
        "s\uff45t() or 1",
        "-True",
        "--1",
        "1+1",
        "1j+1",
        "1 .real",
        "(1)(2)",
        "[*{1}]",
        "{**{}}",
        "*()",
        "f''",
        "'a' f'b'",
        "b'\u00e9'",
        "x",
        "1 if 1 else 2",
        "1;2",
        "1\n2",
        "1)\n(2",
    ],
    ids=ascii,
)
def test_only_plain_literals_are_read(text: str) -> None:
    with pytest.raises(NotALiteral):
        parse_literal(text)
    if text not in ("a=1, \uff41=2", "*()"):
        with pytest.raises(NotALiteral):
            parse_arguments(text)
