"""Hostile programs one by one, with their verdicts: each is followed by an honest job on the same worker, and by a look round.

What other files hold is not repeated: verdicts of plain programs are in `test_programs`, files, sockets, signals and needless
system calls in `test_isolate`, literals in `test_literals`, lost workers in `test_pool` and `test_faults`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandboxes import CallOutcome, Job, Limits, NotALiteral, Outcome, Status, parse_arguments, parse_literal
from sandboxes.opening import make_launcher
from sandboxes.pool import PooledSandbox
from sandboxes.process import ProcessLauncher
from sandboxes.replies import Reply, read_reply
from sandboxes.wire import PAGE_BYTES, PAGE_HEADER_BYTES, Stop
from tests.sandboxes.canaries import Host, below, program, set_out

# Touches what a hostile job may have spoiled: builtins, modules, classes, streams, number formats, hashing, imports.
HONEST = Job(
    program="""
import bisect, copy, decimal, heapq, json, math, re, sys, textwrap
from collections import Counter, OrderedDict
def f(words, n):
    class Pair:
        def __init__(self, a):
            self.a = a
    print(words)
    heap = [len(word) for word in words]
    heapq.heapify(heap)
    try:
        [].pop()
    except IndexError as error:
        said = str(error)
    return [
        Counter(words).most_common(1), copy.deepcopy([words])[0] is words, heap, math.sqrt(n), json.dumps({"n": n}),
        re.sub("[aeiou]", "", "".join(words)), sorted(set(words)), f"{n:>4}|{n / 3:.3f}", Pair(n).a, said,
        list(OrderedDict(a=n)), str(decimal.Decimal(1) / 3), isinstance(True, int), max(words, key=len), 2 + 2,
        sys.getrecursionlimit() > 900, {n: ()}, bisect.bisect([1, 2, 3], 2), textwrap.shorten("a b c", 9), len(str(7**2000)),
        hash(n), [*map(str, range(n))][::-1],
    ]
""",
    calls=("['to', 'be', 'or', 'not', 'to', 'be', 'once'], 4",),
    determinism=True,
)
HONEST_VALUE = (
    "[[('to', 2)], False, [2, 2, 2, 3, 2, 2, 4], 2.0, '{\"n\": 4}', 'tbrnttbnc', ['be', 'not', 'once', 'or', 'to'],"
    " '   4|1.333', 4, 'pop from empty list', ['a'], '0.3333333333333333333333333333', True, 'once', 4, True, {4: ()}, 2,"
    " 'a b c', 1691, 4, ['3', '2', '1', '0']]"
)
PROCESSES = Job(program="import os\ndef f():\n    return sum(name.isdigit() for name in os.listdir('/proc'))", calls=("",))
LITTER = "selfplay-battery"
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/home", "/", ".")


def litter_found() -> list[Path]:
    """What hostile programs have left on this machine."""
    return [path for place in PLACES for path in Path(place).glob(f"{LITTER}*")]


@dataclass
class Arena:
    """One sandbox with one worker of each hash seed, and the canaries that its programs are told of."""

    sandbox: PooledSandbox
    host: Host

    def face(self, job: Job) -> Outcome:
        """The outcome of a hostile job; fails unless all is as it was, and the same workers answer an honest job."""
        before = self._surroundings()
        [outcome] = self.sandbox.run([job])
        assert self._surroundings() == before
        return outcome

    def _surroundings(self) -> tuple[object, ...]:
        """What no program may change: an honest verdict, files, visitors, victims, processes, and workers."""
        [honest] = self.sandbox.run([HONEST])
        assert honest.calls[0] == CallOutcome(status=Status.OK, value=HONEST_VALUE)
        litter = litter_found()
        stats = self.sandbox.stats()
        return (
            *(self.host.state(), self.host.visitors(), self.host.victim.poll(), litter, self._processes()),
            *(stats.started, stats.lost, stats.recycled, stats.requeued, stats.layers),
        )

    def _processes(self) -> object:
        """Descendants of this process; for a container, which has none of those, how many processes it has inside."""
        if self.sandbox.name != "docker":
            return sorted(below(os.getpid()))
        [counted] = self.sandbox.run([PROCESSES])
        assert counted.calls[0].value == "2"  # the worker and the child that counts
        return 2


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def arena(request: pytest.FixtureRequest) -> Iterator[Arena]:
    request.getfixturevalue("opener")(request.param, 1)  # skips where no engine answers
    sandbox = PooledSandbox(make_launcher(request.param), 1)
    try:
        with set_out() as host:
            yield Arena(sandbox, host)
    finally:
        sandbox.close()


@dataclass(frozen=True)
class Case:
    """The body of `f(host)`, with `libc`, `os`, `resource` and `socket` at hand, and what is to become of it."""

    body: str
    status: Status
    said: str | None = None
    """The value if there is to be one, else the error; None where it is no business of ours."""
    cpu_s: float = 1.0
    wall_s: float = 4.0
    memory_mib: int = 256


def check(arena: Arena, case: Case, text: str | None = None, *, determinism: bool = False) -> None:
    """Faces `case`, or `text` as the whole program."""
    limits = Limits(cpu_s=case.cpu_s, wall_s=case.wall_s, memory_mib=case.memory_mib)
    source = program(case.body) if text is None else text
    outcome = arena.face(Job(program=source, calls=(arena.host.describe(),), limits=limits, determinism=determinism))
    [call] = outcome.calls
    assert call.status is case.status, call
    assert case.said is None or case.said == (call.value if case.status is Status.OK else call.error)


def hang(body: str) -> Case:
    """A case that ends at its limits."""
    return Case(body, Status.TIMEOUT, "over its CPU or wall limit", cpu_s=0.1, wall_s=0.3)


def wait(body: str) -> Case:
    """A case that waits for what never comes."""
    return Case(body, Status.IDLE, "waited for something that is no processor", cpu_s=0.1, wall_s=2)


DAG = "x = y = ()\nfor _ in range(40): x, y = (x, x), (y, y)\n"
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


def count(attempt: str, times: int = 50) -> str:
    """A body that says how many of its attempts went well."""
    lines = attempt.replace("\n", "\n        ")
    return f"""
made = 0
for number in range({times}):
    try:
        {lines}
        made += 1
    except (OSError, RuntimeError, ValueError):
        pass
return made"""


DENIED = {
    "fifty forks": count("if os.fork() == 0: os._exit(0)"),
    "a daemon": count(
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True: pass\n    os._exit(0)", 1
    ),
    "fifty terminals": count("import pty\nif pty.fork()[0] == 0: os._exit(0)"),
    "fifty threads": count("import threading\nthreading.Thread(target=print).start()"),
    "a pool of processes": count("import multiprocessing\nmultiprocessing.Process(target=print).start()", 5),
    "a pool of threads": count("from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(2).submit(print)", 5),
    "fifty copies by number": "return sum(libc.syscall(number, 17, 0, 0, 0, 0) > 0 for number in [56, 57, 58, 435] * 50)",
    "a shell": f"return (os.system('touch {{}}/{LITTER}'.format(host['folder'])) == 0) + 0",
    "a shell in a subprocess": count(f"import subprocess\nsubprocess.run('touch /tmp/{LITTER}', shell=True, check=True)", 5),
    "a pipe to a shell": count(f"os.popen('touch /dev/shm/{LITTER}').close()", 5),
    "files in many places": count(f"open({(*PLACES,)!r}[number] + '/{LITTER}', 'w')", len(PLACES)),
    "a name among the message queues": count(f"open('/dev/mqueue/{LITTER}', 'w')", 1),
    "temporary files": count(f"import tempfile\ntempfile.mkstemp(prefix='{LITTER}', dir={PLACES!r}[number])", len(PLACES)),
    "shared memory": count(f"import _posixshmem\n_posixshmem.shm_open('/{LITTER}', os.O_CREAT | os.O_RDWR, mode=0o600)", 1),
    "calling the host": count("s = socket.create_connection(('127.0.0.1', host['tcp']), 0.2)", 2),
    "calling the host in IPv6": count("s = socket.socket(socket.AF_INET6)\ns.connect(('::ffff:127.0.0.1', host['tcp']))", 2),
    "calling the engine": count("s = socket.socket(socket.AF_UNIX)\ns.connect(['/var/run/docker.sock', '/socket'][number])", 2),
    "raw and netlink sockets": count("s = socket.socket([16, 17, 2, 40][number], 3)", 4),
    "tracing the worker": "return sum(libc.syscall(101, how, os.getppid(), 0, 0) == 0 for how in (16, 0x4206))",
    "reading the worker's memory": """
import ctypes
place, room = (ctypes.c_char * 16)(), (ctypes.c_size_t * 2)()
room[:] = ctypes.addressof(place), 16
return (libc.syscall(310, os.getppid(), room, 1, room, 1, 0) > 0) + 0""",
    "the worker's secrets": count(
        "name = ('exe', 'cwd', 'root', 'fd/0')[number % 4]\nos.readlink(f'/proc/{(os.getppid(), 1)[number // 4]}/{name}')", 8
    ),
    "namespaces of its own": "return sum(libc.syscall(272, flag) == 0 for flag in (1 << 28, 1 << 17, 1 << 29, 1 << 30))",
    "higher limits": count("resource.setrlimit((0, 1, 4, 6, 7, 9)[number], (1 << 40,) * 2)", 6),
    "a better place in the queue": count("os.nice(-5)", 1) + " + (libc.syscall(141, 0, 0, -9) == 0)",
    "sparing itself when memory ends": count("open('/proc/self/oom_score_adj', 'w').write('-1000')", 1),
}


@pytest.mark.parametrize("body", DENIED.values(), ids=DENIED)
def test_denied(arena: Arena, body: str) -> None:
    check(arena, Case(body, Status.OK, "0"))


def test_without_layers_the_canaries_notice() -> None:
    """The attacks above do work where nothing stops them, or seeing them fail would prove nothing."""
    names = "a shell,files in many places,temporary files,shared memory,calling the host,namespaces of its own".split(",")
    without = ("bwrap", "unshare", "user", "landlock", "seccomp")
    sandbox = PooledSandbox(ProcessLauncher(unsafe=True, without=without), 1)
    try:
        with set_out() as host:
            for name in names if os.geteuid() == 0 else names[1:-1]:
                job = Job(program=program(DENIED[name]), calls=(host.describe(),), limits=Limits(cpu_s=4, wall_s=9))
                [outcome] = sandbox.run([job])
                litter = litter_found()
                assert outcome.calls[0].value not in (None, "0") or litter or host.visitors(), name
                for path in litter:
                    path.unlink()
    finally:
        sandbox.close()


# Python turns the interrupt of a terminal into an exception, in the worker too: the one signal that the first process of a
# container would notice.
SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "TERM": 15, "STOP": 19, "TSTP": 20, "RTMAX": 64}


@pytest.mark.parametrize("number", SIGNALS.values(), ids=SIGNALS)
def test_signals_to_the_worker_and_to_all(arena: Arena, number: int) -> None:
    send = f"for whom in (os.getppid(), -1):\n    try: os.kill(whom, {number})\n    except OSError: pass"
    check(arena, Case(f"{send}\nimport time\ntime.sleep(0.05)\nreturn 'alive'", Status.OK, "'alive'"))


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


DEATHS = {
    "an exit code of ours": Case("os._exit(99)", Status.EXCEPTION, "exited"),
    "an exit code like a signal's": Case("os._exit(137)", Status.EXCEPTION, "exited"),
    "sys.exit": Case("import sys; sys.exit('all passed')", Status.EXCEPTION, "SystemExit"),
    "a deep C stack": Case(
        "import sys; sys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(s): return repr(s)\nreturn repr(A())",
        Status.EXCEPTION,
        "killed: SIGSEGV",
        cpu_s=4,
        wall_s=9,
    ),
    "terminated": Case("os.kill(os.getpid(), 15)", Status.EXCEPTION, "killed: SIGTERM"),
    "as if over its time": Case("import signal\nos.kill(os.getpid(), signal.SIGXCPU)", Status.EXCEPTION, "killed: SIGXCPU"),
    "as if it made a forbidden call": Case(
        "import signal\nos.kill(os.getpid(), signal.SIGSYS)", Status.EXCEPTION, "killed: SIGSYS"
    ),
    "a signal without a name": Case("os.kill(os.getpid(), 40)", Status.EXCEPTION, "killed: signal 40"),
    "interrupted": Case("import signal\nsignal.raise_signal(2)\nwhile True: pass", Status.EXCEPTION),
    "a long name": Case("raise type('E' * 10_000, (Exception,), {})", Status.EXCEPTION, "E" * 80),
    "an exception as a status": Case("raise type('worker_lost', (Exception,), {})", Status.EXCEPTION, "worker_lost"),
    "a MemoryError of its own": Case("raise type('MemoryError', (Exception,), {})", Status.EXCEPTION, "MemoryError"),
    "leaving a generator": Case("raise GeneratorExit", Status.EXCEPTION, "GeneratorExit"),
    "many exceptions": Case("raise BaseExceptionGroup('x', [SystemExit(0)] * 9)", Status.EXCEPTION, "BaseExceptionGroup"),
}


@pytest.mark.parametrize("case", DEATHS.values(), ids=DEATHS)
def test_deaths(arena: Arena, case: Case) -> None:
    check(arena, case)


def unfit(body: str, said: str) -> Case:
    """A case whose value is no literal."""
    return Case(body, Status.NOT_SERIALISABLE, said)


UNFIT = {
    "equal to everything, in a dict": unfit(
        "class E:\n    __eq__ = lambda s, o: True\n    __hash__ = lambda s: 0\nreturn {E(): 1}", "type E"
    ),
    "a text that equals all": unfit("class S(str):\n    __eq__ = lambda s, o: True\nreturn S('x')", "type S"),
    "a list that lies": unfit("class L(list):\n    __iter__ = lambda s: iter([1])\nreturn L()", "type L"),
    "a dict that lies": unfit("import collections\nclass D(collections.defaultdict): pass\nreturn D(int, a=1)", "type D"),
    "a tuple with names": unfit("import collections\nclass P(collections.namedtuple('P', 'x')): pass\nreturn P(1)", "type P"),
    "a class that says int": unfit("class E:\n    __class__ = int\nreturn E()", "type E"),
    "a class of a class": unfit(
        "class M(type):\n    __eq__ = lambda s, o: True\n    __hash__ = id\nclass E(metaclass=M): pass\nreturn E()", "type E"
    ),
    "a repr of its own": unfit("class E:\n    __repr__ = lambda s: '1'\nreturn E()", "type E"),
    "a pickle of its own": unfit("class E:\n    __reduce__ = lambda s: (eval, ('1',))\nreturn E()", "type E"),
    "bytes that change": unfit("return bytearray(b'x')", "type bytearray"),
    "NaN deep down": unfit("return {'a': [({1: float('nan')},)]}", "NaN"),
    "itself in a tuple": unfit("x = []; x.append((x,)); return x", "nested deeper than 64"),
    "NotImplemented": unfit("return NotImplemented", "type NotImplementedType"),
    "dots": unfit("return ...", "type ellipsis"),
}


@pytest.mark.parametrize("case", UNFIT.values(), ids=UNFIT)
def test_not_serialisable(arena: Arena, case: Case) -> None:
    check(arena, case)


FORGE = """
import os, sys
def page():
    frame = sys._getframe()
    while 'emit' not in frame.f_locals: frame = frame.f_back
    return frame.f_locals['emit'].__self__
def claim(length, data):
    page()._map[:4] = length.to_bytes(4, 'little')
    page()._map[4:4 + len(data)] = data
def f(n):
    if n == 1:
        {}
    return n
"""
# What the first of three calls does with the page on which its child answers, and what becomes of the three.
FORGED = {
    "a length beyond the page": ("claim(1 << 31, b''); os._exit(0)", ["exited"] * 3),
    "a record beyond the page": ("claim(99, b'\\xff' * 99); os._exit(0)", ["exited"] * 3),
    "a record cut short": ("claim(9, b'R' + bytes(4) + b'V' + bytes([9, 0, 0, 0])); os._exit(0)", ["exited", "2", "3"]),
    "nothing": ("page()._map[:] = bytes(len(page()._map)); os._exit(0)", ["exited"] * 3),
    "no page": ("page()._map.close()", ["exited", "2", "3"]),
    "no access to the page": (
        (
            "import ctypes as c; m = page()._map; a = c.addressof(c.c_char.from_buffer(m)); "
            "c.CDLL(None).munmap(c.c_void_p(a), len(m)); m[0]"
        ),
        ["killed: SIGSEGV", "2", "3"],
    ),
    "words of the harness": ("[page().emit(tag, 'x') for tag in b'PNAHZ']", ["1", "2", "3"]),
    "more results than calls": ("[page().emit(86, '9') for _ in range(99)]; os._exit(0)", ["9", "9", "9"]),
    "does not compile, after all": ("page().emit(67, 'SyntaxError')", ["1", "2", "3"]),
}


@pytest.mark.parametrize(("attack", "results"), FORGED.values(), ids=FORGED)
def test_forged_pages(arena: Arena, attack: str, results: list[str]) -> None:
    outcome = arena.face(Job(program=FORGE.format(attack), calls=("1", "2", "3"), may_meet=True))
    assert [call.value or call.error for call in outcome.calls] == results


@pytest.mark.parametrize("tag", [b"R", b"V", b"x"])
def test_a_page_full_of_records_costs_the_host_nothing(tag: bytes) -> None:
    payload = (tag + bytes(4)) * ((PAGE_BYTES - PAGE_HEADER_BYTES) // 5)
    started = time.perf_counter()
    outcomes = read_reply(Reply(0, Stop.NOT_AT_ALL, 0.0, 0.0, payload), 1, 1)
    assert time.perf_counter() - started < 0.05
    assert len(outcomes) == 1


def test_a_forged_value_is_no_longer_than_asked_for(arena: Arena) -> None:
    [call] = arena.face(Job(program=FORGE.format("page().emit(86, repr('x' * 10**6)); os._exit(0)"), calls=("1",))).calls
    assert call.status is Status.OUTPUT_TOO_LARGE


LOUD_ERRORS = {
    "in a call": FORGE.format("page().emit(69, 'x' * 10**6); os._exit(0)"),
    "at module level": FORGE.format("pass") + "page().emit(67, 'x' * 10**6); os._exit(0)",
}


@pytest.mark.parametrize("text", LOUD_ERRORS.values(), ids=LOUD_ERRORS)
def test_a_forged_error_is_short(arena: Arena, text: str) -> None:
    [call] = arena.face(Job(program=text, calls=("1",))).calls
    assert call.status in (Status.EXCEPTION, Status.SYNTAX_ERROR)
    assert len(call.error or "") <= 200


def test_whether_inputs_are_literals_is_not_for_a_program_to_say(arena: Arena) -> None:
    [call] = arena.face(Job(program=FORGE.format("page().emit(70, 'no literals'); os._exit(0)"), calls=("1",))).calls
    assert call.status is Status.EXCEPTION


def own(body: str, value: str = "1") -> Case:
    """A case in which a program spoils something and answers for itself."""
    return Case(body + ("\nreturn 1" if value == "1" else ""), Status.OK, value)


EACH_OBJECT = "import gc\ngc.unfreeze()\nfor each in gc.get_objects():\n    "
FORGET_METHOD = """
import ctypes, gc
gc.get_referents({0}.__dict__)[0]['{1}'] = None
ctypes.pythonapi.PyType_Modified(ctypes.py_object({0}))
"""
SPOILED = {
    "no builtins": Case("import builtins; vars(builtins).clear()\nreturn 1", Status.EXCEPTION, "exited"),
    "another len": Case("import builtins; builtins.len = lambda x: 0\nreturn [1]", Status.EXCEPTION, "exited"),
    "another sorted": own("import builtins; builtins.sorted = lambda x, **k: [9]; return [1]", "[1]"),
    "another isinstance": own("import builtins; builtins.isinstance = lambda *a: True"),
    "no imports": own("import builtins; builtins.__import__ = None"),
    "no classes": own("import builtins; builtins.__build_class__ = None"),
    "no errors": own(
        "import builtins\nfor name in dir(builtins):\n    if name.endswith('Error'): setattr(builtins, name, None)"
    ),
    "no modules": own("import sys; sys.modules.clear()"),
    "no heapq": Case("import sys; sys.modules['heapq'] = None\nimport heapq", Status.EXCEPTION, "ModuleNotFoundError"),
    "no finders": own(
        "import sys; sys.meta_path.clear(); sys.path.clear(); sys.path_hooks.clear(); sys.path_importer_cache.clear()"
    ),
    "another math": own("import math; math.sqrt = lambda x: 7.0; return math.sqrt(4)", "7.0"),
    "another Counter": own(
        "from collections import Counter; Counter.most_common = lambda *a: 'mine'; return Counter().most_common()", "'mine'"
    ),
    "another deepcopy": own("import copy; copy.deepcopy = lambda x: x; x = []; return copy.deepcopy(x) is x", "True"),
    "another json": own("import json; json.dumps = repr; json.encoder.encode_basestring_ascii = None"),
    "other regular expressions": own(
        "import re; re.purge(); re.sub = lambda *a: 'mine'; return re.sub('a', 'b', 'c')", "'mine'"
    ),
    "fewer digits": own("import decimal; decimal.DefaultContext.prec = decimal.getcontext().prec = 2"),
    "short numbers": own("import sys; sys.set_int_max_str_digits(640)"),
    "shallow recursion": own("import sys; sys.setrecursionlimit(60)"),
    "warnings as errors": own("import warnings; warnings.simplefilter('error')"),
    "a tracer": Case("import sys; sys.setprofile(lambda *a: 1 / 0)", Status.EXCEPTION, "ZeroDivisionError"),
    "an audit": own("import sys\ndef hook(*a): raise SystemExit\nsys.addaudithook(hook)"),
    "no collector": own("import gc; gc.disable(); gc.freeze(); gc.set_threshold(0)"),
    "another four": Case("import ctypes; ctypes.c_int.from_address(id(4) + 24).value = 5", Status.EXCEPTION, "exited"),
    "no append": own(FORGET_METHOD.format("list", "append")),
    "no join": Case(FORGET_METHOD.format("str", "join") + "return [1]", Status.EXCEPTION, "TypeError"),
    "everything emptied": Case(
        EACH_OBJECT + "if type(each) in (dict, list): each.clear()\nreturn 1", Status.EXCEPTION, "exited"
    ),
    "other names in the harness": own("import sys; sys._getframe(1).f_globals['canonical'] = lambda *a: '42'"),
    "other code in the harness": own(
        EACH_OBJECT
        + "if type(each) is type(f) and each.__name__ in ('canonical', 'serve', '_wait'):\n"
        + "        each.__code__ = (lambda *a: '42').__code__\nreturn 1",
        "42",
    ),
    "no worker": own(EACH_OBJECT + "if type(each).__name__ == 'Worker': vars(each).clear()"),
    "another environment": own("os.environ['PYTHONHASHSEED'] = '7'; return dict(os.environ)", "{'PYTHONHASHSEED': '7'}"),
}


@pytest.mark.parametrize("case", SPOILED.values(), ids=SPOILED)
def test_spoiling(arena: Arena, case: Case) -> None:
    check(arena, case)


SOURCES = {
    "200,000 signs": ("x = " + "-" * 200_000 + "1", Status.FORBIDDEN, "program longer than 65536 bytes"),
    "60,000 brackets": ("x = " + "[" * 30_000 + "]" * 30_000, Status.SYNTAX_ERROR, "SyntaxError"),
    "20,000 sums": ("x = 1" + "+1" * 20_000, Status.SYNTAX_ERROR, "RecursionError"),
    "20,000 calls": ("x = print" + "()" * 20_000, Status.SYNTAX_ERROR, "RecursionError"),
    "20,000 attributes": ("x = a" + ".b" * 20_000, Status.SYNTAX_ERROR, "RecursionError"),
    "200 blocks": ("".join(" " * n + "if 1:\n" for n in range(200)), Status.SYNTAX_ERROR, "IndentationError"),
    "30 loops": ("".join(" " * n + "while 1:\n" for n in range(30)) + " " * 30 + "pass", Status.SYNTAX_ERROR, "SyntaxError"),
    "9,000 alternatives": ("if x: pass\n" + "elif x: pass\n" * 5_000, Status.SYNTAX_ERROR, "RecursionError"),
    "another encoding": ("# -*- coding: utf-16 -*-\nf = 3", Status.EXCEPTION, "TypeError"),
    "an encoding that there is not": ("# -*- coding: no-such -*-\nf = 3", Status.EXCEPTION, "TypeError"),
    "braces": ("from __future__ import braces", Status.SYNTAX_ERROR, "SyntaxError"),
    "a future of ours": ("from __future__ import annotations\ndef f(host: nobody): return 1", Status.OK, "1"),
    "huge constants": ("x = 'a' * 4096, 2 ** 8_000\ndef f(host): return 10 ** 99_999 > 1", Status.OK, "True"),
    "an entry point that raises when called": ("class f:\n    def __new__(c, x): raise KeyError", Status.EXCEPTION, "KeyError"),
    "a name that is not there twice": ("def f(host): return 1\ndel f", Status.EXCEPTION, "NameError"),
}


@pytest.mark.parametrize(("text", "status", "said"), SOURCES.values(), ids=SOURCES)
def test_sources(arena: Arena, text: str, status: Status, said: str) -> None:
    check(arena, Case("", status, said), text)


WORDS = "{'tick', 'tock', 'to', 'be', 'or', 'not'}"
UNSTABLE = {
    "an element of a set": f"return {WORDS}.pop()",
    "the first of a set": f"return next(iter({WORDS}))",
    "a set joined": f"return ''.join({WORDS})",
    "a set printed": f"return str({WORDS})",
    "the keys of a dict made from a set": f"return [*dict.fromkeys({WORDS}, 1)]",
    "the longest of a set": f"return max({WORDS}, key=lambda word: 0)",
    "a set of characters": "return [*set('abcdefgh')]",
    "keys in common": "return [*(dict.fromkeys('abcdef').keys() & dict.fromkeys('fedcba').keys())]",
    "the hash of bytes": "return hash(b'text')",
    "the hash of a frozenset": "return hash(frozenset('ab'))",
    "the hash of a class": "return hash(type('X', (), {}))",
    "the address of a function": "return repr(f)",
    "a clock": "import time; return time.perf_counter_ns(), time.monotonic()",
    "CPU time": "import time; return time.process_time_ns()",
    "now": "import datetime; return datetime.datetime.now().isoformat()",
    "a token": "import secrets; return secrets.token_hex()",
    "a shuffle": "import random; x = list(range(99)); random.shuffle(x); return x",
    "a default that grows": "def g(x=[]):\n    x.append(1); return len(x)\nf.g = getattr(f, 'g', g); return f.g()",
    "an iterator at module level": "import itertools; k = globals().setdefault('k', itertools.count()); return next(k)",
    "a module as a notebook": "import math; math.n = getattr(math, 'n', 0) + 1; return math.n",
    "its own frame": "import sys; return id(sys._getframe()) + id(object())",
}


@pytest.mark.parametrize("body", UNSTABLE.values(), ids=UNSTABLE)
def test_nondeterministic(arena: Arena, body: str) -> None:
    check(arena, Case(body, Status.NONDETERMINISTIC), determinism=True)


STABLE = {
    "a set of texts": (f"return {WORDS}", "{'be', 'not', 'or', 'tick', 'to', 'tock'}"),
    "frozensets in sets": ("return {frozenset('ba'), frozenset('c')}", "{frozenset({'a', 'b'}), frozenset({'c'})}"),
    "a set in order": (f"return sorted({WORDS})[0]", "'be'"),
    "an argument that changes": ("host['n'] = host.get('n', 0) + 1; return host['n']", "1"),
    "a generator with a seed": ("import random; return random.Random(7).random() < 2", "True"),
    "a counter of its own": ("n = 0\ndef g():\n    nonlocal n\n    n += 1\n    return n\nreturn [g(), g()]", "[1, 2]"),
}


@pytest.mark.parametrize(("body", "value"), STABLE.values(), ids=STABLE)
def test_deterministic(arena: Arena, body: str, value: str) -> None:
    check(arena, Case(body, Status.OK, value), determinism=True)


def test_equal_inputs_are_different_objects(arena: Arena) -> None:
    text = "def f(x, y):\n    x.append(1); x[0].append(2)\n    return x is y, x, y"
    outcome = arena.face(Job(program=text, calls=("[[]], [[]]",) * 3, determinism=True))
    assert [call.value for call in outcome.calls] == ["(False, [[2], 1], [[]])"] * 3


TOUCH = f"__import__('os').system('touch /tmp/{LITTER}')"
INPUTS = {
    "an object that equals all": "type('X', (), {'__eq__': lambda s, o: True})()",
    "a way out of the brackets": "41) or (42",
    "two calls": "41)(42",
    "a comment over the bracket": "41) #",
    "a command": TOUCH,
    "a command in a default": f"(lambda x={TOUCH}: x)()",
    "a command in a comprehension": f"[{TOUCH} for _ in '1']",
    "a command in a format": f"f'{{{TOUCH}}}'",
    "a file": f"open('/tmp/{LITTER}', 'w')",
    "an assignment": "x := 41",
    "unpacking": "*range(9)",
    "unpacked keywords": "**{'x': 41}",
    "a long sum": "9**9**9",
    "a long text": "'x' * 10**10",
}


@pytest.mark.parametrize("text", INPUTS.values(), ids=INPUTS)
def test_inputs_are_never_evaluated(arena: Arena, text: str) -> None:
    """Abduction: a solver's input goes to the proposer's program as data, or not at all."""
    before = time.monotonic()
    with pytest.raises(NotALiteral):
        parse_arguments(text)
    assert time.monotonic() - before < 1
    outcome = arena.face(Job(program="def f(*a, **k):\n    return 42", calls=("1", text, "2")))
    said = [(call.status, call.value, call.error) for call in outcome.calls]
    assert said == [
        (Status.OK, "42", None),
        (Status.FORBIDDEN, None, "arguments are not literals"),
        (Status.OK, "42", None),
    ]


ANSWERS = {
    **{name: INPUTS[name] for name in ("an object that equals all", "a command", "a file", "a long sum", "a long text")},
    "an instance of a class": "int.__new__(type('I', (int,), {'__eq__': lambda s, o: True}))",
    "a way out of the quotes": f"'' or {TOUCH} or ''",
    "two lines": f"1\n{TOUCH}",
}


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
def test_answers_are_never_evaluated(text: str) -> None:
    """Deduction: the host reads an answer by itself; no sandbox is asked."""
    before = time.monotonic()
    with pytest.raises(NotALiteral):
        parse_literal(text)
    assert time.monotonic() - before < 1
    assert litter_found() == []
