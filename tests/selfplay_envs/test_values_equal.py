"""When an answer is the value that the program returned, and which programs have an entry point: hand-written tables."""

import pytest

from selfplay_envs import CodeTask
from selfplay_envs.programs import program_fault
from selfplay_envs.verify import check_input, check_output, check_program, validate

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


def said(referee, check):
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
    assert said(referee, check_output(task, answer)) == finding


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
    assert said(referee, check_input(task, answer)) == finding


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
    assert [said(referee, check_program(task, program, strict=strict)) for strict in (False, True)] == ["right", "wrong"]
    assert said(referee, check_input(CodeTask(program=program, inputs=("1",), outputs=(gold,)), "5")) == "right"


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
    assert said(referee, check_program(task, LIBRARY + f"def f(x):\n    return {value}")) == "wrong"


@pytest.mark.parametrize("value", [value for value, _ in EQUALS])
def test_gold_values_are_literals(referee, value):
    program = LIBRARY + f"def f(x):\n    return {value}"
    assert said(referee, validate(program, ["1"])) == "program_not_serialisable"
    assert said(referee, validate(program.replace("return ", "return x, "), ["1"])) == "program_not_serialisable"


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("def f(x): return x", None),
        ("f = lambda x: x", None),
        ("f: object = lambda x: x", None),
        ("f = g = lambda x: x", None),
        ("from functools import partial\ndef g(a, b): return a\nf = partial(g, 1)", None),
        ("def g(x): return x\nf = g", None),
        ("f, g = abs, len", None),
        ("[g, (*_, f)] = [len, (0, abs)]", None),
        ("(f := abs)", None),
        ("print([f := abs for _ in range(1)])", None),
        ("def g(x=(f := abs)): return x", None),
        ("for f in [abs]: pass", None),
        ("from operator import neg as f", None),
        ("import math as f", None),
        ("class f:\n    def __new__(cls, x): return x", None),
        ("try:\n    import no_such_module\nexcept ImportError:\n    def f(x): return x", None),
        ("try:\n    def f(x): return x\nfinally:\n    pass", None),
        ("if 1:\n    def f(x): return x\nelse:\n    def f(x, y): return y", None),
        ("while True:\n    f = abs\n    break", None),
        ("from contextlib import suppress\nwith suppress(ValueError):\n    def f(x): return x", None),
        ("with open('/x') as f: pass", None),
        ("match abs:\n    case f: pass", None),
        ("match [abs]:\n    case [*f]: pass", None),
        ("match {1: abs}:\n    case {**f}: pass", None),
        ("def g():\n    global f\n    def f(x): return x\ng()", None),
        ("def g():\n    def h():\n        global f\n        f = abs\n    h()\ng()", None),
        ("class A:\n    global f\n    f = abs", None),
        ("def f(*a): return a", None),
        ("def f(**k): return k", None),
        ("def f(*, k): return k", None),
        ("def f(k, /): return k", None),
        # nobody binds it there
        ("", "no_entry_point"),
        ("def g(x): return x", "no_entry_point"),
        ("f(1)", "no_entry_point"),
        ("f.x = f[0] = abs", "no_entry_point"),
        ("f: object", "no_entry_point"),
        ("async def f(x): return x", "no_entry_point"),
        ("def g(f): return f", "no_entry_point"),
        ("g = lambda f: f", "no_entry_point"),
        ("g = lambda: (f := abs)", "no_entry_point"),
        ("g = [f for f in (1, 2)]", "no_entry_point"),
        ("def g():\n    def f(x): return x\n    return f", "no_entry_point"),
        ("def g():\n    global f\n    return f", "no_entry_point"),
        ("def g():\n    global f\n    def h(): f = abs", "no_entry_point"),
        ("class A:\n    def f(self, x): return x\n    g = f", "no_entry_point"),
        ("import f.g as h", "no_entry_point"),
        ("from f import g", "no_entry_point"),
        ("try:\n    1 / 0\nexcept ZeroDivisionError as f:\n    pass", "no_entry_point"),
        # a function is seen to take nothing
        ("def f(): return 1", "no_parameter"),
        ("f = lambda: 1", "no_parameter"),
        ("f: object = lambda: 1", "no_parameter"),
        ("(f := lambda: 1)", "no_parameter"),
        ("def f(x): return x\ndef f(): return 1", "no_parameter"),
        ("def f(x): return x\nf = lambda: 1", "no_parameter"),
        ("if 1:\n    def f(): return 1\nelse:\n    f = lambda: 2", "no_parameter"),
        # or may take something
        ("def f(): return 1\ndef f(x): return x", None),
        ("def f(): return 1\nf = abs", None),
        ("def f(x): return x\nif 0:\n    def f(): return 1", None),
        ("try:\n    def f(x): return x\nexcept ValueError:\n    f = lambda: 1", None),
        ("def f(): return 1\ndef g():\n    global f\n    f = abs\ng()", None),
        ("def f(x): return x\ndef g():\n    global f\n    f = lambda: 1", None),
        ("f, g = (lambda: 1), 2", None),
        ("def g(): return 1\nf = g", None),
    ],
)
def test_whatever_a_module_binds_is_an_entry_point(program, fault):
    assert program_fault(program) == fault


def test_entry_points_are_found_at_any_depth_and_in_no_time():
    assert program_fault("x = " + "1 + " * 700 + "(f := abs)(1)") is None
    assert (
        program_fault("def g():\n" + "".join(" " * n + "def h():\n" for n in range(1, 60)) + " " * 60 + "f = 1")
        == "no_entry_point"
    )


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
    task = said(referee, validate(program, ["3", "4"]))
    assert isinstance(task, CodeTask)
    assert task.outputs == ("6", "8")
    assert said(referee, check_program(task, program)) == "right"
