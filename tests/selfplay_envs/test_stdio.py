"""Programs on standard input and output: every usual way to read and write works, and no unusual one gets a pass."""

import json

import pytest

from sandboxes import CallOutcome, Limits, Outcome, ScriptedSandbox, Status
from selfplay_envs import Referee, Report, UsageError, check_stdio, report_stdio
from selfplay_envs.stdio import same_output

CASES = [("2\n3\n", "5\n"), ("10\n-4\n", "6\n")]
QUICK = Limits(cpu_s=0.3, wall_s=2.0)


def found(referee, program, cases=CASES, **options):
    [answered] = referee.answer([check_stdio(program, cases, **options)])
    return answered.value


def parts(referee, program, cases=CASES, **options):
    [answered] = referee.answer([report_stdio(program, cases, **options)])
    return list(answered.value.parts)


FAST_IO = """
import io, os, sys
class Out(io.IOBase):
    def __init__(self, file):
        self.fd, self.buffer, self.writable = file.fileno(), io.BytesIO(), "w" in file.mode
    def write(self, text):
        self.buffer.write(text.encode())
    def flush(self):
        os.write(self.fd, self.buffer.getvalue())
        self.buffer.truncate(0), self.buffer.seek(0)
sys.stdout = Out(sys.stdout)
a, b = os.read(sys.stdin.fileno(), max(os.fstat(0).st_size, 8192)).split()
print(int(a) + int(b))
"""
THREAD = """
import sys, threading
sys.setrecursionlimit(10 ** 6)
threading.stack_size(1 << 26)
def main():
    print(int(input()) + int(input()))
thread = threading.Thread(target=main)
thread.start()
thread.join()
"""
AT_EXIT = """
import atexit, io, os
out = io.StringIO()
atexit.register(lambda: os.write(1, out.getvalue().encode()))
print(int(input()) + int(input()), file=out)
"""
DATACLASS = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Pair:
    a: int
    b: int
if __name__ == "__main__":
    pair = Pair(int(input()), int(input()))
    print(pair.a + pair.b)
"""
HONEST = {
    "input": "print(int(input()) + int(input()))",
    "read": "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
    "readline": "import sys\na = sys.stdin.readline()\nsys.stdout.write(str(int(a) + int(sys.stdin.readline())) + '\\n')",
    "readlines": "import sys\nprint(sum(map(int, sys.stdin.readlines())))",
    "iteration": "import sys\nprint(sum(int(line) for line in sys.stdin))",
    "buffers": "import sys\nsys.stdout.buffer.write(b'%d' % sum(map(int, sys.stdin.buffer.read().split())))",
    "buffered lines": "import sys\ninput = sys.stdin.buffer.readline\nprint(int(input()) + int(input()))",
    "open(0)": "print(sum(map(int, open(0))))",
    "open(0).read()": "print(sum(map(int, open(0).read().split())))",
    "descriptors": "import os\nos.write(1, str(sum(map(int, os.read(0, 99).split()))).encode())",
    "more white space": "print(int(input()) + int(input()), ' \\n\\n')",
    "fast input and output": FAST_IO,
    "a thread with a larger stack": THREAD,
    "output at exit": AT_EXIT,
    "main guard and dataclass": DATACLASS,
    "exit 0": "import sys\nprint(int(input()) + int(input()))\nsys.exit(0)",
    "exit without code": "import sys\nprint(int(input()) + int(input()))\nsys.exit()",
    "exit": "print(int(input()) + int(input()))\nexit()",
    "quit": "print(int(input()) + int(input()))\nquit(0)",
    "end of input": "a = int(input())\nb = int(input())\ntry:\n    input()\nexcept EOFError:\n    print(a + b)",
}


@pytest.mark.parametrize("program", HONEST.values(), ids=HONEST.keys())
def test_every_usual_way_to_read_and_write_works(referee, program):
    assert parts(referee, program) == ["right", "right"]


def test_what_is_written_in_both_ways_keeps_its_order(referee):
    program = "import os\nprint('a', flush=True)\nos.write(1, b'b')\nprint('c', flush=True)\nopen(1, 'w').write('d')"
    assert parts(referee, program, [("", "a\nbc\nd")], exact=True) == ["right"]


RIGHT = "print(int(input()) + int(input()))\n"
LOOKING = """
import gc, sys
frame, seen = sys._getframe(), [gc.get_objects()]
while frame:
    seen += [[*frame.f_locals.values()], [*frame.f_globals.values()]]
    frame = frame.f_back
wanted = [str(n) + end for n in (5, 6) for end in ("", chr(10))]
for group in seen:
    for value in group:
        if type(value) is str and value in wanted:
            print(value)
"""
FORGING = """
import sys
frame = sys._getframe()
class Text(str):
    __eq__ = lambda self, other: True
while frame:
    if "Captured" in frame.f_globals:
        frame.f_globals["Captured"].text = lambda self: {value}
    frame = frame.f_back
"""
HOSTILE = {
    "the first output only": "print(5)",
    "nothing": "",
    "an exit code": RIGHT + "import sys\nsys.exit(1)",
    "an exit with a message": RIGHT + "exit('passed')",
    "an exit with True": RIGHT + "exit(True)",
    "an exit code that claims to be 0": RIGHT + "class E:\n    __eq__ = lambda s, o: True\n    __hash__ = id\nexit(E())",
    "an exception": RIGHT + "1 / 0",
    "a hard exit": RIGHT + "import os\nos._exit(0)",
    "a signal": RIGHT + "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "no end": RIGHT + "while True: pass",
    "a flood": RIGHT + "while True: print('5' * 1000)",
    "all memory": "print([0] * 10 ** 10)",
    "both outputs": "print(5)\nprint(6)",
    "looking for expected values": LOOKING,
    "a text that equals everything": FORGING.format(value="Text('x')"),
    "no text": FORGING.format(value="[5, 6]"),
    "a huge value": FORGING.format(value="[1] * 20_000"),
    "errors only": "import sys\nprint(int(input()) + int(input()), file=sys.stderr)",
    "endless recursion": "def f(): f()\nf()",
}  # fmt: skip


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_hostile_program_passes(referee, program):
    assert found(referee, program, limits=QUICK) == "wrong"


def test_each_case_counts_by_itself(referee):
    [answered] = referee.answer([report_stdio("a = input()\nprint(5 if a == '2' else 1 / 0)", CASES)])
    assert answered.value == Report(("right", "wrong"))
    assert answered.value.passed == 1


def test_each_case_has_a_process_of_its_own(referee):
    counting = "import builtins\nbuiltins.n = getattr(builtins, 'n', 0) + 1\nprint(builtins.n)"
    assert parts(referee, counting, [(str(i), "1") for i in range(7)]) == ["right"] * 7


def test_a_program_that_hangs_is_not_run_on_every_case(referee):
    assert parts(referee, "while True: pass", CASES * 10, limits=QUICK) == ["wrong"] + ["not_run"] * 19
    hangs_later = "if input() == '10':\n    while True: pass\nprint(5)"
    assert parts(referee, hangs_later, CASES + CASES[:1] * 9, limits=QUICK) == ["right", "wrong", "right"] + ["not_run"] * 8


@pytest.mark.parametrize(
    ("program", "finding"),
    [
        ("print(", "syntax_error"),
        ("\x00", "syntax_error"),
        ("print('\ud800')", "syntax_error"),
        ("#" * 40_000, "program_too_long"),
        ("return 5", "wrong"),
    ],
)
def test_what_is_no_program_is_refused_with_its_reason(referee, program, finding):
    assert found(referee, program) == finding


@pytest.mark.parametrize(
    "text",
    ["", "\n", "a\r\nb\rc", "\x00\x01\x7f", "é中🙂", "\udcff", "'\"\\", "x" * 60_000, "\n" * 20_000, "é" * 25_000],
    ids=range(10),
)
def test_text_goes_in_and_comes_out_unchanged(referee, text):
    echo = "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())"
    assert parts(referee, echo, [(text, text)], exact=True) == ["right"]


def test_what_does_not_fit_gets_a_reason(referee):
    assert parts(referee, "print(5)", [("", "5"), ("1" * 70_000, "5")]) == ["right", "stdin_too_long"]
    assert parts(referee, "print('a' * 70_000)", [("", "a" * 70_000)]) == ["stdout_too_long"]
    wide = Limits(output_bytes=1 << 20)
    assert parts(referee, "print('a' * 1_000_000)", [("", "a" * 1_000_000)], limits=wide) == ["right"]


def test_the_sandbox_is_never_given_the_expected_output():
    sandbox = ScriptedSandbox(lambda job: Outcome.of([CallOutcome(status=Status.OK, value="'very-secret'")]))
    assert found(Referee(sandbox), "print(1)", [(str(i), "very-secret") for i in range(3)]) == "right"
    assert len(sandbox.jobs) == 3
    assert not [job for job in sandbox.jobs if "very-secret" in repr(job)]
    lost = ScriptedSandbox(lambda job: Outcome.uniform(Status.WORKER_LOST, 1))
    assert found(Referee(lost), "print(1)") == "worker_lost"


@pytest.mark.parametrize(
    ("written", "expected", "options", "same"),
    [
        ("a  \nb\n\n\n", "a\nb", {}, True),
        ("a\r\nb", "a\nb", {}, True),
        ("", "\n \n", {}, True),
        (" a", "a", {}, False),
        ("a\n\nb", "a\nb", {}, False),
        ("a b", "a  b", {}, False),
        ("A", "a", {}, False),
        ("1.0", "1", {}, False),
        ("a\n", "a", {"exact": True}, False),
        ("a\n", "a\n", {"exact": True}, True),
        ("0.3333333 x", "0.33333331 x", {"float_tolerance": 1e-6}, True),
        ("0.3334", "0.3333", {"float_tolerance": 1e-6}, False),
        ("1000000.5", "1000000", {"float_tolerance": 1e-6}, True),
        ("1 2", "1\n2", {"float_tolerance": 1e-6}, False),
        ("1 2", "1", {"float_tolerance": 1e-6}, False),
        ("1e0  2", "1 2.0", {"float_tolerance": 1e-6}, True),
        ("nan", "1", {"float_tolerance": 1e-6}, False),
        ("inf", "1e308", {"float_tolerance": 1e300}, False),
        ("5", "inf", {"float_tolerance": 1e-6}, False),
        ("inf", "inf", {"float_tolerance": 1e-6}, True),
        ("1_0", "10", {"float_tolerance": 1e-6}, False),
        ("\u0661", "1", {"float_tolerance": 1e-6}, False),  # float() reads the digits of every script
        ("yes", "no", {"float_tolerance": 1e-6}, False),
    ],
)
def test_outputs_are_compared_by_the_usual_rule(written, expected, options, same):
    assert same_output(written, expected, **options) is same


def test_wrong_arguments_get_one_clear_sentence(referee):
    with pytest.raises(UsageError, match="holds no case"):
        found(referee, "print(1)", [])
    for options in ({"float_tolerance": 0.0}, {"float_tolerance": float("nan")}, {"float_tolerance": 0.1, "exact": True}):
        with pytest.raises(UsageError, match="float_tolerance="):
            found(referee, "print(1)", **options)


def test_rows_in_the_form_of_public_data_sets_load_and_check(tmp_path, referee):
    """In the form of programming contests: inputs and outputs as parallel lists; written for this test."""
    row = {
        "question": "Print each word of the line in reverse order.",
        "solutions": ["print(*input().split()[::-1])"],
        "input_output": json.dumps({"inputs": ["a b c\n", "x\n"], "outputs": ["c b a\n", "x\n"]}),
    }
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    [loaded] = [json.loads(line) for line in path.read_text().splitlines()]
    tests = json.loads(loaded["input_output"])
    cases = list(zip(tests["inputs"], tests["outputs"], strict=True))
    assert parts(referee, loaded["solutions"][0], cases) == ["right", "right"]
    assert parts(referee, "print(input())", cases) == ["wrong", "right"]
