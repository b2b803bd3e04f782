"""Programs that hang, wait, or take memory and output without end stop at their limits, and cost nobody else anything."""

from __future__ import annotations

import time

import pytest

from sandboxes import CodeSandbox, Job, Status
from tests.helpers.arena import DAG, Arena, Case, Face, check, count, hang, wait

HANGS = {
    "a nap in a catch-all": wait("import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass"),
    "a power of a power": hang("return len(str(9 ** 9 ** 9))"),
    "a power modulo": hang("return pow(3, 10 ** 100_000, 10 ** 100_000)"),
    "an endless iterator in C": hang("import itertools\nreturn sum(itertools.count())"),
    "a drain in C": hang("import collections, itertools\ncollections.deque(itertools.repeat(0), maxlen=0)"),
    "hashing 2**40 leaves": hang(DAG + "return hash(x)"),
    "comparing 2**40 leaves": hang(DAG + "return x == y"),
    "printing 2**40 leaves": hang(DAG + "return repr(x)[:9]"),
    "an alarm that goes off for ever": hang(
        "import signal\nsignal.signal(14, lambda *a: None)\nsignal.setitimer(0, 0.001, 0.001)\nwhile True: pass"
    ),
    "deaf to every signal": hang(
        "import signal\nfor n in {*range(1, 65)} - {9, 19, 32, 33}: signal.signal(n, 1)\nwhile True: pass"
    ),
    "waiting for nothing": wait("import select\nselect.select([], [], [])"),
    "waiting for a signal": wait("import signal\nwhile True: signal.pause()"),
    "waiting for a pipe": wait("os.read(os.pipe()[0], 1)"),
    "living on without memory": hang("x = []\nwhile True:\n    try: x.append(bytearray(10**6))\n    except MemoryError: pass"),
    "a clean-up that hangs": hang("try:\n    return 1\nfinally:\n    while True: pass"),
    "an exception whose text hangs": Case(
        "class E(Exception):\n    def __str__(self):\n        while True: pass\n    __repr__ = __str__\nraise E",
        Status.EXCEPTION,
        "E",
    ),
    "a flood of signals to the worker": hang(
        "import signal\nwhile True:\n    try: os.kill(os.getppid(), signal.SIGCHLD)\n    except OSError: pass"
    ),
}


@pytest.mark.parametrize("case", HANGS.values(), ids=HANGS)
def test_hangs(arena: Arena, case: Case) -> None:
    check(arena, case)


MEMORY = {
    "bytes": Case("return bytes(10**12)", Status.MEMORY, "MemoryError"),
    "a padded text": Case("return 'x'.ljust(10**11)", Status.MEMORY, "MemoryError"),
    "a range as a list": Case("return list(range(10**12))", Status.MEMORY, "MemoryError"),
    "a shift": Case("return 1 << 10**11", Status.MEMORY, "MemoryError"),
    "a growing dict": Case(
        "x = {}\nwhile True: x[len(x)] = [0] * 999", Status.MEMORY, "MemoryError", cpu_s=4, wall_s=9, memory_mib=64
    ),
    "doubling": Case("x = 'x'\nwhile True: x += x", Status.MEMORY, "MemoryError", cpu_s=4, wall_s=9),
    "a mapping": Case("import mmap\nmmap.mmap(-1, 10**12)", Status.EXCEPTION, "OSError"),
    "a locked mapping": Case("return libc.mlockall(3)", Status.OK, "-1"),
}


@pytest.mark.parametrize("case", MEMORY.values(), ids=MEMORY)
def test_memory(arena: Arena, case: Case) -> None:
    check(arena, case)


LOUD = "import struct\nframe = struct.pack('<IIiIII', 1, 7, 0, 0, 0, 0) + b'V' + bytes([2, 0, 0, 0]) + b\"42\"\n"


OUTPUT = {
    "200 MB of text": Case("return 'x' * 200_000_000", Status.OUTPUT_TOO_LARGE, "longer than 65536 bytes", memory_mib=512),
    "200 MB of lists": Case(
        "x = [0] * 10_000_000\nreturn [x, x]", Status.OUTPUT_TOO_LARGE, "longer than 65536 bytes", cpu_s=4, wall_s=9
    ),
    "2**40 leaves": Case(DAG + "return x", Status.OUTPUT_TOO_LARGE, "longer than 65536 bytes"),
    "2**40 leaves in dicts": Case("x = {}\nfor _ in range(40): x = {0: x, 1: x}\nreturn x", Status.OUTPUT_TOO_LARGE),
    "200 MB printed": Case("for _ in range(200): print('x' * 10**6)\nreturn 1", Status.OK, "1", cpu_s=4, wall_s=9),
    "frames on its streams": Case(
        LOUD
        + "import sys\nfor n in (1, 2): os.write(n, frame * 99)\nprint(frame, 'OK 42 passed'); sys.stdout.flush()\nreturn 1",
        Status.OK,
        "1",
    ),
    "frames to every descriptor": Case(LOUD + count("os.write(number, frame)", 64) + " - made + 1", Status.OK, "1"),
    "every descriptor closed": Case("os.closerange(0, 9999)\nreturn 1", Status.OK, "1"),
    "every descriptor replaced": Case(
        "for n in range(64):\n    try: os.dup2(os.pipe()[1], n)\n    except OSError: pass\nreturn 1", Status.OK, "1"
    ),
    "streams replaced": Case("import sys\nsys.stdout = sys.stderr = sys.stdin = None\nprint('x')\nreturn 1", Status.OK, "1"),
    "work for later": Case("import atexit\natexit.register(os.abort)\nreturn 1", Status.OK, "1"),
}


@pytest.mark.parametrize("case", OUTPUT.values(), ids=OUTPUT)
def test_output(arena: Arena, case: Case) -> None:
    check(arena, case)


STUBBORN = {
    "giving way": "while True: libc.sched_yield()",
    "short naps": "import time\nwhile True: time.sleep(1e-5)",
    "random bytes for ever": "while True: os.getrandom(1 << 25)",
    "pages for ever": "import mmap\nroom = mmap.mmap(-1, 200 << 20)\nwhile True: room.madvise(23), room.madvise(4)",
    "timers for ever": "import signal\nsignal.signal(14, lambda *a: None)\nsignal.setitimer(0, 1e-6, 1e-6)\nwhile True: pass",
    "deaf to the end of its time": "import signal\nsignal.signal(24, signal.SIG_IGN)\nwhile True: pass",
    "a collection that hangs": "import gc\ndef hang(*a):\n    while True: pass\ngc.callbacks.append(hang)\ngc.collect()",
}


@pytest.mark.parametrize("body", STUBBORN.values(), ids=STUBBORN)
def test_stubborn_hangs(face: Face, body: str) -> None:
    started = time.monotonic()
    outcome = face(body, cpu_s=0.1, wall_s=0.4)
    assert outcome == "timeout: over its CPU or wall limit" or (body == STUBBORN["short naps"] and outcome.startswith("idle"))
    assert time.monotonic() - started < 60


def test_a_sleeper_whose_parent_may_die_first(face: Face) -> None:
    assert face("import time\nlibc.prctl(1, 0, 0, 0, 0)\ntime.sleep(60)").startswith("idle")


def test_calls_that_fit_one_by_one_fit_in_company(sandbox: CodeSandbox) -> None:
    """The globals of one call outlive it until the collector comes by; that is no fault of the next."""
    [outcome] = sandbox.run([Job(program="x = bytearray(150 << 20)\ndef f(n):\n    return len(x) + n", calls=("1", "2", "3"))])
    assert [call.value for call in outcome.calls] == [str((150 << 20) + n) for n in (1, 2, 3)]
