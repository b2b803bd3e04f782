"""Programs beside a reference: right ones pass whatever their style, and no trick makes a wrong one right."""

import random
import time

import pytest

from sandboxes import Limits, Outcome, ScriptedSandbox, Status
from selfplay_envs import Referee
from selfplay_envs.verifiers.reference.check import ReferenceTests, check_reference
from selfplay_envs.verifiers.registry import find_verifier

pytestmark = pytest.mark.usefixtures("own_cache")
SORTED = ReferenceTests(
    reference="def f(xs):\n    return sorted(xs)",
    base=("[2, 1]", "[]"),
    plus=tuple(f"[{number}, 3, 1]" for number in range(20)),
)
FAST = Limits(cpu_s=0.3, wall_s=3.0)


def found(referee, program, tests=SORTED, **options):
    [answered] = referee.answer([check_reference(program, "f", tests, **options)])
    return answered.value


@pytest.mark.parametrize(
    "program",
    [
        "f = sorted",
        "def f(xs):\n    xs.sort()\n    return xs",
        "def f(xs):\n    print('right')\n    return sorted(xs)",
        "from collections import *\ndef f(xs):\n    return [x for x, n in sorted(Counter(xs).items()) for _ in range(n)]",
        "def f(xs):\n    low = min(xs, default=0)\n    return xs and [low] * xs.count(low) + f([x for x in xs if x > low])",
    ],
)
def test_right_programs(referee, program):
    assert found(referee, program) == "right"
    assert found(referee, program, strict=True) == "right"


EQUAL_TO_ALL = """
class Equal(list):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __len__(self): return 1 << 30
    def __repr__(self): return "[1, 2]"
    __hash__ = None
"""
CHEATS = {
    "none": "def f(xs):\n    return None",
    "equal to all": EQUAL_TO_ALL + "def f(xs):\n    return Equal()",
    "a list of what is equal to all": EQUAL_TO_ALL + "def f(xs):\n    return [Equal() for _ in xs]",
    "a float that is close to all": (
        "class Near(float):\n    def __sub__(self, other): return 0.0\n    def __rsub__(self, other): return 0.0\n"
        "    def __eq__(self, other): return True\n    __hash__ = None\ndef f(xs):\n    return Near(1)"
    ),
    "the right value of a class of its own": "class Mine(list): pass\ndef f(xs):\n    return Mine(sorted(xs))",
    "a generator": "def f(xs):\n    yield from sorted(xs)",
    "an iterator": "def f(xs):\n    return iter(sorted(xs))",
    "prints": "def f(xs):\n    print(sorted(xs))",
    "leaves at once": "import os\nos._exit(0)",
    "leaves when called": "import os\ndef f(xs):\n    os._exit(0)",
    "exits": "def f(xs):\n    raise SystemExit(0)",
    "patches": (
        "import builtins, json, sys\nfor name in ('repr', 'len', 'type', 'sorted', 'str'):\n"
        "    setattr(builtins, name, lambda *a, **k: [1, 2])\njson.dumps = lambda *a, **k: '[1, 2]'\n"
        "for module in list(sys.modules.values()):\n    if hasattr(module, 'canonical'):\n"
        "        module.canonical = lambda *a: '[1, 2]'\ndef f(xs):\n    return 0"
    ),
    "too many items": "def f(xs):\n    return list(range(10**7))",
    "a text without end": "def f(xs):\n    return 'a' * (1 << 28)",
    "nested": "def f(xs):\n    x = []\n    for _ in range(10**5):\n        x = [x]\n    return x",
    "contains itself": "def f(xs):\n    xs.append(xs)\n    return xs",
    "not a number": "def f(xs):\n    return [float('nan')] * len(xs)",
    "sleeps": "import time\ndef f(xs):\n    time.sleep(60)",
    "never ends": "def f(xs):\n    while True: pass",
    "never ends when loaded": "while True: pass",
    "recursion": "def f(xs):\n    return f(xs)",
    "only the first": "calls = []\ndef f(xs):\n    return sorted(xs) if len(xs) < 3 else xs[:0]",
    "no such name": "def g(xs):\n    return sorted(xs)",
    "not a function": "f = [1, 2]",
}


@pytest.mark.parametrize("program", CHEATS.values(), ids=CHEATS)
def test_cheats(referee, program):
    assert found(referee, program, limits=FAST) == "wrong"


def test_reasons(referee):
    assert found(referee, "def f(xs) return xs") == "syntax_error"
    assert found(referee, "#" * 10_000) == "program_too_long"
    rng = random.Random(0)
    noise = "".join(chr(rng.randrange(0x4E00, 0x9000)) for _ in range(20_000))  # long, and hard to compress
    tests = ReferenceTests(reference="f = len", base=(repr(noise),))
    assert found(referee, "f = len", tests) == "right"
    assert found(referee, f"#{noise[:8_000]}\nf = len", tests) == "program_too_long"


def test_a_program_that_hangs_costs_one_call_or_one_batch(referee):
    program = "def f(xs):\n    while len(xs) > 2: pass\n    return sorted(xs)"
    began, jobs = time.monotonic(), referee.sandbox.stats().jobs
    assert found(referee, program, limits=FAST) == "wrong"
    assert time.monotonic() - began < 120
    assert referee.sandbox.stats().jobs - jobs == 2 + 2  # the outputs of the reference, and two batches


def test_base_only(referee):
    program = "def f(xs):\n    return xs[::-1]"
    assert found(referee, program) == "wrong"
    assert found(referee, program, base_only=True) == "right"


def test_floats_of_a_reference_allow_for_a_tolerance(referee):
    thirds = ReferenceTests(reference="def f(x):\n    return x / 3 if x < 5 else [x]", base=("1", "9"))
    near = "def f(x):\n    return x / 3 + 1e-8 if x < 5 else [x]"
    assert found(referee, near, thirds) == "right"
    assert found(referee, near, thirds, strict=True) == "right"
    assert found(referee, "def f(x):\n    return x / 3 + 1e-5 if x < 5 else [x]", thirds) == "wrong"
    # Once floats were expected, EvalPlus's loop goes on with their tolerance.
    off = "def f(x):\n    return x / 3 if x < 5 else [x + 1e-8]"
    assert found(referee, off, thirds) == "right"
    assert found(referee, off, thirds, strict=True) == "wrong"
    assert found(referee, off, ReferenceTests(reference=thirds.reference, base=("9",))) == "wrong"


def test_a_tolerance_of_the_task(referee):
    tests = ReferenceTests(reference="def f(x):\n    return (x, 0.5)", base=("1",), tolerance=1e-4)
    assert found(referee, "def f(x):\n    return (x, 0.50005)", tests) == "right"
    assert found(referee, "def f(x):\n    return (x, 0.501)", tests) == "wrong"


def test_strict_tells_types_apart(referee):
    tests = ReferenceTests(reference="def f(x):\n    return x == 1", base=("1",))
    assert found(referee, "def f(x):\n    return 1", tests) == "right"
    assert found(referee, "def f(x):\n    return 1", tests, strict=True) == "wrong"


MATCH = "import re\ndef f(text):\n    return re.search('ab', text)"


def test_a_reference_that_returns_objects(referee):
    tests = ReferenceTests(reference=MATCH, base=("'cabc'", "'c'"), oracle="truthful")
    assert found(referee, MATCH, tests) == "right"
    assert found(referee, "def f(text):\n    return 'ab' in text", tests) == "right"
    assert found(referee, "def f(text):\n    return 'Found' if 'ab' in text else None", tests) == "right"
    assert found(referee, "def f(text):\n    return 'ab' not in text", tests) == "wrong"
    assert found(referee, "def f(text):\n    return None", tests) == "wrong"


@pytest.mark.parametrize(
    "tests",
    [
        ReferenceTests(reference="def f(x):\n    return 1 / x", base=("1", "0")),
        ReferenceTests(reference="def f(x):\n    return 1 / x", base=("1",), plus=("0",)),
        ReferenceTests(reference=MATCH, base=("'cabc'",)),  # equality asks for a text
        ReferenceTests(reference="def f(x):\n    return 'a' * (2 << 20)", base=("1",)),
    ],
)
def test_void_for_a_reference_that_is_none(referee, tests):
    assert found(referee, "def f(x):\n    return None", tests) == "gold_changed"


def test_calls_that_no_sandbox_holds_are_left_out(referee):
    tests = ReferenceTests(reference="def f(x):\n    return 'a' * x", base=("1",), plus=(str(2 << 20), "2"))
    assert found(referee, "def f(x):\n    return 'aa'[:x]", tests) == "right"
    assert found(referee, "def f(x):\n    return 'a'", tests) == "wrong"


def test_a_lost_sandbox_is_void(referee):
    assert found(referee, "f = sorted") == "right"  # the outputs are known from now on
    lost = Referee(ScriptedSandbox(lambda job: Outcome.uniform(Status.WORKER_LOST, len(job.calls))))
    assert found(lost, "f = sorted") == "worker_lost"


def test_it_has_a_name(referee):
    check = find_verifier("reference:base_only=1")
    [answered] = referee.answer([check("def f(xs):\n    return xs[::-1]", "f", SORTED)])
    assert answered.value == "right"
