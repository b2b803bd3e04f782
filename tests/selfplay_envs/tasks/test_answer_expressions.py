"""Which expressions an answer may hold: computing ones, and nothing that reaches anything else."""

import pytest

from selfplay_envs.tasks.answer_expressions import MAX_EXPRESSION_CHARS, expression_fault, library_names

PROGRAM = (
    "import math, os\nfrom collections import Counter as C, namedtuple\nSEEN = {}\ndef g(x): return x\ndef f(x): return g(x)"
)


@pytest.mark.parametrize(
    "text",
    [
        *("7", "3 + 4", "[x * 2 for x in range(3) if x]", "(lambda a, *b, c=1: a)(2)", "{**{'a': 1}, 'b': [*'ab']}", "'a' * 3"),
        *(
            "math.floor(7.5)",
            "C('aab').most_common(1)",
            "sorted([2, 1], key=lambda v: -v)[0]",
            "f'{7!r:>3}'",
            "'ab'.upper()[::-1]",
        ),
        *(
            "7 # seven",
            "\n  7\n",
            "1 if 2 < 3 else 4",
            "{x: _ for x, _ in {1: 2}.items()}",
            "(1, 2)",
            "1, 2",
            "set()",
            "1j.real",
        ),
    ],
)
def test_expressions_that_compute(text):
    assert expression_fault(text, PROGRAM) == ""


@pytest.mark.parametrize(
    "text",
    [
        *("f(3)", "g(3)", "[f][0](3)", "max(1, 2, key=f)", "SEEN", "SEEN.update(a=1)", "os.getcwd()", "namedtuple('P', 'x')"),
        *("(f := 7)", "exit()", "globals()", "eval('7')", "__import__('os')", "open('x')", "print(7)", "getattr(1, 'real')"),
        *("type('E', (), {})()", "object()", "(lambda: 0).__globals__", "().__class__", "__builtins__", "[__ for __ in [1]]"),
        *("(x for x in [1]).gi_frame", "'{0.a}'.format(1)", "'{a}'.format_map({})", "int.mro()", "...", "(lambda: (yield))()"),
        *(
            "math.__dict__",
            "math.sys",
            "(lambda m: m.path)(math)",
            "C.__init__",
            "[0 for math.pi in [1]]",
            "[0 for [1][0] in [1]]",
        ),
        *("(lambda __x: 1)(2)", "Counter('a')", "random.random()"),
    ],
)
def test_expressions_that_could_do_more(text):
    assert expression_fault(text, PROGRAM) == "forbidden_expression"
    assert expression_fault(text, PROGRAM, arguments=True) == "forbidden_expression"


@pytest.mark.parametrize(
    "text", ["", " ", "7)", "7) + (1", "7)\nimport os\n(7", "x = 7", "import os", "\x00", "(" * 999, "7 8"]
)
def test_texts_that_are_no_expression(text):
    assert expression_fault(text, PROGRAM) == "not_expression"


def test_argument_lists():
    for text in ("", "1, key=2", "*[1], **{'a': 2}", "range(3), lambda v: v < 2", "x=3 # why"):
        assert expression_fault(text, PROGRAM, arguments=True) == ""
    for text in ("3) or (7", "3)(4", "a = 3; b", "*"):
        assert expression_fault(text, PROGRAM, arguments=True) == "not_expression"


def test_long_expressions_are_not_read():
    assert expression_fault("1" + " + 1" * (MAX_EXPRESSION_CHARS // 4), PROGRAM) == "not_expression"


def test_names_of_the_library_are_those_that_the_program_imports():
    assert library_names(PROGRAM) == {"math": ("math", ""), "C": ("collections", "Counter")}
    assert library_names("from fractions import *")["Fraction"] == ("fractions", "Fraction")
    assert library_names("from math import pi as __pi, sys\nimport collections.abc\nfrom .math import pi\ndef f(: ") == {}
    assert library_names("from math import pi as __pi, sys\nimport collections.abc\nfrom .math import pi") == {}
