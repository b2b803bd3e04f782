"""When an answer is the value that the program returned, and which programs have an entry point: hand-written tables."""

import pytest

from selfplay_envs import CodeTask
from selfplay_envs.verifiers.code_tasks import check_input, check_output, check_program, validate

LIBRARY = """
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
P = namedtuple("P", "x y")
class Q(NamedTuple):
    x: int
    y: int = 2
    def total(self): return self.x + self.y
class D(dict): pass
class C(Counter): pass
class O(OrderedDict): pass
class S(P): pass
class F(Fraction): pass
class A(NamedTuple):
    x: int
    def __eq__(self, other): return True
class E:
    __eq__ = lambda self, other: True
    __hash__ = lambda self: 0
"""


def finding_of(referee, check):
    [answered] = referee.answer([check])
    return answered.value


@pytest.mark.parametrize(
    ("gold", "answer", "finding"),
    [
        *[("1e999", text, "right") for text in (
            "inf", "float('inf')", 'float("inf")', "math.inf", "+inf", "float('Infinity')", "1e999", " inf\n", "(inf)",
        )],
        *[("-1e999", text, "right") for text in ("-inf", "-float('inf')", "float('-inf')", 'float("-inf")', "-math.inf")],
        ("[1e999, 1]", "[inf, 1]", "right"),
        ("{'a': (-1e999, {1e999})}", "{'a': (-inf, {float('inf')})}", "right"),
        ("{1e999: None}", "{math.inf: None}", "right"),
        ("1e999", "-inf", "wrong"),
        ("1e999", "1e308", "wrong"),
        ("1e999", "'inf'", "wrong"),
        ("'inf'", "inf", "wrong"),
        ("1e999", "Infinity", "not_literal"),
        ("1e999", "infinity", "not_literal"),
        ("1e999", "float(inf)", "not_literal"),
        ("1e999", "float('1')", "not_literal"),
        ("1e999", "inf * 1", "not_literal"),
        *[("1e999", text, "not_literal") for text in ("nan", "float('nan')", "math.nan", "[nan]", "-nan")],
        # values of library types are no literals, whatever they equal
        ("{'a': 2}", "Counter({'a': 2})", "not_literal"),
        ("{'a': 2}", "OrderedDict({'a': 2})", "not_literal"),
        ("{'a': 2}", "defaultdict(None, {'a': 2})", "not_literal"),
        ("(1, 2)", "namedtuple('P', ('x', 'y'), (1, 2))", "not_literal"),
        ("0.5", "Fraction(1, 2)", "not_literal"),
        ("[0.5]", "[Decimal('0.5')]", "not_literal"),
    ],
)  # fmt: skip
def test_answers(referee, gold, answer, finding):
    task = CodeTask(program="def f(x):\n    return x", inputs=("1",), outputs=(gold,))
    assert finding_of(referee, check_output(task, answer)) == finding


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        ("inf", "right"),
        ("x=float('inf')", "right"),
        ("math.inf", "right"),
        ("-inf", "wrong"),
        ("nan", "not_literal"),
        ("Infinity", "not_literal"),
        ("Fraction(1, 2)", "not_literal"),
    ],
)
def test_an_input_may_be_infinity(referee, answer, finding):
    task = CodeTask(program="def f(x):\n    return [x, x > 0]", inputs=("1e999",), outputs=("[1e999, True]",))
    assert finding_of(referee, check_input(task, answer)) == finding


EQUALS = [
    ("Counter('aab')", "{'a': 2, 'b': 1}"),
    ("Counter()", "{}"),
    ("defaultdict(list, {1: [2]})", "{1: [2]}"),
    ("OrderedDict(b=1, a=2)", "{'a': 2, 'b': 1}"),
    ("P(1, [2])", "(1, [2])"),
    ("Q(1)", "(1, 2)"),
    ("Fraction(1, 2)", "0.5"),
    ("Fraction(6, 3)", "2"),
    ("Decimal('0.50')", "0.5"),
    ("Decimal('1E+2')", "100"),
    ("Decimal('-inf')", "-1e999"),
    ("[Counter(a=Fraction(1)), {P(1, 2): Decimal(3)}]", "[{'a': 1}, {(1, 2): 3}]"),
    ("({Fraction(1, 4), Decimal(2)},)", "({0.25, 2},)"),
]


@pytest.mark.parametrize(("value", "gold"), EQUALS)
def test_a_library_value_is_the_builtin_one_that_it_equals_unless_types_count(referee, value, gold):
    task = CodeTask(program=f"def f(x):\n    return {gold}", inputs=("1",), outputs=(gold,))
    program = LIBRARY + f"def f(x):\n    return {value}"
    assert [finding_of(referee, check_program(task, program, strict=strict)) for strict in (False, True)] == ["right", "wrong"]
    assert finding_of(referee, check_input(CodeTask(program=program, inputs=("1",), outputs=(gold,)), "5")) == "right"


@pytest.mark.parametrize(
    ("value", "gold"),
    [
        ("Counter('aab')", "{'a': 2}"),
        ("Counter(a=0)", "{}"),
        ("P(1, 2)", "[1, 2]"),
        ("Fraction(1, 3)", "0.3333333333333333"),
        ("Fraction(1, 3)", "('Fraction', 1, 3)"),
        ("Decimal('0.1')", "0.1"),
        ("Decimal('1e999999999')", "1"),
        ("Decimal('1e999999999')", "1e999"),
        ("Decimal('1e-999999999')", "0"),
        ("Fraction(10 ** 4000 + 1, 10 ** 4000)", "1.0"),
        ("Decimal('nan')", "0"),
        ("deque([1])", "[1]"),
        ("float('nan')", "1e999"),
        # subclasses, whatever they equal
        ("D(a=2)", "{'a': 2}"),
        ("C(a=2)", "{'a': 2}"),
        ("O(a=2)", "{'a': 2}"),
        ("S(1, 2)", "(1, 2)"),
        ("F(1, 2)", "0.5"),
        ("A(1)", "(1,)"),
        ("[A(1)]", "[(1,)]"),
        ("Counter(a=E())", "{'a': 1}"),
        ("OrderedDict({E(): 1})", "{'a': 1}"),
        ("P(E(), E())", "(1, 2)"),
    ],
)
def test_any_other_value_is_wrong(referee, value, gold):
    task = CodeTask(program=f"def f(x):\n    return {gold}", inputs=("1",), outputs=(gold,))
    assert finding_of(referee, check_program(task, LIBRARY + f"def f(x):\n    return {value}")) == "wrong"


@pytest.mark.parametrize("value", [value for value, _ in EQUALS])
def test_gold_values_are_literals(referee, value):
    program = LIBRARY + f"def f(x):\n    return {value}"
    assert finding_of(referee, validate(program, ["1"])) == "program_not_serialisable"
    assert finding_of(referee, validate(program.replace("return ", "return x, "), ["1"])) == "program_not_serialisable"


@pytest.mark.parametrize(
    "program",
    [
        "f = lambda x: x * 2",
        "from functools import partial\nfrom operator import mul\nf = partial(mul, 2)",
        "try:\n    from no_such_module import f\nexcept ImportError:\n    def f(x): return x + x",
        "def g(x): return 2 * x\nf, h = g, 1",
    ],
)
def test_such_programs_are_proposed_and_solve(referee, program):
    task = finding_of(referee, validate(program, ["3", "4"]))
    assert isinstance(task, CodeTask)
    assert task.outputs == ("6", "8")
    assert finding_of(referee, check_program(task, program)) == "right"
