"""System calls by number, machine code past the C library, and what the kernel could keep of one job for the next."""

from __future__ import annotations

import pytest

from sandboxes import CodeSandbox, Job
from sandboxes.backends.process import ProcessLauncher
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.worker.seccomp import CALLS
from tests.helpers.arena import Face
from tests.helpers.canaries import EVERYTHING, PROBE, Host, program

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
def test_system_calls_that_are_denied(face: Face, body: str) -> None:
    assert face(body, cpu_s=1, wall_s=4) == "0"


@pytest.mark.parametrize("code", NATIVE.values(), ids=NATIVE)
def test_machine_code(face: Face, code: str) -> None:
    assert face(MACHINE_CODE.format(code=code)) == "-1"


def test_without_layers_these_calls_go_through(host: Host) -> None:
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
