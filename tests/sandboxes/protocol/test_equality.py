"""When two texts spell the same value."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from sandboxes import same_value

MALFORMED = [
    "Counter()",
    "Counter('aab')",
    "Counter(**{})",
    "Counter(a=1)",
    "Counter({[]: 1})",
    "{Counter({})}",
    "defaultdict(int, {})",
    "OrderedDict([])",
    "Fraction(1, 0)",
    "Fraction(1, -2)",
    "Fraction(True, 2)",
    "Fraction('1/2')",
    "Decimal(1)",
    "Decimal('NaN')",
    "Decimal('sNaN')",
    "Decimal('one')",
    "Decimal('1E+99999999999999999999')",
    "namedtuple('P', 'x', (1,))",
    "namedtuple('P', ('x',))(1)",
    "LibraryValue(1)",
    "set({1})",
    "collections.Counter({})",
    "eval({})",
]


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
        # library types are what they hold, or nothing but themselves
        ("Counter({'a': 2})", "{'a': 2}", True, False),
        ("Counter({'a': 2})", "{'a': 2.0}", True, False),
        ("Counter({'a': 2})", "{'a': 3}", False, False),
        ("Counter({'a': 0})", "{}", False, False),
        ("Counter({'a': 2, 'b': 1})", "Counter({'b': 1, 'a': 2})", True, True),
        ("defaultdict(None, {1: [Counter({})]})", "{1: [{}]}", True, False),
        ("defaultdict(None, {})", "Counter({})", True, False),
        ("OrderedDict({'a': 1, 'b': 2})", "{'b': 2, 'a': 1}", True, False),
        ("OrderedDict({'a': 1, 'b': 2})", "OrderedDict({'b': 2, 'a': 1})", False, False),
        ("OrderedDict({'a': 1, 'b': 2})", "OrderedDict({'a': 1, 'b': 2.0})", True, False),
        ("OrderedDict({'a': 1, 'b': 2})", "OrderedDict({'a': 1, 'b': 2})", True, True),
        ("namedtuple('P', ('x', 'y'), (1, 2))", "(1, 2)", True, False),
        ("namedtuple('P', ('x', 'y'), (1, 2))", "[1, 2]", False, False),
        ("namedtuple('P', ('x', 'y'), (1, 2))", "namedtuple('Q', ('x', 'y'), (1, 2))", True, False),
        ("namedtuple('P', ('x',), (1,))", "namedtuple('P', ('x',), (1,))", True, True),
        ("Fraction(1, 2)", "0.5", True, False),
        ("Fraction(3, 1)", "3", True, False),
        ("Fraction(3, 1)", "3.0", True, False),
        ("Fraction(1, 1)", "True", True, False),
        ("Fraction(1, 3)", "0.3333333333333333", False, False),
        ("Fraction(1, 3)", "Fraction(1, 3)", True, True),
        ("Fraction(1, 3)", "Fraction(2, 3)", False, False),
        ("Fraction(1, 3)", "('Fraction', 1, 3)", False, False),
        (f"Fraction({10**400 + 1}, {10**399})", "10.0", False, False),
        (f"Fraction({10**400 + 1}, 3)", "1e999", False, False),
        ("Decimal('0.5')", "0.5", True, False),
        ("Decimal('0.1')", "0.1", False, False),
        (f"Decimal('{Decimal.from_float(0.1)}')", "0.1", True, False),
        ("Decimal('0.1')", "Fraction(1, 10)", True, False),
        ("Decimal('1E+2')", "100", True, False),
        ("Decimal('-0')", "0", True, False),
        ("Decimal('1.0')", "Decimal('1.00')", True, True),
        ("Decimal('-Infinity')", "-1e999", True, False),
        ("Decimal('1E+999999999')", "1", False, False),
        ("Decimal('1E+999999999')", "1e999", False, False),
        ("Decimal('1E-999999999')", "0.0", False, False),
        ("Decimal('1E+999999999')", "Decimal('10E+999999998')", True, True),
        ("{Fraction(1, 2): {Decimal('2')}}", "{0.5: {2}}", True, False),
        ("[Counter({'a': [Fraction(1, 2)]})]", "[{'a': [0.5]}]", True, False),
        # what no value is written as
        *((text, text, False, False) for text in MALFORMED),
    ],
)
def test_same_value(a: str, b: str, loose: bool, strict: bool) -> None:
    assert same_value(a, b) is same_value(b, a) is loose
    assert same_value(a, b, strict=True) is same_value(b, a, strict=True) is strict


PRIME = 2**61 - 1  # what Python's hash of a number is taken modulo


COSTLY = {
    "fractions of one hash": "{" + ", ".join(f"Fraction({PRIME * n + 1}, 3)" for n in range(1_500)) + "}",
    "fractions that are ints of one hash": "{" + ", ".join(f"Fraction({PRIME * n}, 1)" for n in range(1_500)) + "}",
    "decimals of the hash of a long int": (
        "{" + hex(PRIME << 120_000) + ", " + ", ".join(f"Decimal('{PRIME * n}')" for n in range(900)) + "}"
    ),
    "decimals of one hash": "{" + ", ".join(f"Decimal('{PRIME * n}.3')" for n in range(1_500)) + "}",
    "named tuples of one hash": "{" + ", ".join(f"namedtuple('P', (), ({PRIME * n},))" for n in range(1_300)) + "}",
    "many large decimals": "{" + ", ".join(f"Decimal('1E+{10**15 + n}')" for n in range(2_000)) + "}",
    "many small decimals": "[" + ", ".join(f"Decimal('{n}E-4980')" for n in range(3_000)) + "]",
    "long decimals": "[" + ", ".join(f"Decimal('{'7' * 2_400}E-2400')" for n in range(26)) + "]",
    "a decimal of all digits": f"Decimal('{'7' * 60_000}')",
    "a fraction of long ints": f"Fraction(0x{'f' * 30_000}, 0x{'7' * 30_000})",
    "a tower of Counters": "Counter({1: " * 3_000 + "})" * 3_000,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_library_values_cost_the_host_little(text: str) -> None:
    for strict in (False, True):
        started = time.thread_time()
        assert same_value(text, f"{text} ", strict) is not text.startswith("Counter")
        assert time.thread_time() - started < 6
