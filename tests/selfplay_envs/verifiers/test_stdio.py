"""Programs on standard input and output: every usual way to read and write works, and no unusual one gets a pass."""

import json
import time

import pytest

from sandboxes import CallOutcome, Limits, Outcome, ScriptedSandbox, Status
from selfplay_envs import Referee, Report, UsageError, check_stdio, report_stdio
from selfplay_envs.verifiers.stdio import same_output

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


ADD = "print(int(input()) + int(input()))"
FLUSHED = "print(int(input()) + int(input()), flush=True)\n"
FLUSHED_IN_A_FUNCTION = f"""
import os, sys
def main():
    {ADD}
    sys.stdout.flush()
    os._exit(0)
"""
HARD_EXITS = {
    "at the end": f"import os\n{FLUSHED}os._exit(0)",
    "in the middle": f"import os\n{FLUSHED}os._exit(0)\nprint(7)",
    "by its name": f"from os import _exit\n{FLUSHED}_exit(0)",
    "of posix": f"import posix\n{FLUSHED}posix._exit(0)",
    "with a keyword": f"import os\n{FLUSHED}os._exit(status=0)",
    "with 256, which is 0 to whoever waits": f"import os\n{FLUSHED}os._exit(256)",
    "in a function": FLUSHED_IN_A_FUNCTION + "main()\nprint(7)",
    "caught": FLUSHED_IN_A_FUNCTION + "try:\n    main()\nexcept BaseException:\n    print(7, flush=True)\nprint(8)",
    "caught, and then an exception": FLUSHED_IN_A_FUNCTION + "try:\n    main()\nfinally:\n    os.write(1, b'7')\n    1 / 0",
    "caught, and then an exit": FLUSHED_IN_A_FUNCTION + "try:\n    main()\nexcept:\n    sys.exit(1)",
    "at the end of input": f"import os\n{FLUSHED}try:\n    input()\nexcept EOFError:\n    os._exit(0)\nprint(7)",
    "instead of an exception": f"import os\n{FLUSHED}try:\n    1 / 0\nfinally:\n    os._exit(0)",
    "at exit": f"import atexit, os\natexit.register(os._exit, 0)\n{FLUSHED}",
    "in a thread": FLUSHED_IN_A_FUNCTION + "import threading\nt = threading.Thread(target=main)\nt.start()\nt.join()\nprint(7)",
    "in a pool": FLUSHED_IN_A_FUNCTION
    + "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as pool:\n    pool.submit(main)\nprint(7)",
    "after os.write": "import os\nos.write(1, b'%d' % sum(map(int, os.read(0, 99).split())))\nos._exit(0)",
    "output that nobody flushed": f"import os\n{FLUSHED}print(7)\nos._exit(0)",
}


@pytest.mark.parametrize("program", HARD_EXITS.values(), ids=HARD_EXITS.keys())
def test_a_hard_exit_is_judged_by_what_was_flushed(referee, program):
    assert parts(referee, program) == ["right", "right"]


SIZES = (
    "os.fstat(0).st_size",
    "os.fstat(sys.stdin.fileno()).st_size",
    "os.stat(0).st_size",
    "os.stat('/dev/stdin').st_size",
    "os.path.getsize(0)",
    "os.path.getsize('/dev/stdin')",
    "os.path.getsize('/proc/self/fd/0')",
    "pathlib.Path('/dev/stdin').stat().st_size",
    "os.lseek(0, 0, os.SEEK_END)",
    "sys.stdin.seek(0, os.SEEK_END)",
    "sys.stdin.buffer.seek(0, 2)",
    "len(mmap.mmap(0, 0, access=mmap.ACCESS_READ))",
)
READS = {
    "a buffer of its size": "input = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline",
    "a read of its size": "lines = iter(os.read(0, os.stat(0).st_size).split())\ninput = lambda: next(lines)",
    "a file of its size": "lines = iter(open(0, 'rb').read(os.fstat(0).st_size).split())\ninput = lambda: next(lines)",
    "a large read": "input = io.BytesIO(os.read(0, 1 << 20)).readline",
    "a memory map": "input = mmap.mmap(0, 0, access=mmap.ACCESS_READ).readline",
    "a memory map by protection": "input = mmap.mmap(sys.stdin.fileno(), 0, prot=mmap.PROT_READ).readline",
    "again from the start": "assert sys.stdin.read()\nsys.stdin.seek(0)",
    "again from the start, bytes": "input = sys.stdin.buffer.readline\nassert input()\nsys.stdin.buffer.seek(0)",
    "back to a place": "place = sys.stdin.tell()\ninput()\nsys.stdin.seek(place)",
    "back to a place of the descriptor": "assert os.read(0, 99)\nos.lseek(0, 0, os.SEEK_SET)",
    "whether it can": "assert sys.stdin.seekable() and sys.stdin.buffer.seekable() and sys.stdin.mode == 'r'",
    "by name": "sys.stdin = open('/dev/stdin')",
    "by a new file": "input = os.fdopen(0).readline",
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", ["", "2\n3\n", "é" * 9_000])
def test_standard_input_has_a_size(referee, size, text):
    program = f"import mmap, os, pathlib, sys\nprint({size})"
    expected = str(len(text.encode()))
    assert parts(referee, program, [(text, expected)]) == ["wrong" if "mmap" in size and not text else "right"]  # as in reality


@pytest.mark.parametrize("setting", READS.values(), ids=READS.keys())
def test_standard_input_can_be_read_like_a_file(referee, setting):
    assert parts(referee, f"import io, mmap, os, sys\n{setting}\n{ADD}") == ["right", "right"]


def test_other_files_keep_their_size(referee):
    program = "import os\nr, w = os.pipe()\nprint(os.fstat(1).st_size, os.fstat(r).st_size, os.stat(os.devnull).st_size)"
    assert parts(referee, program, [("12345", "0 0 0")]) == ["right"]


STACKS = (
    "resource.getrlimit(resource.RLIMIT_STACK)",
    "(resource.getrlimit(resource.RLIMIT_STACK)[1],) * 2",
    "(resource.RLIM_INFINITY, resource.RLIM_INFINITY)",
    "(2 ** 28, -1)",
    "(2 ** 29, resource.getrlimit(resource.RLIMIT_STACK)[1])",
    "(1 << 22, 1 << 22)",
)


@pytest.mark.parametrize("limits", STACKS)
def test_a_wish_for_stack_does_no_harm(referee, limits):
    wish = f"import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, {limits})\nsys.setrecursionlimit(10 ** 6)\n"
    deep = "def add(n):\n    return int(input()) + int(input()) if n == 0 else add(n - 1)\nprint(add(5000))"
    assert parts(referee, wish + deep) == ["right", "right"]


@pytest.mark.parametrize("limit", ["AS", "CPU", "DATA", "NOFILE", "NPROC", "FSIZE", "CORE"])
def test_other_limits_cannot_be_set(referee, limit):
    wish = f"import resource\nlimit = resource.RLIMIT_{limit}\nresource.setrlimit(limit, resource.getrlimit(limit))\n"
    assert parts(referee, wish + ADD) == ["wrong", "wrong"]


def test_a_byte_order_mark_is_no_part_of_the_program(referee):
    assert parts(referee, "\ufeff" + ADD) == ["right", "right"]
    assert parts(referee, "\ufeff\ufeff" + ADD) == ["syntax_error", "syntax_error"]
    assert parts(referee, "print(input())", [("\ufeffa", "\ufeffa")], exact=False) == ["right"]


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
    "a hard exit without a flush": RIGHT + "import os\nos._exit(0)",
    "a hard exit with a code": FLUSHED + "import os\nos._exit(1)",
    "a hard exit with a code, caught": FLUSHED + "import os\ntry:\n    os._exit(3)\nexcept BaseException:\n    pass",
    "a hard exit without a code": FLUSHED + "import os\nos._exit()",
    "a hard exit before the output": "import os\ntry:\n    os._exit(0)\nexcept BaseException:\n    " + FLUSHED,
    "an abort": FLUSHED + "import os\nos.abort()",
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
        ("1000000.5", "1000000.0", {"float_tolerance": 1e-6}, True),
        ("1000000.5", "1000000", {"float_tolerance": 1e-6}, False),
        ("123456790", "123456789", {"float_tolerance": 1e-6}, False),
        ("123456790", "123456789.0", {"float_tolerance": 1e-6}, True),
        ("123456789", "123456789", {"float_tolerance": 1e-6}, True),
        ("-123456790", "-123456789", {"float_tolerance": 1e-6}, False),
        ("5.0", "5", {"float_tolerance": 1e-6}, True),
        ("4.9999999", "5", {"float_tolerance": 1e-6}, False),
        ("5.0000001", "5", {"float_tolerance": 0.5}, False),
        ("6", "5", {"float_tolerance": 100.0}, False),
        ("5", "5.0000001", {"float_tolerance": 1e-6}, True),
        ("+5", "5", {"float_tolerance": 1e-6}, True),
        ("5", "+5", {"float_tolerance": 1e-6}, True),
        ("-0", "0", {"float_tolerance": 1e-6}, True),
        ("0.0", "-0", {"float_tolerance": 1e-6}, True),
        ("-5", "5", {"float_tolerance": 1e-6}, False),
        ("007", "7", {"float_tolerance": 1e-6}, True),
        ("1e3", "1000", {"float_tolerance": 1e-6}, True),
        ("1001", "1e3", {"float_tolerance": 0.01}, True),
        ("5.", "5", {"float_tolerance": 1e-6}, True),
        (".5", "0.5", {"float_tolerance": 1e-6}, True),
        ("9007199254740993", "9007199254740992", {"float_tolerance": 1e-6}, False),
        ("9007199254740993.0", "9007199254740993", {"float_tolerance": 1e-6}, True),
        ("1" + "0" * 400, "1" + "0" * 400, {"float_tolerance": 1e-6}, True),
        ("1" + "0" * 399 + "1", "1" + "0" * 400, {"float_tolerance": 1e-6}, False),
        ("1e400", "1" + "0" * 400, {"float_tolerance": 1e-6}, True),
        ("x 123456790", "x 123456789", {"float_tolerance": 1e-6}, False),
        ("nan", "5", {"float_tolerance": 1e-6}, False),
        ("0x5", "5", {"float_tolerance": 1e-6}, False),
        ("5,", "5", {"float_tolerance": 1e-6}, False),
        ("1e999999999", "1", {"float_tolerance": 1e-6}, False),
        ("0e999999999", "0", {"float_tolerance": 1e-6}, True),
        ("1e" + "9" * 30, "1", {"float_tolerance": 1e-6}, False),
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


@pytest.mark.parametrize(
    "word", ["9" * 10**6, "1e" + "9" * 10**6, "." * 10**6, "1e-999999999", "0." + "3" * 10**6, "+" * 10**6]
)
@pytest.mark.parametrize("expected", ["5", "5.5", "9" * 10**6 + "0"])
def test_hostile_numbers_take_no_time(word, expected):
    started = time.process_time()
    assert not same_output(word, expected, float_tolerance=1e-6)
    assert time.process_time() - started < 4


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


SUM_OF_LINE = "a, b = map(int, input().split())\nprint(a + b)\n"


@pytest.mark.parametrize(
    ("program", "finding"),
    [
        ("print(sum(map(int, open('/dev/stdin').read().split())))", "right"),
        ("\ufeff" + SUM_OF_LINE, "right"),
        (SUM_OF_LINE + "import os, sys\nsys.stdout.flush()\nos._exit(0)", "right"),
        (SUM_OF_LINE + "import os\nos._exit(0)", "wrong"),
        (SUM_OF_LINE + "import os, sys\nsys.stdout.flush()\nos._exit(1)", "wrong"),
        (SUM_OF_LINE + "1 / 0", "wrong"),
        ("import os\nprint(sum(map(int, os.read(0, os.fstat(0).st_size).split())))", "right"),
        ("import mmap\nprint(sum(map(int, mmap.mmap(0, 0, access=mmap.ACCESS_READ).read().split())))", "right"),
        ("print(sum(map(int, open(0).read().split())))", "right"),
        ("import resource as r\nr.setrlimit(r.RLIMIT_STACK, (r.RLIM_INFINITY, r.RLIM_INFINITY))\n" + SUM_OF_LINE, "right"),
        ("import sys\nsys.setrecursionlimit(10**6)\ng = lambda n: n and 1 + g(n - 1)\ng(50_000)\n" + SUM_OF_LINE, "right"),
        ("import threading\nt = threading.Thread(target=lambda: print(sum(map(int, input().split()))))\nt.start()", "right"),
        (
            (
                "import sys\nframe = sys._getframe()\nwhile frame:\n    for text in frame.f_locals.values():\n"
                "        if isinstance(text, str) and text.strip() == str(1 + 2): print(text)\n    frame = frame.f_back"
            ),
            "wrong",
        ),
    ],
)
def test_standard_input(referee: Referee, program: str, finding: str) -> None:
    assert referee.answer([check_stdio(program, [("1 2\n", "3\n")])])[0].value == finding


@pytest.mark.parametrize(
    ("written", "expected", "same"),
    [
        ("5.0", "5", True),
        ("50e-1", "5", True),
        ("5.0000001", "5", False),
        ("1000000000000000001", "1000000000000000000", False),
        ("1e999999999", "5", False),
        ("1e9999999999999999999999", "5", False),
        ("\u0665", "5", False),
        ("nan", "1.0", False),
        ("1", "1.000000", True),
    ],
)
def test_tolerance(written: str, expected: str, same: bool) -> None:
    assert same_output(written, expected, float_tolerance=1e-6) is same
