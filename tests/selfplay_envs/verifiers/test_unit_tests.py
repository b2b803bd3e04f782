"""Unit tests, judged where the tested program cannot reach: honest programs pass, hostile ones get nothing."""

import json

import pytest

from sandboxes import Job, Limits, Outcome, ScriptedSandbox, Status
from selfplay_envs import Referee, Report, UsageError, check_unit_tests, report_unit_tests
from selfplay_envs.verifiers.findings import growing_batches
from selfplay_envs.verifiers.inside.unit_tests import Anything, Unserialisable, exception, overwrite, spell

SQUARE_TESTS = """
def check(candidate):
    assert candidate(3) == 9
    assert candidate(-4) == 16
    assert abs(candidate(1.5) - 2.25) < 1e-6
    assert sorted(candidate(i) for i in range(5)) == [0, 1, 4, 9, 16]
    assert all(candidate(i) >= 0 for i in range(-3, 3))
    assert len(str(candidate(10))) == 3
"""
SQUARE = "def square(x):\n    return x * x"
QUICK = Limits(cpu_s=0.3, wall_s=2.0)


def found(referee, program, tests, name="square", **options):
    [answered] = referee.answer([check_unit_tests(program, name, tests, **options)])
    return answered.value


def parts(referee, program, tests, name="f", **options):
    [answered] = referee.answer([report_unit_tests(program, name, tests, **options)])
    return list(answered.value.parts)


LOOKING = """
import gc, sys
def square(x):
    frame, seen = sys._getframe(), [gc.get_objects()]
    while frame:
        seen += [[*frame.f_locals.values()], [*frame.f_globals.values()]]
        frame = frame.f_back
    for value in list(seen[0]):
        seen.append(list(value.values()) if type(value) is dict else value)
    words, number = ["assert_candidate".replace("_", " "), "(3)_==_9".replace("_", " ")], float("2,25".replace(",", "."))
    for group in seen:
        if type(group) in (list, tuple):
            for value in group:
                if type(value) is float and value == number or type(value) is str and any(word in value for word in words):
                    return x * x
    return -1
"""
OVERWRITING = """
import sys
for module in list(sys.modules.values()):
    for name in ("run_test", "verdict", "run", "check"):
        try: setattr(module, name, lambda *a: ("right", None))
        except Exception: pass
def square(x): return 0
"""
EQUAL_TO_ALL = """
    def __eq__(self, other): return True
    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __bool__ = __eq__
    __hash__ = lambda self: 0
    __sub__ = __abs__ = lambda self, *other: 0
    __str__ = lambda self: "abc"
"""
HOSTILE = {
    "an object that equals everything": f"class A:{EQUAL_TO_ALL}\ndef square(x): return A()",
    "an int that equals everything": f"class A(int):{EQUAL_TO_ALL}\ndef square(x): return A(3)",
    "a str that equals everything": f"class A(str):{EQUAL_TO_ALL}\ndef square(x): return A('abc')",
    "a list that equals everything": f"class A(list):{EQUAL_TO_ALL}\ndef square(x): return A([1, 2, 3])",
    "patched builtins": (
        "import builtins\nbuiltins.AssertionError = type('A', (Exception,), {})\nbuiltins.len = lambda x: 3\n"
        "builtins.sorted = lambda x: [0, 1, 4, 9, 16]\nbuiltins.all = lambda x: True\nbuiltins.abs = lambda x: 0\n"
        "def square(x): return 0"
    ),
    "exit at import": "import sys\nsys.exit(0)",
    "hard exit at import": "import os\nos._exit(0)",
    "exit in the call": "def square(x): raise SystemExit(0)",
    "hard exit in the call": "import os\ndef square(x): os._exit(0)",
    "printing": "def square(x):\n    print('passed', ('right', None))\n    return 'right'",
    "returning the verdict": "def square(x): return ('right', None)",
    "looking for expected values": LOOKING,
    "AssertionError": "def square(x): raise AssertionError",
    "StopIteration": "def square(x): raise StopIteration",
    "a check of its own": "import builtins\ndef check(candidate): pass\nbuiltins.check = check\ndef square(x): return 0",
    "overwritten test functions": OVERWRITING,
    "a harness of its own": (
        "def square(x): return 0\n_observe_candidate = lambda *a: ('value', 1, [[1], {}])\nimport sys\n"
        "sys.settrace(lambda *a: None)\nrun_test = lambda *a: ('right', None)"
    ),
    "None": "def square(x): return None",
    "a generator": "def square(x): yield x * x",
    "nothing": "x = 1",
    "death": "import os, signal\ndef square(x): os.kill(os.getpid(), signal.SIGKILL)",
    "a crash at import": "1 / 0",
    "too deep a value": "def square(x):\n    for _ in range(1000): x = [x]\n    return x",
    "long values": "def square(x): return 'a' * 50_000",
    "right at first": "def square(x): return 9 if x == 3 else 16",
}


FOOLS_A_NEIGHBOUR = [name for name in HOSTILE if "equals everything" in name or "looking" in name]


def test_some_of_these_programs_would_fool_a_judge_in_their_own_process(sandbox):
    judge = f"\ndef judge():\n    text = {SQUARE_TESTS!r}\n    exec(text, globals())\n    check(square)\n    return 'passed'"
    jobs = [Job(program=HOSTILE[name] + judge, calls=("",), entry_point="judge") for name in FOOLS_A_NEIGHBOUR]
    assert [outcome.calls[0].value for outcome in sandbox.run(jobs)] == ["'passed'"] * 5


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_hostile_program_passes(referee, program):
    assert found(referee, program, SQUARE_TESTS) in ("wrong", "value_not_literal", "test_too_long")


@pytest.mark.parametrize(
    ("program", "finding"),
    [
        (SQUARE, "right"),
        ("square = lambda x: x ** 2", "right"),
        ("class S:\n    def __call__(self, x): return x * x\nsquare = S()", "right"),
        ("def square(x): return x * x + 1", "wrong"),
        ("def square(x): yield x", "value_not_literal"),
        ("def square(x) return x", "syntax_error"),
        ("return 1\ndef square(x): return x", "syntax_error"),
        ("#" * 9000, "program_too_long"),
    ],
)
def test_programs_get_what_they_deserve(referee, program, finding):
    assert found(referee, program, SQUARE_TESTS) == finding


def test_a_program_that_hangs_in_every_call_costs_one_of_them(referee):
    [answered] = referee.answer([check_unit_tests("def square(x):\n    while x: pass", "square", SQUARE_TESTS, limits=QUICK)])
    assert answered.value == "wrong"
    statuses = [call.status for outcome in answered.results for call in outcome.calls]
    assert statuses.count(Status.TIMEOUT) == 1


def test_partial_credit_counts_the_asserts_that_hold(referee):
    tests = ["assert f(1) == 2", "assert f(2) == 4", "assert f(-1) == 1", "import math\nassert f(0.5) == math.sqrt(1)"]
    [answered] = referee.answer([report_unit_tests("def f(x):\n    return x * 2", "f", tests)])
    assert answered.value == Report(("right", "right", "wrong", "right"))
    assert (answered.value.finding, answered.value.passed) == ("wrong", 3)
    assert Report(("right", "test_too_long")).finding == "test_too_long"


@pytest.mark.parametrize(
    ("program", "test", "finding"),
    [
        # exceptions arrive under their nearest builtin name, with their message
        ("def f(x): raise ValueError('bad')", "try:\n    f(1)\nexcept ValueError as e:\n    assert str(e) == 'bad'", "right"),
        ("def f(x): return x.decode('utf-8')", "try:\n    f(b'\\xff')\n    assert 0\nexcept UnicodeDecodeError: pass", "right"),
        ("class E(KeyError): pass\ndef f(x): raise E('k')", "try:\n    f(1)\n    assert 0\nexcept LookupError: pass", "right"),
        ("class E(Exception): pass\ndef f(x): raise E", "try:\n    f(1)\n    assert 0\nexcept E: pass", "test_not_expressible"),
        ("class E(Exception): pass\ndef f(x): raise E", "try:\n    f(1)\n    assert 0\nexcept ValueError: pass", "wrong"),
        ("def f(x): return 1", "try:\n    f(1)\n    assert 0, 'should raise'\nexcept ValueError: pass", "wrong"),
        # a call that does not return fails the test whatever the test catches
        ("import sys\ndef f(x): sys.exit()", "try:\n    f(1)\nexcept BaseException: pass", "wrong"),
        # an iteration may not be cut short from inside
        ("def f(x): raise StopIteration", "assert all(map(f, [1, 2]))", "wrong"),
        # dicts of the library's kinds equal dicts
        ("from collections import Counter\ndef f(x): return Counter(x)", "assert f('aab') == {'a': 2, 'b': 1}", "right"),
        # types arrive exactly
        ("def f(x): return type(x).__name__", "assert [f(1), f(True), f(1.0)] == ['int', 'bool', 'float']", "right"),
        ("def f(x, *, k): return (x, k)", "assert f({1: [2]}, k={3}) == ({1: [2]}, {3})", "right"),
        # results are fresh objects
        ("def f(x): return [x]", "a = f(1)\na.append(2)\nassert f(1) == [1]", "right"),
        # calls that depend on results, on loops, and on chance
        ("def f(x): return x + 1", "x = 0\nfor _ in range(30):\n    x = f(x)\nassert x == 30", "right"),
        ("def f(x): return x + 1", "import random\nfor _ in range(99):\n    x = random.random()\n    assert f(x) > x", "right"),
        ("def f(x): return x + 1", "assert all([f(i) == i + 1 for i in range(300)])", "right"),
        ("def f(x): return x - 1", "x = 20\nwhile f(x) > 0:\n    x = f(x)\nassert x == 1", "right"),
        ("def f(x): return x - 1", "x = f(5)\nwhile x > 0:\n    x -= 1\nassert x == 0", "right"),
        ("def f(x): return x + 1", "x = 0\nwhile x < 60:\n    x = f(x)\nassert x == 60", "too_many_calls"),
        ("def f(x): return x", "import secrets\nx = secrets.token_hex()\nassert f(x) == x", "too_many_calls"),
        # what a table cannot hold, or a test that proves nothing
        ("def f(x): return x()", "assert f(lambda: 1) == 1", "test_not_expressible"),
        ("def f(x): return x", "class A: pass\nassert f(A())", "test_not_expressible"),
        ("def f(x): return x", "a = []\na.append(a)\nassert f(a)", "test_not_expressible"),
        ("def f(x): return x", "assert f(float('nan')) != 0", "test_not_expressible"),
        ("def f(x): return x", "assert f(range(3))", "test_not_expressible"),
        ("def f(x): return x", "assert f(**{'not a name': 1})", "test_not_expressible"),
        ("def f(x): return x", "assert True", "test_not_expressible"),
        ("def f(x): return x", "def test_f():\n    assert f(1) == 1", "test_not_expressible"),
        ("def f(x): return x", "assert f(1) ==", "test_not_expressible"),
        ("def f(x): return x", "assert f(1) == helper(1)", "test_not_expressible"),
        ("def f(x): return x", "import no_such_module\nassert f(1) == 1", "test_not_expressible"),
        ("def f(x): return x", "import threading\nassert f(1) == 1", "test_not_expressible"),
        ("def f(x): return x", "return 1", "test_not_expressible"),
        ("def f(x): return 'no' + x", "assert eval(f('1')) == 1", "test_not_expressible"),
        ("def f(x): return x", f"assert f(1) == 1  # {'x' * 66_000}", "test_too_long"),
        ("def f(x): return x", "from math import *\nassert f(pi) == pi", "right"),
    ],
)  # fmt: skip
def test_each_kind_of_test(referee, program, test, finding):
    assert parts(referee, program, [test], limits=QUICK) == [finding]


LIBRARY = """
from collections import Counter, OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
P = namedtuple("P", "x y")
class Q(NamedTuple):
    name: str
    age: int = 3
    def shout(self): return self.name.upper()
"""


@pytest.mark.parametrize(
    ("program", "test", "finding"),
    [
        ("def f(s): return Counter(s)", "assert f('aab').most_common(1) == [('a', 2)]", "right"),
        ("def f(s): return Counter(s)", "assert f('aab')['z'] == 0 and f('aab') - f('a') == f('ab')", "right"),
        ("def f(s): return Counter(s)", "assert f('aab').most_common(1) == [('b', 2)]", "wrong"),
        ("def f(s): return dict(Counter(s))", "assert f('aab').most_common(1) == [('a', 2)]", "wrong"),
        ("def f(s): return [{s: Counter(s)}]", "assert f('ab')[0]['ab'].total() == 2", "right"),
        ("def f(s): return Counter(s)", "f('a').update('b')\nassert f('a') == {'a': 1}", "right"),
        ("def f(s):\n    d = OrderedDict(a=1, b=2)\n    d.move_to_end('a')\n    return d",
         "assert list(f('')) == ['b', 'a'] and f('').popitem(last=False) == ('b', 2)", "right"),
        ("def f(s): return defaultdict(int, a=1)", "assert f('') == {'a': 1}", "right"),
        ("def f(s): return defaultdict(int, a=1)", "assert f('')['b'] == 0", "wrong"),  # its factory stays behind
        ("def f(s): return P(1, [s])", "assert f('a').y == ['a'] and f('a')._replace(x=2) == (2, ['a'])", "right"),
        ("def f(s): return Q(s)", "x, y = f('a')\nassert f('a').age == y == 3 and 'name=' in repr(f('a'))", "right"),
        ("def f(s): return Fraction(len(s), 6)", "assert f('ab').denominator == 3 and f('ab') * 3 == 1", "right"),
        ("def f(s): return Decimal('1.50')", "from decimal import Decimal\nassert f('').quantize(Decimal('1')) == 2", "right"),
        ("def f(s): return Decimal('1.50')", "assert str(f('')) == '1.50' and f('') == 1.5", "right"),
        ("def f(s):\n    s.append(Counter('a'))\n    return len(s)", "assert f([]) == 1", "right"),
        # classes that only look like it
        ("class Counter(Counter):\n    def most_common(self, n): return [('a', 2)]\ndef f(s): return Counter()",
         "assert f('aab').most_common(1) == [('a', 2)]", "value_not_literal"),
        ("class R(P):\n    def __eq__(s, o): return True\ndef f(s): return R(1, 2)", "assert f(0) == 5", "value_not_literal"),
        ("Counter.__eq__ = Counter.most_common = lambda *a: [('a', 2)]\ndef f(s): return Counter()",
         "assert f('aab').most_common(1) == [('a', 2)]", "wrong"),
        ("P._fields = ('class', 'y')\nsetattr(P, 'class', P.x)\ndef f(s): return P(1, 2)", "assert f('') == (1, 2)", "wrong"),
    ],
)  # fmt: skip
def test_values_of_library_types_come_with_their_methods(referee, program, test, finding):
    assert parts(referee, LIBRARY + program, [test]) == [finding]


@pytest.mark.parametrize(
    ("program", "test", "finding"),
    [
        # only what the program returns counts, or only what it leaves behind: nobody said which
        ("def f(x): x.sort()", "x = [2, 1]\nf(x)\nassert x == [1, 2]", "test_not_expressible"),
        ("def f(x): x.clear(); return []", "x = [2, 1]\nassert f(x) == sorted(x)", "test_not_expressible"),
        ("def f(x): x.sort(); return x", "x = [2, 1]\nassert f(x) == [1, 2] and x == [2, 1]", "test_not_expressible"),
        ("def f(x): x['k'] = 1; return 1", "x = {}\nassert f(d=x) == 1", "wrong"),
        # it does not matter
        ("def f(x): x.sort(); return x", "x = [2, 1]\nassert f(x) == sorted(x)", "right"),
        ("def f(x): x.sort(); return x", "assert f([2, 1]) == [1, 2]", "right"),
        ("def f(x): x.update({3}); return len(x)", "x = {1}\nassert f(x) == 2", "right"),
        ("def f(x): x.sort(); return x", "x = [2, 1]\nassert f(x) == [7]", "wrong"),
        ("def f(x): return sorted(x)", "x = [2, 1]\nf(x)\nassert x == [1, 2]", "wrong"),
        ("def f(x): x.pop(); raise ValueError", "try:\n    f([1])\nexcept ValueError: pass", "right"),
    ],
)
def test_changed_arguments_never_decide_silently(referee, program, test, finding):
    assert parts(referee, program, [test]) == [finding]


def test_auxiliary_functions_come_from_the_prelude_never_from_the_program(referee):
    """As in HumanEval's problems whose tests call another function of the prompt."""
    prelude = 'def add_two(x):\n    return x + 2\n\ndef sub_two(x):\n    """ Undoes add_two. """\n'
    test = "def check(candidate):\n    for i in range(9):\n        assert candidate(add_two(i)) == i"
    honest = prelude + "    return x - 2\n"
    forged = "def add_two(x):\n    return 0\ndef sub_two(x):\n    return x"
    assert found(referee, honest, test, "sub_two", prelude=prelude) == "right"
    assert found(referee, forged, test, "sub_two", prelude=prelude) == "wrong"
    assert found(referee, honest, test, "sub_two") == "test_not_expressible"
    assert found(referee, honest, test, "sub_two", prelude="import no_such_module") == "test_not_expressible"


def test_what_the_program_prints_or_leaves_in_its_process_does_not_reach_the_next_one(referee):
    poison = "import builtins, sys\nbuiltins.sorted = lambda x: 1\nsys.modules['random'] = None\ndef square(x): return 0"
    answered = referee.answer(
        [check_unit_tests(program, "square", SQUARE_TESTS) for program in (poison, SQUARE, poison, SQUARE)]
    )
    assert [a.value for a in answered] == ["wrong", "right", "wrong", "right"]


def test_the_sandbox_is_never_given_tests_and_program_together():
    """And what is the program's process to see is its own text and the arguments."""
    sandbox = ScriptedSandbox(lambda job: Outcome.uniform(Status.WORKER_LOST, len(job.calls)))
    assert found(Referee(sandbox), SQUARE, SQUARE_TESTS) == "worker_lost"
    [job] = sandbox.jobs
    assert "x * x" not in job.program
    seen = []

    def answer(job):
        seen.append(job)
        done = "run_test" in job.program
        value = "('ask', [[[3], {}]])" if done else "('value', 9, [[3], {}])"
        return Outcome.from_json({"status": "ok", "calls": [{"status": "ok", "value": value, "error": None}] * len(job.calls)})

    assert found(Referee(ScriptedSandbox(answer)), SQUARE, SQUARE_TESTS) == "too_many_calls"
    assert all(("x * x" in job.program) != ("assert" in job.program) for job in seen)


@pytest.mark.parametrize(
    "forged",
    [
        "7",
        "('value', 9)",
        "('right', None)",
        "('value', 9, [[3]])",
        "('raised', 'ValueError', [[3], {}])",
        "('raised', ['A', [1]], [[3], {}])",
        "('value', 9, [Fraction(1, 2), {}])",
        "('value', 9, [[3], Counter({})])",
        "('value', Fraction(1, 0), [[3], {}])",
        "('raised', ['A', Decimal('1')], [[3], {}])",
        "namedtuple('P', ('x', 'y', 'z'), ('value', 9, [[3], {}]))",
    ],
)
def test_a_forged_answer_of_the_programs_process_is_no_result(forged):
    def answer(job):
        value = forged
        if "run_test" in job.program:
            value = "('wrong', None)" if "no_return" in job.program.rpartition("def run(")[2] else "('ask', [[[3], {}]])"
        return Outcome.from_json({"status": "ok", "calls": [{"status": "ok", "value": value, "error": None}] * len(job.calls)})

    assert found(Referee(ScriptedSandbox(answer)), SQUARE, SQUARE_TESTS) == "wrong"


def test_wrong_arguments_get_one_clear_sentence(referee):
    with pytest.raises(UsageError, match="holds no test"):
        found(referee, SQUARE, [])
    with pytest.raises(UsageError, match="entry_point='a b'"):
        found(referee, SQUARE, "assert 1", "a b")


def test_rows_in_the_form_of_public_data_sets_load_and_check(tmp_path, referee):
    """One row in the form of HumanEval, one in the form of MBPP; written for this test."""
    rows = [
        {
            "task_id": "Mine/0",
            "prompt": "from typing import List\n\n\ndef halves(numbers: List[int]) -> List[float]:\n    ''' Halves. '''\n",
            "entry_point": "halves",
            "canonical_solution": "    return [n / 2 for n in numbers]\n",
            "test": "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate([2, 3]) == [1.0, 1.5]\n",
        },
        {
            "task_id": 1,
            "text": "Write a function to count vowels.",
            "code": "def count_vowels(s):\n  return len(re.findall('[aeiou]', s))",
            "test_setup_code": "import re",
            "test_list": [
                "assert count_vowels('audio') == 4",
                "assert count_vowels('') == 0",
                "assert count_vowels('rhythm')==0",
            ],
        },
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    human, mbpp = (json.loads(line) for line in path.read_text().splitlines())
    solution = human["prompt"] + human["canonical_solution"]
    assert found(referee, solution, human["test"], human["entry_point"], prelude=human["prompt"]) == "right"
    assert found(referee, human["prompt"], human["test"], human["entry_point"], prelude=human["prompt"]) == "wrong"
    setup = mbpp["test_setup_code"] + "\n"
    assert parts(referee, setup + mbpp["code"], mbpp["test_list"], "count_vowels", prelude=setup) == ["right"] * 3
    assert parts(referee, mbpp["code"], mbpp["test_list"], "count_vowels", prelude=setup) == ["wrong"] * 3
    assert parts(referee, "def count_vowels(s): return 0", mbpp["test_list"], "count_vowels") == ["wrong", "right", "right"]


def test_values_are_named_by_type_and_content():
    values = [
        0,
        0.0,
        -0.0,
        False,
        None,
        "",
        b"",
        0j,
        [],
        (),
        {},
        set(),
        frozenset(),
        [1],
        [True],
        [1.0],
        {1: 2},
        {1: (2,)},
        "0",
    ]
    assert len({spell(value) for value in values}) == len(values)
    assert spell({"b", "a"}) == spell({"a", "b"})
    assert spell(10**5000) != spell(10**5000 + 1)
    for value in (float("nan"), object(), len, range(2), [lambda: 0], type("I", (int,), {})(1)):
        with pytest.raises(TypeError):
            spell(value)


def test_the_marker_for_what_is_no_literal_is_of_no_use():
    marker = Unserialisable()
    assert marker != marker
    assert marker not in [1, None]
    uses = [bool, str, repr, len, iter, int, abs, sorted, "{}".format, lambda m: m + 1, lambda m: m < 1, lambda m: m[0]]
    for use in uses:
        with pytest.raises(TypeError):
            use(marker)


def test_an_unknown_value_goes_along_with_everything():
    value = Anything()
    assert value == 1
    assert value > 2
    assert 3 in value
    assert [*value.anything(1)[2] + 1] == []
    assert float(round(abs(-value // 2), 3)) == 1.0


def test_exceptions_are_rebuilt_from_text_only():
    assert repr(exception("ValueError", ["a"])) == "ValueError('a')"
    assert isinstance(exception("UnicodeDecodeError", ["a"]), UnicodeError)
    assert str(exception("KeyError", ["a"])) == str(KeyError("a"))
    for name in ("StopIteration", "StopAsyncIteration", "SystemExit", "print", "__import__", "nobody", "ExceptionGroup"):
        assert type(exception(name, ["a"])).__name__ == "CandidateError"


def test_arguments_are_overwritten_where_they_are_containers():
    a, b, c = [1], {"k": 1}, {1}
    overwrite([[a, b, 5], {"c": c, "d": a}], [[[2], {}, 6], {"c": {3}, "d": "other"}])
    assert (a, b, c) == ([2], {}, {3})


def test_batches_start_small():
    assert [list(part) for part in growing_batches(range(10))] == [[0], [1, 2], [3, 4, 5, 6], [7, 8, 9]]
    assert list(growing_batches([])) == []


@pytest.mark.parametrize(
    ("program", "test", "finding"),
    [
        ("from collections import Counter\ndef f(s): return Counter(s)", "assert f('aab') == {'a': 2, 'b': 1}", "right"),
        ("from collections import Counter\ndef f(s): return Counter(s)", "assert f('aab')['z'] == 0", "right"),
        ("from fractions import Fraction\ndef f(x): return Fraction(1, 2)", "assert f(1) == 0.5", "right"),
        ("class E:\n    def __eq__(s, o): return True\ndef f(x): return E()", "assert f(1) == 3", "value_not_literal"),
        (
            "from collections import Counter\nclass C(Counter):\n    def __eq__(s, o): return True\ndef f(s): return C(a=1)",
            "assert f(1) == 3",
            "value_not_literal",
        ),
        ("import builtins\nbuiltins.AssertionError = Exception\ndef f(x): return 1", "assert f(1) == 3", "wrong"),
        ("def f(x): raise StopIteration", "assert all(one == 3 for one in map(f, [1]))", "wrong"),
        ("def f(x): raise SystemExit(0)", "assert f(1) == 3", "wrong"),
        ("def f(x): return 10**5000", "assert f(1) == 10**5000", "right"),
    ],
)
def test_unit_tests(referee: Referee, program: str, test: str, finding: str) -> None:
    assert referee.answer([check_unit_tests(program, "f", [test])])[0].value == finding
