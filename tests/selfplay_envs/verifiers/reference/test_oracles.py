"""Oracles, each on hand-made cases that it takes and that it refuses."""

import pytest

from selfplay_envs.verifiers.reference.oracles import MAX_BUILT_CHARS, ORACLES, Case, holds_floats

LONG = repr("a" * MAX_BUILT_CHARS)
CASES = {
    "equal": (
        [("3", "3"), ("3", "3.0"), ("1", "True"), ("{1: 2, 3: 4}", "{3: 4, 1: 2}"), (LONG, LONG)],
        [("(1, 2)", "[1, 2]"), ("3", "4"), ("3", None), (None, None), ("3", "not a literal"), (LONG, "1"), ("1", LONG)],
    ),
    "set": (
        [("[1, 2]", "(2, 1, 1)"), ("[]", "set()"), ("['a']", "{'a': 1}"), ("['a', 'b']", "'ab'")],
        [("[1, 2]", "[1]"), ("[1]", "1"), ("[1]", None), ("[[1]]", "[[1]]"), ("[1]", "Counter({1: 2})")],
    ),
    "truthful": (
        [("None", "None"), ("None", "False"), (None, "True"), (None, "0"), (None, None), ("'a'", "'b'"), ("True", "True")],
        [("None", "True"), ("None", None), ("None", "0"), (None, "None"), (None, "False")],
    ),
    "anything": ([("True", "False"), ("1", None)], []),
    "or-zero": ([("3", "3"), ("3", "0"), ("3", "False")], [("3", "1"), ("3", "None"), ("3", "''"), ("3", None)]),
}


@pytest.mark.parametrize("oracle", CASES)
def test_pairs_of_expected_and_value(oracle):
    right, wrong = CASES[oracle]
    assert [pair for pair in right if not ORACLES[oracle](Case("", *pair))] == []
    assert [pair for pair in wrong if ORACLES[oracle](Case("", *pair))] == []


@pytest.mark.parametrize(
    ("expected", "value", "tolerance", "right"),
    [
        ("1.0", "1.00009", 1e-4, True),
        ("1.0", "1.0002", 1e-4, False),
        ("1.0", "1.0000001", 0.0, False),
        ("1000000000.0", "1000000099.0", 1e-4, True),  # within 1e-7 of it
        ("1000000000.0", "1000000102.0", 1e-4, False),
        ("[1.0, 2.0]", "[1.0, 2.00001]", 1e-4, True),
        ("[1.0, 2.0]", "(1.0, 2.00001)", 1e-4, False),
        ("[1.0, 2.0]", "[1.00001]", 1e-4, False),
        ("[(1.0,)]", "[[1.00001]]", 1e-4, True),  # EvalPlus looks at the outermost type alone
        ("2", "2.00001", 1e-4, False),
        ("1.0", "'1.00001'", 1e-4, False),
        ("{'a': 1.0}", "{'a': 1.00001}", 1e-4, False),
        ("1e999", "1.0", 1e-4, False),
        ("1e999", "1e999", 1e-4, True),
        ("(1+2j)", "(1.00001+2j)", 1e-4, True),
        ("1.0", "0x" + "f" * 9_000, 1e-4, False),
        (str(10**400), str(10**400 + 1), 1e-4, False),
    ],
)
def test_tolerances(expected, value, tolerance, right):
    assert ORACLES["equal"](Case("", expected, value, tolerance)) is right


def test_strict_tells_types_apart():
    assert not ORACLES["equal"](Case("", "[1]", "[True]", 0.0, strict=True))
    assert not ORACLES["equal"](Case("", "[(1.0,)]", "[[1.00001]]", 1e-4, strict=True))
    assert ORACLES["equal"](Case("", "[(1.0,)]", "[(1.00001,)]", 1e-4, strict=True))


@pytest.mark.parametrize(
    ("oracle", "call", "expected", "value", "tolerance", "right"),
    [
        ("surface", "3, 4", "33", "33", 0.0, True),
        ("surface", "3, 4", "33", "35", 0.0, True),  # 9 + 6 * sqrt(1.5² + 4²) = 34.6...
        ("surface", "3, 4", "33", "34", 0.0, False),
        ("surface", "3, 4", "33", "None", 0.0, False),
        ("digit-distance", "1, 23", "6", "6", 0.0, True),
        ("digit-distance", "1, 23", "6", "4", 0.0, True),  # |0 - 2| + |1 - 3|
        ("digit-distance", "1, 23", "6", "5", 0.0, False),
        ("digit-distance", "-1, 23", "6", "4", 0.0, False),
        ("root", "[-6, 1, 1]", None, "2", 1e-4, True),  # x² + x - 6
        ("root", "[-6, 1, 1]", "2.0", "-3.00001", 1e-4, True),
        ("root", "[-6, 1, 1]", "2.0", "2.1", 1e-4, False),
        ("root", "[-6, 1, 1]", "2.0", "1e999", 1e-4, False),
        ("root", "[-6, 1, 1]", "2.0", "1e308", 1e-4, False),
        ("root", "[-6, 1, 1]", "2.0", "'2'", 1e-4, False),
        ("root", "[-6, 1, 1]", "2.0", None, 1e-4, False),
    ],
)
def test_oracles_that_look_at_the_call(oracle, call, expected, value, tolerance, right):
    assert ORACLES[oracle](Case(call, expected, value, tolerance)) is right


def test_what_counts_as_floats():
    assert [holds_floats(text) for text in ("1.5", "[1.5]", "(1.5, 2.0)")] == [True] * 3
    assert [holds_floats(text) for text in ("1", "[]", "[1.5, 1]", "[[1.5]]", "'1.5'", "", None)] == [False] * 7
