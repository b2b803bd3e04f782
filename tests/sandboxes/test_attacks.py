"""What a second attacker tried, and how each attempt ends: the same in both backends, and without a trace for the next job.

Plain programs are in `test_programs`, the list of known attacks in `test_battery`, files and sockets in `test_isolate`. Here:
the page between child and worker, what one job could leave for the next, doors of the kernel by number, clocks, the
interpreter, odd source text, numpy, and texts that cost their reader.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sandboxes import CallOutcome, CodeSandbox, Job, Limits, NotALiteral, Status, parse_arguments, parse_literal, same_value
from sandboxes.opening import make_launcher
from sandboxes.pool import PooledSandbox
from sandboxes.process import ProcessLauncher
from sandboxes.replies import Reply, open_frames, open_twins, settle
from sandboxes.seccomp import CALLS
from sandboxes.wire import Stop, Tag, record
from sandboxes.worker import _clocks
from tests.sandboxes.canaries import EVERYTHING, PROBE, Host, program, set_out

Face = Callable[..., str]
CASES = "body", "said"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A secret file, listening sockets, and a process that may be killed."""
    with set_out() as canaries:
        yield canaries


@pytest.fixture
def face(call: Callable[..., CallOutcome], sandbox: CodeSandbox, host: Host) -> Iterator[Face]:
    """Runs one attack, then an honest job, and says what became of it; fails if a worker was lost, or a canary noticed."""
    before, lost, started = host.state(), sandbox.stats().lost, time.monotonic()

    def run(body: str, *, text: str = "", **limits: float) -> str:
        outcome = call(text or program(body), host.describe(), **limits)
        return outcome.value if outcome.status is Status.OK and outcome.value else f"{outcome.status}: {outcome.error}"

    yield run
    assert (host.state(), host.visitors(), host.victim.poll()) == (before, [], None)
    assert sandbox.stats().lost == lost
    assert time.monotonic() - started < 10


PAGE = """
import ctypes, gc, mmap, os, signal, sys
def page():
    frame = sys._getframe()
    while 'emit' not in frame.f_locals: frame = frame.f_back
    return frame.f_locals['emit'].__self__
def address():
    return ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(page()._map)))
def say(tag, data):
    whole = b'R' + bytes(4) + bytes([tag]) + len(data).to_bytes(4, 'little') + data
    page()._map[4:4 + len(whole)] = whole
    page()._map[:4] = len(whole).to_bytes(4, 'little')
    os._exit(0)
libc, size = ctypes.CDLL(None), ctypes.c_size_t(4 << 20)
libc.mmap.restype = ctypes.c_void_p
{module}
def f(n):
    if n == 1:
        {body}
    return n
"""
# What the first of three calls does with the page, and what becomes of the three.
PAGES = {
    "other memory in its place": ("libc.mmap(address(), size, 3, 0x32, -1, 0)", ["exited", "2", "3"]),
    "made longer": ("page()._map.resize(1 << 26); page()._map[1 << 25] = 1", ["killed: SIGBUS", "2", "3"]),
    "closed to itself": ("libc.mprotect(address(), size, 0)", ["killed: SIGSEGV", "2", "3"]),
    "given back to the kernel": ("page()._map.madvise(mmap.MADV_REMOVE); os._exit(0)", ["exited"] * 3),
    "written to until the end": (
        "signal.setitimer(0, 0.05)\n        while True: page()._map[:9] = b'\\xff' * 9",
        ["killed: SIGALRM"] * 3,
    ),
    "found by the collector, with all that is mapped": (
        (
            "for o in gc.get_objects():\n            for m in gc.get_referents(o):\n"
            "                if type(m) is mmap.mmap and not m.closed: m[9:99] = b'\\xff' * 90"
        ),
        ["1", "2", "3"],
    ),
    "a counter that runs ahead": ("page()._used_bytes = 1 << 22", ["exited", "2", "3"]),
    "a counter that runs back": ("page()._used_bytes = -4", ["exited"] * 3),
    "text that is none": ("say(86, b'\\xff\\xfe')", ["\ufffd\ufffd", "2", "3"]),
    "4 MiB of numbers": ("page().emit(86, '[' + '0,' * 2_000_000 + ']'); os._exit(0)", ["longer than 65536 bytes", "2", "3"]),
    "an error of 4 MiB": ("page().emit(69, '\\n' * 4_000_000); os._exit(0)", ["\n" * 200, "2", "3"]),
    "arguments that are no literals after all": ("say(70, b'arguments are not literals')", ["exited", "2", "3"]),
    "memory that ran out in company": ("page().emit(86, '1'); page().emit(77, 'MemoryError'); os._exit(0)", ["1", "2", "3"]),
    "a greeting": ("page().emit(72, 'nothing')", ["1", "2", "3"]),
}


@pytest.mark.parametrize(("body", "said"), PAGES.values(), ids=PAGES)
def test_the_page(sandbox: CodeSandbox, body: str, said: list[str]) -> None:
    sandbox.run([PROBE])
    before = sandbox.stats()
    job = Job(program=PAGE.format(body=body, module=""), calls=("1", "2", "3"), limits=Limits(cpu_s=0.5), may_meet=True)
    outcome, probe = sandbox.run([job, PROBE])
    assert [call.value or call.error for call in outcome.calls] == said
    assert probe.calls[0].value == "[(4, 2.0)]"
    assert (sandbox.stats().lost, sandbox.stats().layers) == (before.lost, before.layers)


@pytest.mark.parametrize(
    ("module", "status"),
    [
        ("page().emit(67, 'SyntaxError'); os._exit(0)", Status.SYNTAX_ERROR),
        ("page().emit(82, ''); os._exit(0)", Status.EXCEPTION),
    ],
    ids=["does not compile", "is loaded"],
)
def test_what_a_module_says_of_itself_is_for_its_own_calls_only(sandbox: CodeSandbox, module: str, status: Status) -> None:
    outcome, probe = sandbox.run([Job(program=PAGE.format(body="pass", module=module), calls=("1", "2")), PROBE])
    assert {call.status for call in outcome.calls} == {status}
    assert probe.calls[0].value == "[(4, 2.0)]"


def test_the_next_job_finds_an_empty_page(sandbox: CodeSandbox) -> None:
    full = Job(program=PAGE.format(body="page()._map[4:] = b'x' * ((4 << 20) - 4); os._exit(0)", module=""), calls=("1",))
    count = "return len(page()._map) - page()._map[:].count(0)"
    look = Job(program=PAGE.format(body=count, module=""), calls=("1",))
    outcomes = sandbox.run([full, full, look, look, look])
    found = [int(outcome.calls[0].value or 9999) for outcome in outcomes[2:]]
    assert max(found) < 20  # its own first record; 4 million if the page were not wiped


def test_a_value_that_is_code_is_a_text_that_nobody_runs(sandbox: CodeSandbox, host: Host) -> None:
    touch = f"__import__('pathlib').Path('{host.folder}/new').touch()"
    [outcome] = sandbox.run([Job(program=PAGE.format(body=f"say(86, {touch.encode()!r})", module=""), calls=("1",))])
    assert outcome.calls[0].value == touch
    assert not same_value(touch, touch)
    with pytest.raises(NotALiteral):
        parse_literal(touch)
    assert not (host.folder / "new").exists()


# A first job leaves something in what the worker lends to every child; what the second one sees must not tell.
LEFT = {
    "flags of the standard streams": (
        "import fcntl\nfor n in range(3): fcntl.fcntl(n, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)",
        "import fcntl\nreturn [fcntl.fcntl(n, fcntl.F_GETFL) & (os.O_APPEND | os.O_NONBLOCK) for n in range(3)]",
        "[0, 0, 0]",
    ),
    "flags and places of folders of the library": (
        (
            "import fcntl\nfor n in range(3, 64):\n    try:\n        fcntl.fcntl(n, fcntl.F_SETFL, os.O_APPEND)\n"
            "        os.lseek(n, 7, 0)\n    except OSError: pass"
        ),
        "found = []\nfor n in range(3, 64):\n    try: found.append(os.lseek(n, 0, 1))\n    except OSError: pass\nreturn found",
        "[]",
    ),
    "lower limits": (
        "try: resource.setrlimit(resource.RLIMIT_NOFILE, (5, 5))\nexcept (OSError, ValueError): pass",
        "return resource.getrlimit(resource.RLIMIT_NOFILE)[0]",
        "64",
    ),
    "the environment of C": ("libc.setenv(b'LD_PRELOAD', b'/x', 1)", "return os.environ.get('LD_PRELOAD')", "None"),
    "a timer and a deaf ear": (
        "import signal\nsignal.signal(14, signal.SIG_IGN)\nsignal.setitimer(0, 30)\nsignal.pthread_sigmask(0, [14])",
        "import signal\nreturn signal.getitimer(0)[0] + len(signal.pthread_sigmask(0, [])) + (signal.getsignal(14) != 0)",
        "0.0",
    ),
    "named memory": (
        (
            "libc.shmget(77, 1, 0o1666), libc.semget(77, 1, 0o1666), libc.msgget(77, 0o1666)\n"
            "libc.syscall(248, b'user', b'x', b'y', 1, -3)"
        ),
        (
            "found = [libc.shmget(77, 0, 0), libc.semget(77, 0, 0), libc.msgget(77, 0)]\n"
            "return sum(each >= 0 for each in [*found, libc.syscall(249, b'user', b'x', 0, -3)])"
        ),
        "0",
    ),
}


@pytest.mark.parametrize(("leave", "look", "seen"), LEFT.values(), ids=LEFT)
def test_nothing_is_left_for_the_next_job(sandbox: CodeSandbox, leave: str, look: str, seen: str) -> None:
    jobs = [Job(program=program(body), calls=("0",)) for body in (look, *[leave + "\nreturn 1"] * 4, *[look] * 4)]
    first, *_ = values = [outcome.calls[0].value for outcome in sandbox.run(jobs)]
    assert values == [first, *["1"] * 4, *[first] * 4]  # more jobs than workers, so each has had both kinds
    assert first == seen


def test_reading_a_file_leaves_no_mark_on_it(sandbox: CodeSandbox) -> None:
    """Its time of access, which programs could use as a notebook; only a read-only mount keeps it."""
    sandbox.run([PROBE])
    if not {"bwrap", "container"} & set(sandbox.stats().layers):
        pytest.skip("without bwrap, reading is seen in a file's time of access")
    body = """
folder = os.path.dirname(os.__file__)
marks = 0
for name in [each for each in os.listdir(folder) if each.endswith('.py')]:
    before = os.stat(f'{folder}/{name}').st_atime_ns
    open(f'{folder}/{name}', 'rb').read(1)
    marks += os.stat(f'{folder}/{name}').st_atime_ns != before
return marks"""
    [outcome] = sandbox.run([Job(program=program(body), calls=("0",))])
    assert outcome.calls[0].value == "0"


def test_workers_of_one_sandbox_share_no_user() -> None:
    """What a user holds (pipes, pending signals) is limited in all: hoarders under one user would starve their neighbours."""
    if os.geteuid() != 0:
        pytest.skip("only root can run programs as others")
    sandbox = PooledSandbox(ProcessLauncher(), 2)
    try:
        nap = Job(program="import os, time\ndef f():\n    time.sleep(0.2)\n    return os.getuid()", calls=("",))
        users = {outcome.calls[0].value for outcome in sandbox.run([nap] * 8)}
        assert len(users) == sandbox.stats().workers == 2
    finally:
        sandbox.close()


def test_calls_that_fit_one_by_one_fit_in_company(sandbox: CodeSandbox) -> None:
    """The globals of one call outlive it until the collector comes by; that is no fault of the next."""
    [outcome] = sandbox.run([Job(program="x = bytearray(150 << 20)\ndef f(n):\n    return len(x) + n", calls=("1", "2", "3"))])
    assert [call.value for call in outcome.calls] == [str((150 << 20) + n) for n in (1, 2, 3)]


MACHINE_CODE = """
import mmap
code = bytes.fromhex({code!r})
room = mmap.mmap(-1, 4096, prot=7)
room[:len(code)] = code
return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(room)))()"""
KNOWN = {*CALLS.values(), 2, 16, 53, 56, 72, 157, 257, 302}
KNOWN |= {335, 336}  # the kernel's own, of no use to anyone: it kills who calls them
DENIED = {
    "every other system call": f"""
found = []
for base in (0, 1 << 30):
    for number in range(600):
        ctypes.set_errno(0)
        if base or number not in {sorted(KNOWN)}: libc.syscall(ctypes.c_long(base + number), 0, 0, 0, 0, 0, 0)
        if ctypes.get_errno() not in (0, 1, 38): found.append(base + number)
return len(found)""",
    "copies of itself by every flag": """
flags = [0, 0x11, 0x111, 0x4111, 0x8011, 0x10f00, 0x800011, 0x10000011, 0x20000011, 0x40000011, 0x80000011]
made = [flag for flag in flags if libc.syscall(56, flag, 0, 0, 0, 0) > 0]
return len(made) + sum(libc.syscall(435, (ctypes.c_uint64 * 11)(flag), 88) > 0 for flag in flags)""",
    "commands to descriptors": """
import fcntl
a, b = socket.socketpair()
made = 0
for file in (0, a.fileno(), os.pipe()[1]):  # pushing input, owners, signals, packets, locks
    for number in (0x5412, 0x540e, 0x5452, 0x8901, 0x8902, 0x5410, 0x5423, 0x541c, 0x40045431, 0x8905):
        try: made += fcntl.ioctl(file, number, bytes(4)) is not None
        except PermissionError: pass
    for number in (6, 7, 8, 10, 15, 36, 37, 38, 1024, 1026, 1031, 1033, 1036, 1038):
        try: made += fcntl.fcntl(file, number, 1) is not None
        except PermissionError: pass
return made""",
    "settings of the process": """
kinds = (8, 15, 23, 24, 26, 28, 29, 33, 35, 36, 41, 47, 53, 57, 59, 62, 0x59616d61)
return sum(libc.prctl(kind, 1, 0, 0, 0) == 0 for kind in kinds)""",
    "descriptors in the mail": """
import array
sent = 0
try:
    while sent < 10_000:
        a, b = socket.socketpair()
        a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [a.fileno(), b.fileno()] * 20))])
        a.close(), b.close()
        sent += 40
except OSError: pass
return int(sent > 200)""",
}
# By machine code, past the C library: a call of the 32-bit table that is `fork` there, and a socket.
NATIVE = {"as a 32-bit program": "b802000000cd80c3", "without the C library": "b829000000bf02000000be0100000031d20f05c3"}


@pytest.mark.parametrize("body", DENIED.values(), ids=DENIED)
def test_doors_of_the_kernel(face: Face, body: str) -> None:
    assert face(body, cpu_s=1, wall_s=4) == "0"


@pytest.mark.parametrize("code", NATIVE.values(), ids=NATIVE)
def test_machine_code(face: Face, code: str) -> None:
    assert face(MACHINE_CODE.format(code=code)) == "-1"


def test_without_layers_these_doors_stand_open(host: Host) -> None:
    """So that the tests above say something: what they count as denied does happen where nothing denies it."""
    sandbox = PooledSandbox(ProcessLauncher(unsafe=True, without=EVERYTHING), 1)
    try:
        some = DENIED["every other system call"].replace("range(600)", "(29, 41, 250, 319)")  # of all, some end the process
        bodies = [some, DENIED["commands to descriptors"].replace("PermissionError", "OSError")]
        bodies += [DENIED["settings of the process"].replace("59, ", "")]  # which would end it
        bodies += [MACHINE_CODE.format(code=NATIVE["without the C library"])]
        for body in bodies:
            [outcome] = sandbox.run([Job(program=program(body), calls=(host.describe(),))])
            assert int(outcome.calls[0].value or 0) > 0, (body, outcome)
        leave, look, _ = LEFT["flags of the standard streams"]
        [outcome] = sandbox.run([Job(program=program(f"{leave}\n{look}"), calls=("0",))])
        assert outcome.calls[0].value == "[3072, 3072, 3072]"  # seen by whoever has the same open file
        leave, look, _ = LEFT["named memory"]
        both = [Job(program=program(body), calls=("0",)) for body in (leave, look)]
        assert int(sandbox.run(both)[1].calls[0].value or 0) > 0
        tidy = "libc.shmctl(libc.shmget(77, 0, 0), 0, 0), libc.msgctl(libc.msgget(77, 0), 0, 0)\n"
        tidy += "libc.semctl(libc.semget(77, 0, 0), 0, 0)"
        sandbox.run([Job(program=program(tidy), calls=("0",))])
    finally:
        sandbox.close()


HANGS = {
    "giving way": "while True: libc.sched_yield()",
    "short naps": "import time\nwhile True: time.sleep(1e-5)",
    "random bytes for ever": "while True: os.getrandom(1 << 25)",
    "pages for ever": "import mmap\nroom = mmap.mmap(-1, 200 << 20)\nwhile True: room.madvise(23), room.madvise(4)",
    "timers for ever": "import signal\nsignal.signal(14, lambda *a: None)\nsignal.setitimer(0, 1e-6, 1e-6)\nwhile True: pass",
    "deaf to the end of its time": "import signal\nsignal.signal(24, signal.SIG_IGN)\nwhile True: pass",
    "a collection that hangs": "import gc\ndef hang(*a):\n    while True: pass\ngc.callbacks.append(hang)\ngc.collect()",
}


@pytest.mark.parametrize("body", HANGS.values(), ids=HANGS)
def test_hangs(face: Face, body: str) -> None:
    started = time.monotonic()
    said = face(body, cpu_s=0.1, wall_s=0.4)
    assert said == "timeout: over its CPU or wall limit" or (body == HANGS["short naps"] and said.startswith("idle"))
    assert time.monotonic() - started < 5


def test_a_sleeper_whose_parent_may_die_first(face: Face) -> None:
    assert face("import time\nlibc.prctl(1, 0, 0, 0, 0)\ntime.sleep(60)").startswith("idle")


def test_who_gives_way_at_once_is_not_starved() -> None:
    """Beside others on one processor, such a child waits all of the time and would be given eight times its limit."""
    place, started = min(os.sched_getaffinity(0)), time.monotonic()
    texts = ["while True: pass", "while True: pass", "import os\nwhile True: os.sched_yield()"]
    processes = [subprocess.Popen([sys.executable, "-S", "-c", text]) for text in texts]
    try:
        for process in processes:
            os.sched_setaffinity(process.pid, {place})
        time.sleep(1)
        used_s, starved_s = _clocks(processes[2].pid, time.monotonic() - started)
        waited_s = int(Path(f"/proc/{processes[2].pid}/schedstat").read_text().split()[1]) / 1e9
        assert waited_s > 1.1 * starved_s == pytest.approx(8.8 * used_s)
        used_s, starved_s = _clocks(processes[0].pid, time.monotonic() - started)
        assert starved_s > 0.3 * used_s  # who would have used the processor is starved
    finally:
        for process in processes:
            process.kill()
            process.wait()


FILTER = """
import struct
steps = [(0x20, 0, 0, 0), (0x15, 1, 0, 231), (0x15, 0, 1, 60), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
code = b''.join(struct.pack('=HBBI', *step) for step in steps)
room = ctypes.create_string_buffer(code, len(code))
libc.prctl(22, ctypes.c_ulong(2), struct.pack('HxxxxxxP', len(steps), ctypes.addressof(room)))
return 1"""
INTERPRETER = {
    "bytecode without an end": ("eval((lambda: 1).__code__.replace(co_code=bytes([100, 255] * 40)))", "killed: SIGSEGV"),
    "a trace of the harness": ("import sys\nsys.settrace(lambda *a: 1 / 0)\nreturn 1", "ZeroDivisionError"),
    "an exit on the way out": ("class D:\n    def __del__(self): os._exit(0)\nd = D()\nreturn 1", "exited"),
    "collections that raise": (
        "import gc\ndef boom(*a): raise SystemExit\ngc.callbacks.append(boom)\ngc.collect()\nreturn 1",
        "1",
    ),
    "no way out": ("os._exit = lambda *a: None\nreturn 1", "1"),
    "a way out that raises": ("def boom(*a): raise KeyboardInterrupt\nos._exit = boom\nreturn 1", "1"),
    "a way out that its own filter closes": (FILTER, "1"),
    "an error named like a status": (
        "import sys\nsys.modules['sandboxes.child'].name_of_type = lambda kind: 'timeout'\nraise KeyError",
        "exception: timeout",
    ),
    "a name that UTF-8 cannot hold, its own way": (
        (
            "import codecs\ncodecs.register_error('backslashreplace', lambda e: ('x' * 10**7, e.end))\n"
            "raise type(chr(0xd800), (Exception,), {})"
        ),
        "exception: UnicodeEncodeError",
    ),
    "a watchdog thread": ("import faulthandler\nfaulthandler.dump_traceback_later(0.01, exit=True)", "exception: RuntimeError"),
    "a futex in a clean-up list": (
        (
            "import mmap\nroom = mmap.mmap(-1, 4096)\n"
            "place = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(room)))\n"
            "return min(0, libc.syscall(218, place)) + libc.syscall(273, place, 24)"
        ),
        "0",
    ),
    "a hundred thousand signals to itself": (
        (
            "import signal\nsignal.pthread_sigmask(0, range(34, 65))\n"
            "try:\n    for _ in range(100_000): os.kill(os.getpid(), 40)\nexcept OSError: pass\nreturn 1"
        ),
        "1",
    ),
    "fifty thousand mappings": (
        (
            "import mmap\nroom = mmap.mmap(-1, 200 << 20)\nstart = ctypes.addressof(ctypes.c_char.from_buffer(room))\n"
            "for n in range(0, 50_000, 2): libc.mprotect(ctypes.c_void_p(start + n * 4096), ctypes.c_size_t(4096), 1)\nreturn 1"
        ),
        "1",
    ),
    "nothing mapped": ("libc.munmap(ctypes.c_void_p(4096), ctypes.c_size_t(0x7fff00000000))", "killed: SIGSEGV"),
}


@pytest.mark.parametrize(CASES, INTERPRETER.values(), ids=INTERPRETER)
def test_the_interpreter(face: Face, body: str, said: str) -> None:
    assert face(body, cpu_s=2, wall_s=4).removeprefix("exception: ") == said.removeprefix("exception: ")


def test_a_reader_that_the_first_call_spoils_has_read_everything_by_then(sandbox: CodeSandbox) -> None:
    spoil = "import ast, sys\ndef f(x):\n    ast.parse = sys.modules['sandboxes.values'].read_call = None\n    return x"
    [outcome] = sandbox.run([Job(program=spoil, calls=("1", "[2]", "x='3'"), determinism=True)])
    assert [call.value for call in outcome.calls] == ["1", "[2]", "'3'"]


SOURCES = {
    "a wide name": ("def \uff46(host):\n    return 1", "1"),
    "a mark of byte order": ("\ufefff = 3", "exception: TypeError"),
    "two marks of byte order": ("\ufeff\ufefff = 3", "syntax_error: SyntaxError"),
    "a name turned around": (
        "def f(host):\n    access = 'user\u202e \u2066# admin\u2069 \u2066'\n    return access == 'user'",
        "False",
    ),
    "carriage returns only": ("def f(host):\r  return 1\r", "1"),
    "form feeds as indentation": ("def f(host):\n\x0c  \x0c return 1", "1"),
    "digits of another script": ("def f(host):\n    return \u0661", "syntax_error: SyntaxError"),
    "a line that goes on at the end": ("def f(host): return 1\n\\", "syntax_error: SyntaxError"),
    "another inequality": ("from __future__ import barry_as_FLUFL\ndef f(host): return 1 <> 2", "syntax_error: SyntaxError"),
    "builtins of its own": ("__builtins__ = {}\ndef f(host): return len([])", "exception: NameError"),
    "a name by its character": ("def f(host): return '\\N{ZERO WIDTH SPACE}'", "'\\u200b'"),
}


@pytest.mark.parametrize(("text", "said"), SOURCES.values(), ids=SOURCES)
def test_sources(face: Face, text: str, said: str) -> None:
    assert face("", text=text) == said


NUMPY = {
    "a float of its own": ("return np.float64(1.5)", "not_serialisable: type float64"),
    "a text of its own": ("return np.str_('x')", "not_serialisable: type str_"),
    "a key of its own": ("return {np.int64(1): 2}", "not_serialisable: type int64"),
    "objects in an array": (
        "class E:\n        __eq__ = lambda s, o: True\n    a = np.empty(1, object); a[0] = E(); return a.tolist()",
        "not_serialisable: type E",
    ),
    "an array": ("return np.arange(3)", "not_serialisable: type ndarray"),
    "a pickle": (
        (
            "import io, os\n    class A:\n        __reduce__ = lambda s: (os.system, ('exit 3',))\n    b = io.BytesIO()\n"
            "    np.save(b, np.array([A()], object)); b.seek(0); return np.load(b, allow_pickle=True)[0]"
        ),
        "32512",  # what `system` says where no shell could be started; 768 if one had been
    ),
    "beyond the end": (
        "return int(np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 40,)).sum())",
        "exception: killed: SIGSEGV",
    ),
    "too much": ("return int(np.ones(10**10).sum())", "memory: MemoryError"),
    "a hang in BLAS": ("a = np.ones((900, 900))\n    while True: a = a @ a", "timeout: over its CPU or wall limit"),
    "spoilt print": ("np.set_printoptions(precision=1); np.ndarray.sum if 0 else np.seterr(all='raise'); return 1", "1"),
}


@pytest.fixture(scope="module")
def numerical() -> Iterator[PooledSandbox]:
    """Programs may import numpy."""
    sandbox = PooledSandbox(make_launcher("process:with=numpy"), 1)
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize(CASES, NUMPY.values(), ids=NUMPY)
def test_numpy(numerical: PooledSandbox, body: str, said: str) -> None:
    job = Job(program=f"import numpy as np\ndef f():\n    {body}", calls=("",), limits=Limits(cpu_s=0.5, wall_s=2))
    honest = Job(program="import numpy as np\ndef f():\n    return str(np.array([1.23456]) / 3)", calls=("",))
    outcome, after = numerical.run([job, honest])
    [call] = outcome.calls
    assert (call.value or f"{call.status}: {call.error}") == said
    assert after.calls[0].value == "'[0.41152]'"
    assert numerical.stats().lost == 0


PRIME = 2**61 - 1  # what Python's hash of a number is taken modulo
COSTLY = {
    "ints of one hash": "{" + ", ".join(str(PRIME * n) for n in range(800)) + "}",
    "complex numbers of one hash": "{" + ", ".join(f"{1_000_003 * n}+{1_200 - n}j" for n in range(1_200)) + "}",
    "keys of one hash": "{" + ", ".join(f"{PRIME * n}: 0" for n in range(700)) + "}",
    "a tower of sets": "frozenset({" * 60 + "1" + "})" * 60,
    "a tower of keys": "{" + "(" * 60 + "1" + ",)" * 60 + ": 0}",
    "digits behind the point": "1." + "1" * 19_000,
    "a long hexadecimal": "[" + "0x" + "f" * 19_000 + "]",
    "signs": "-" * 15_000 + "1",
    "signs in pairs": "[" + "- + " * 4_000 + "1]",
    "empty texts": "''" * 9_000,
    "brackets that open": "[" * 15_000,
    "brackets of all kinds": "([{" * 5_000,
    "unfinished calls": "f(a=" * 4_000,
    "unfinished lambdas": "lambda:" * 2_500,
    "unfinished choices": "1 if " * 3_900,
    "formats": "f'{" * 6_000,
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_no_text_costs_its_reader_much(text: str) -> None:
    started = time.monotonic()
    with suppress(NotALiteral):
        assert parse_arguments(text)
    with suppress(NotALiteral):
        parse_literal(text)
    same_value(text, f"{text} ", strict=True)
    assert time.monotonic() - started < 1.5  # milliseconds, or where a text is costly, for ever


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff1",
        "\u0661",
        "\uff11\uff0c2",
        "1\u200b",
        "\u202e1",
        "1\x00",
        "'\ud800'",
        "a=1, \uff41=2",
        "__debug__",
        "set({1})",
        "frozenset([1])",
        "frozenset({1}, {2})",
        "s\uff45t() or 1",
        "-True",
        "--1",
        "1+1",
        "1j+1",
        "1 .real",
        "(1)(2)",
        "[*{1}]",
        "{**{}}",
        "*()",
        "f''",
        "'a' f'b'",
        "b'\u00e9'",
        "x",
        "1 if 1 else 2",
        "1;2",
        "1\n2",
        "1)\n(2",
    ],
    ids=ascii,
)
def test_only_plain_literals_are_read(text: str) -> None:
    with pytest.raises(NotALiteral):
        parse_literal(text)
    if text not in ("a=1, \uff41=2", "*()"):
        with pytest.raises(NotALiteral):
            parse_arguments(text)


def test_a_set_in_the_input_is_asked_about_a_third_time() -> None:
    """A program without any can tell the order of one that it is given; reading it proves nothing then."""
    value, loaded = record(Tag.VALUE, "1"), record(Tag.LOADED, "")
    for call, seeds in (("{'a', 'b'}", 8), ("frozenset({'a'})", 8), ("[set()]", 8), ("{'a': 1}", 1), ("'set'", 1)):
        [frame] = open_frames(Job(program="def f(x): return [*x]", calls=(call,), determinism=True), [None])
        settle(frame, Reply(0, Stop.NOT_AT_ALL, 0.1, 10, loaded + value))
        assert 1 + len(open_twins(frame, 8)) == seeds, call


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_hanging_batches_that_are_cancelled_or_outlive_their_worker(opener: Callable[..., CodeSandbox], name: str) -> None:
    opener(name, 1)  # skips where no engine answers
    hang = Job(program="import time\ndef f():\n    time.sleep(60)", calls=("",), limits=Limits(cpu_s=0.1, wall_s=0.3))
    sandbox = PooledSandbox(make_launcher(name), 1, recycle_after=3, max_held=8)
    try:
        sandbox.run([PROBE])
        futures = [sandbox.submit([hang] * 4) for _ in range(2)]
        assert futures[0].cancel()
        assert futures[1].cancel()
        started = time.monotonic()
        values = [outcome.calls[0].value for outcome in sandbox.run([PROBE, hang, PROBE, hang, PROBE])]
        assert values == ["[(4, 2.0)]", None] * 2 + ["[(4, 2.0)]"]
        assert time.monotonic() - started < 8  # those in flight run to their limits, the rest is never sent
        stats = sandbox.stats()
        assert stats.lost == 0
        assert stats.recycled >= 1
    finally:
        sandbox.close()
