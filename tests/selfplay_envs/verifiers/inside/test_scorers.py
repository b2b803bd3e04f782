"""The gate in front of every evaluation of an answer: what passes, and what could do harm and does not."""

import pytest

from selfplay_envs.verifiers.inside.scorers import Refused, demand_harmless, gated_eval

HARMLESS = (
    "[1, 2, [3]]",
    "(1 + 2) * -3 // 4 ** 2",
    "['a', 'b c']",
    "Integer (2 )*Symbol ('x' )**Integer (2 )",
    "sqrt(Add(Integer(1), Float('1.5'), evaluate=False))",
    "Function ('f' )(Symbol ('x' ))",
    "pi * E",
)
HARMFUL = (
    "open('x', 'w').write('x')",
    "__import__('os').system('true')",
    "[].append(1)",
    "().__class__",
    "[1][0]",
    "(lambda: 1)()",
    "[x for x in (1, 2)]",
    "f'{1}'",
    "eval('1')",
    "x",
    "sympify('1')",
    "Integral(Symbol('x'))",
    "Symbol('__class__')",
    "Symbol('f(x)')",
    "Symbol('x', cls=Function)",
    "Function('f')('g')(1)",
    "Integer(*[1])",
    "{**{}}",
    "(x := 1)",
    "1 if 1 else 2",
    "1; 2",
    "import os",
    "",
    "(" * 5_000,
)


@pytest.mark.parametrize("code", HARMLESS)
def test_arithmetic_passes(code):
    assert demand_harmless(code, ("y",)) == code
    assert demand_harmless("y + 1", ("y",)) == "y + 1"


@pytest.mark.parametrize("code", HARMFUL, ids=lambda code: code[:30])
def test_all_else_is_refused(code):
    with pytest.raises(Refused):
        demand_harmless(code)


def test_an_answer_that_would_write_a_file_writes_none(tmp_path):
    file = tmp_path / "written"
    attack = f"[__import__('pathlib').Path({str(file)!r}).write_text('x')]"
    with pytest.raises(Refused):
        gated_eval(attack)
    assert not file.exists()
    eval(attack)  # what the gate stands in front of
    assert file.exists()
    assert gated_eval("[[1, 0], ['a']]") == [[1, 0], ["a"]]
