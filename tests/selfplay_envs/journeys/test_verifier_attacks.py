"""Attacks on the verifiers: passes that are not earned, reasons that excuse, and costs for others."""

from __future__ import annotations

import time

import pytest

from sandboxes import Limits, open_sandbox
from selfplay_envs import CodeTask, Referee, check_stdio, check_unit_tests
from selfplay_envs.verifiers.code_tasks import check_input, check_output, check_program, validate
from selfplay_envs.verifiers.expressions import resolve_inputs

QUICK = Limits(cpu_s=0.4, wall_s=1.5)
PAGE = """
import os, sys
def page():
    frame = sys._getframe()
    while 'emit' not in frame.f_locals: frame = frame.f_back
    return frame.f_locals['emit'].__self__
def say(tag, text):
    page().emit(tag, text)
    os._exit(0)
"""
QUIET_PAGE = PAGE.replace("import os, sys", "os, sys = map(__import__, ('os', 'sys'))")  # past the gate for imports


def answer(referee: Referee, *checks):
    return [answered.value for answered in referee.answer(checks)]


SQUARE_TESTS = """
def check(candidate):
    assert candidate(3) == 9
    assert candidate(-4) == 16
    assert sorted(candidate(i) for i in range(5)) == [0, 1, 4, 9, 16]
    assert len(str(candidate(10))) == 3
"""
PRIME = "PRIME = 2 ** 61 - 1\n"
CANDIDATES = {
    "a set of one hash": (PRIME + "def f(x): return {PRIME * k for k in range(2_800)}", "value_not_literal"),
    "keys of one hash": (PRIME + "def f(x): return {PRIME * k: 0 for k in range(1_800)}", "test_too_long"),
    "a list of 4 MiB, past the harness": (PAGE + "def f(x): say(86, '[' + '0,' * 2_000_000 + ']')", "value_not_literal"),
    "arguments that it calls no literals": (PAGE + "def f(x): say(70, 'arguments are not literals')", "wrong"),
    "a program that it calls no program": (PAGE + "say(67, 'SyntaxError')\ndef f(x): return 0", "syntax_error"),
    "memory that ran out, it says": (PAGE + "def f(x): say(77, 'MemoryError')", "wrong"),
    "the verdict in place of an observation": (PAGE + "def f(x): say(86, \"('right', None)\")", "wrong"),
    "an observation of other arguments": (PAGE + "def f(x): say(86, \"('value', 9, [[9], {}])\")", "wrong"),
    "an exception of another kind": (PAGE + "def f(x): say(86, \"('raised', ['SystemExit', []], [[3], {}])\")", "wrong"),
    "a regular expression that hangs": ("def f(x): return '(a+)+$'", "wrong"),
    "an exception that ends imports": ("def f(x): raise ImportError('x')", "wrong"),
    "a warning": ("def f(x): raise DeprecationWarning('x')", "wrong"),
    "an interrupt": ("def f(x): raise KeyboardInterrupt", "wrong"),
    "as many reasons as fit": ("def f(x): raise ValueError(*range(20_000))", "value_not_literal"),
    "infinity": ("def f(x): return float('inf')", "wrong"),
    "a count of its calls": (
        "import builtins\ndef f(x):\n    builtins.n = getattr(builtins, 'n', 8) + 1\n    return builtins.n",
        "wrong",
    ),
    "another inequality": ("from __future__ import barry_as_FLUFL\ndef f(x): return 0", "wrong"),
    "a line that goes on into the harness": ("def f(x): return 0\n\\", "syntax_error"),
    "a text that goes on into the harness": ("def f(x): return 0\n'''", "syntax_error"),
    "carriage returns": ("def f(x):\r  return 0\r#\r", "wrong"),
    "indentation at the end": ("def f(x):\n  if x:\n    return 0\n  \x0c  ", "wrong"),
    "builtins of its own": ("__builtins__ = {'tuple': lambda *a: 9}\ndef f(x): return 0", "wrong"),
    "flags for the judge's streams": (
        "import fcntl, os\ndef f(x):\n    for n in range(3): fcntl.fcntl(n, fcntl.F_SETFL, os.O_NONBLOCK)\n    return 0",
        "wrong",
    ),
    "a key that is no name": (PAGE + "def f(x): say(86, \"('value', 9, [[3], {1: 2}])\")", "wrong"),
}


@pytest.mark.parametrize(("program", "finding"), CANDIDATES.values(), ids=CANDIDATES)
def test_no_candidate_passes_unit_tests(referee, program, finding):
    started = time.process_time()
    honest = check_unit_tests("def f(x): return x * x", "f", SQUARE_TESTS)
    assert answer(referee, check_unit_tests(program, "f", SQUARE_TESTS, limits=QUICK), honest) == [finding, "right"]
    assert time.process_time() - started < 8


CASES = [("2\n3\n", "5\n"), ("10\n-4\n", "6\n")]
SUM = "a, b = int(input()), int(input())\n"
WRITERS = {
    "arguments that it calls no literals": PAGE + "say(70, 'longer than 20000')",
    "a number in place of a text": PAGE + "say(86, input()) if 0 else say(86, '5')",
    "a text of 4 MiB": PAGE + "say(86, repr('5' * 4_000_000))",
    "a digit of another script": SUM + "print(chr(0x660 + a + b))",
    "a wide digit": SUM + "print(chr(0xff10 + a + b))",
    "a space without width": SUM + "print(str(a + b) + chr(0x200b))",
    "a mark of byte order": SUM + "print(chr(0xfeff) + str(a + b))",
    "a NUL": SUM + "print(a + b, end=chr(0))",
    "an answer and a terminal's undo": SUM + "print('7\\b' + str(a + b))",
    "an exit code behind the answer": SUM + "print(a + b)\nimport atexit, os\natexit.register(os._exit, 1)",
    "a hang behind the answer": SUM + "print(a + b)\nimport atexit\n@atexit.register\ndef hang():\n    while True: pass",
    "an exit that computes its code": SUM + "print(a + b)\nclass E(SystemExit):\n    code = property(lambda s: 1 / 0)\nraise E",
    "an answer in a closed stream": SUM + "import sys\nsys.stdout.close()\nprint(a + b)",
    "an answer on another descriptor": SUM + "import os\nos.write(2, str(a + b).encode())",
    "more than a pipe holds": SUM + "import os\nwhile True: os.write(1, b'5' * 4096)",
    "a thread that never ends": SUM
    + "import itertools as i, threading\nprint(a + b)\nthreading.Thread(target=sum, args=[i.count()]).start()",
    "a death while writing": SUM + "import os, sys\nsys.stdout.write(str(a + b))\nos.abort()",
}  # fmt: skip


@pytest.mark.parametrize("program", WRITERS.values(), ids=WRITERS)
def test_no_writer_passes(referee, program):
    honest = check_stdio("print(int(input()) + int(input()))", CASES)
    assert answer(referee, check_stdio(program, CASES, limits=QUICK), honest) == ["wrong", "right"]


PROGRAM = "def f(x): return 1"
INPUTS = {
    "a way out behind a comment and a carriage return": ("1 #\r) or (2", PROGRAM, "input_not_literal"),
    "a way out behind a form feed": ("1\x0c) or (2", PROGRAM, "input_not_literal"),
    "a name that is read another way": ("\uff41=1 + 1, a=2", PROGRAM, "input_raised"),
    "digits of another script": ("\u0661 + 1", PROGRAM, "input_not_literal"),
    "a text of 4 MiB": ("g()", PAGE + "def g(): say(86, repr('x' * 4_000_000))\n" + PROGRAM, "input_too_long"),
    "an excuse": ("g()", PAGE + "def g(): say(70, 'arguments are not literals')\n" + PROGRAM, "input_raised"),
    "a value that is code": (
        "g()",
        PAGE + "def g(): say(86, '([__import__(\"os\").abort()], {})')\n" + PROGRAM,
        "input_not_literal",
    ),
    "a depth that has no end": ("g()", "x = []\nx.append(x)\ndef g(): return x\n" + PROGRAM, "input_not_literal"),
    "a set of one hash": ("g()", PRIME + "def g(): return {PRIME * k for k in range(2_000)}\n" + PROGRAM, "input_too_long"),
    "a coin": ("__import__('random').getrandbits(64)", PROGRAM, "input_nondeterministic"),
    "an end to all": ("g(0)", "def g(x): raise SystemExit(0)\n" + PROGRAM, "input_raised"),
    "no eval": ("1 + 1", "import builtins\nbuiltins.eval = None\n" + PROGRAM, "input_raised"),
}


@pytest.mark.parametrize(("text", "program", "reason"), INPUTS.values(), ids=INPUTS)
def test_no_input_of_a_proposer_gets_out_of_its_brackets(referee, text, program, reason):
    assert answer(referee, resolve_inputs(program, [text])) == [reason]


TASK = CodeTask(program="def f(x):\n    return {x: [x]}", inputs=("0", "1", "2"), outputs=("{0: [0]}", "{1: [1]}", "{2: [2]}"))
HONEST = "def f(x):\n    return {x: [x]}"
SOLVERS = {
    "all inputs, seen in the harness": (
        QUIET_PAGE + "def f(x):\n    frame = sys._getframe(1)\n    while 'work' not in frame.f_locals: frame = frame.f_back\n"
        "    return {x: frame.f_locals['work'].calls}"
    ),
    "values of one hash": PRIME + "def f(x): return {PRIME * k for k in range(2_800)}",
    "more than any gold value": QUIET_PAGE + "def f(x): say(86, '[' + '0,' * 2_000_000 + ']')",
    "results for every call": QUIET_PAGE + "def f(x):\n    for _ in range(3): page().emit(86, '{0: [0]}')\n    os._exit(0)",
    "a record that says right": QUIET_PAGE + "def f(x): say(86, 'right')",
    "no type at all": "def f(x):\n    class A(dict):\n        __eq__ = lambda s, o: True\n    return A()",
}


@pytest.mark.parametrize("program", SOLVERS.values(), ids=SOLVERS)
def test_no_solver_passes_unearned_or_costs_the_host_seconds(referee, program):
    started = time.process_time()
    checks = [check_program(TASK, text, strict=strict) for text in (program, HONEST) for strict in (False, True)]
    assert answer(referee, *checks) == ["wrong", "wrong", "right", "right"]
    assert time.process_time() - started < 8


ANSWERS = {
    "in another order and twice": ("{0: [1], 0: [0]}", "right"),  # Python reads it as the same dict
    "in words": ("dict([(0, [0])])", "not_literal"),
    "beside the right one": ("{0: [0]}, {0: [0]}", "wrong"),
    "with a homoglyph": ("{\uff10: [0]}", "not_literal"),
    "behind a comment": ("# {0: [0]}\n", "not_literal"),
    "as a text": ("'{0: [0]}'", "wrong"),
    "of nearly the type": ("{0.0: [0]}", "right"),
    "a set of one hash": ("{" + ", ".join(str((2**61 - 1) * n) for n in range(800)) + "}", "wrong"),
}


@pytest.mark.parametrize(("text", "finding"), ANSWERS.values(), ids=ANSWERS)
def test_answers(referee, text, finding):
    started = time.process_time()
    assert answer(referee, check_output(TASK, text)) == [finding]
    assert time.process_time() - started < 1


CHANGES_WITH_ONE_INPUT = """
import string
def f(x):
    if x == 'poison':
        string.digits = ''
    return len(string.digits)
"""


def test_one_solvers_input_does_not_decide_about_anothers(referee):
    [task] = answer(referee, validate(CHANGES_WITH_ONE_INPUT, ["'abc'"]))
    assert isinstance(task, CodeTask)
    found = answer(referee, check_input(task, "'poison'"), check_input(task, "'q'"), check_input(task, "'abc'"))
    assert found[1:] == ["right", "right"]


def test_a_thousand_siblings_cost_nobody_a_verdict():
    remembering = Referee(open_sandbox("process"))
    task = CodeTask(program="def f(x):\n    return 1 + 0 * x", inputs=("0",), outputs=("1",))
    found = answer(remembering, *[check_input(task, str(number)) for number in range(1_100)])
    assert set(found) == {"right"}
    assert answer(remembering, check_input(task, "7")) == ["right"]


def test_gold_values_are_canonical(referee):
    program = QUIET_PAGE + "def f(x): say(86, '1  # the answer is in here')"
    [task] = answer(referee, validate(program, ["0"]))
    assert isinstance(task, str) or task.outputs == ("1",)
