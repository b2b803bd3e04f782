"""One test for each resource that isolation protects, with canaries on the host's side, under several sets of layers."""

from __future__ import annotations

import ast
import ctypes
import errno
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sandboxes import CallOutcome, Job, Limits, Status
from sandboxes.backends.process import ProcessLauncher
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.worker.isolation import unprotected_resources
from sandboxes.worker.landlock import landlock_abi, make_ruleset, restrict_self
from sandboxes.worker.seccomp import CALLS
from tests.helpers.canaries import (
    CHANGING,
    CONNECTING,
    ERRORS,
    EVERYTHING,
    FORBIDDEN_CALLS,
    KILLING,
    MULTIPLYING,
    PROBE,
    READING,
    WITHOUT,
    Host,
    below,
    program,
    set_out,
)
from tests.helpers.waiting import PATIENCE_S


@pytest.fixture
def host() -> Iterator[Host]:
    """Fresh canaries."""
    with set_out() as canaries:
        yield canaries


@pytest.fixture(scope="module", params=[*WITHOUT, pytest.param("docker", marks=pytest.mark.docker)])
def isolated(request: pytest.FixtureRequest) -> Iterator[PooledSandbox]:
    """One worker behind one set of layers."""
    if request.param == "docker":
        request.getfixturevalue("opener")("docker", 1)  # skips where no engine answers
        from sandboxes.backends.docker import DockerLauncher

        launcher = DockerLauncher()
    else:
        launcher = ProcessLauncher(without=WITHOUT[request.param])
    sandbox = PooledSandbox(launcher, 1)
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def exposed() -> Iterator[PooledSandbox]:
    """A worker with no layer at all: here the attacks must work, or the tests that see them fail prove nothing."""
    sandbox = PooledSandbox(ProcessLauncher(unsafe=True, without=EVERYTHING), 1)
    yield sandbox
    sandbox.close()


def _attack(sandbox: PooledSandbox, host: Host, body: str) -> CallOutcome:
    """Runs the body under small limits; an honest job after it must be right, and by the same worker."""
    sandbox.run([PROBE])
    workers = sandbox.worker_processes()
    job = Job(program=program(body), calls=(host.describe(),), limits=Limits(cpu_s=1, wall_s=4))
    attack, after = sandbox.run([job, PROBE])
    assert after.calls[0].value == "[(4, 2.0)]"
    assert sandbox.worker_processes() == workers
    return attack.calls[0]


@pytest.mark.parametrize("body", READING.values(), ids=READING)
def test_reading_is_denied(isolated: PooledSandbox, host: Host, body: str) -> None:
    outcome = _attack(isolated, host, body)
    if outcome.value is not None and isolated.name == "docker":
        assert "root:" not in outcome.value  # a container has files of its own, and none of the host's
        assert host.folder.name not in outcome.value
        assert host.secret not in outcome.value
    else:
        assert outcome.error in ERRORS


@pytest.mark.parametrize("body", CHANGING.values(), ids=CHANGING)
@pytest.mark.parametrize("where", ["folder", "shm"])
def test_changing_files_is_denied(isolated: PooledSandbox, host: Host, where: str, body: str) -> None:
    memory = Path("/dev/shm") / host.folder.name
    shutil.copytree(host.folder, memory, ignore=shutil.ignore_patterns("stream", "datagram"))
    memory.chmod(0o777)
    try:
        before = host.state(), Host(memory, "", {}, host.victim).state()
        folder = "host['folder']" if where == "folder" else repr(str(memory))
        assert _attack(isolated, host, body.replace("host['folder']", folder)).error in ERRORS
        assert (host.state(), Host(memory, "", {}, host.victim).state()) == before
    finally:
        shutil.rmtree(memory)


@pytest.mark.parametrize("body", CONNECTING.values(), ids=CONNECTING)
def test_connecting_is_denied(isolated: PooledSandbox, host: Host, body: str) -> None:
    assert _attack(isolated, host, body).error in ERRORS
    assert host.visitors() == []


@pytest.mark.parametrize("body", KILLING.values(), ids=KILLING)
def test_signals_to_others_are_denied(isolated: PooledSandbox, host: Host, body: str) -> None:
    outcome = _attack(isolated, host, body)
    assert outcome.error in ERRORS or isolated.name == "docker"  # whose own process may have this id
    with pytest.raises(subprocess.TimeoutExpired):
        host.victim.wait(0.1)


def test_without_layers_the_canaries_notice(exposed: PooledSandbox, host: Host) -> None:
    assert exposed.run([PROBE])[0].status is Status.OK
    assert exposed.stats().layers == ("limits",)
    closed_anyway = {"the environment of the first process"}
    closed_anyway |= set() if os.geteuid() == 0 else {"a file by its handle", "its own environment"}
    for name, body in READING.items():
        if name not in closed_anyway:
            assert _attack(exposed, host, body).status is Status.OK, name
    assert _attack(exposed, host, READING["a file"]).value == repr(host.secret)
    for name, body in CONNECTING.items():
        assert _attack(exposed, host, body).status is Status.NOT_SERIALISABLE or host.visitors() == [name], name
        host.visitors()
    for name, body in CHANGING.items():
        before = host.state()
        assert _attack(exposed, host, body).status is Status.OK, name
        assert host.state() != before, name
        for path in (host.folder / "new", host.folder / "empty"):
            with suppress(OSError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        (host.folder / "secret").write_text(host.secret)
        (host.folder / "secret").chmod(0o777)
        (host.folder / "empty").mkdir()
    for name, body in KILLING.items():
        if name != "by its limits":
            with subprocess.Popen(["sleep", "600"], start_new_session=True) as victim:
                assert _attack(exposed, Host(host.folder, "", host.sockets, victim), body).status is Status.OK, name
                assert victim.wait(PATIENCE_S) == -signal.SIGKILL, name


@pytest.mark.parametrize("body", MULTIPLYING.values(), ids=MULTIPLYING)
def test_multiplying_and_climbing_are_denied(isolated: PooledSandbox, host: Host, body: str) -> None:
    isolated.run([PROBE])
    before = len(below(os.getpid()))
    outcome = _attack(isolated, host, body)
    # The first process of a namespace does not even notice the signals of those inside it.
    assert outcome.error in ERRORS or (isolated.name == "docker" and "os.kill" in body), outcome
    assert len(below(os.getpid())) == before


def test_needless_system_calls_are_denied(isolated: PooledSandbox, exposed: PooledSandbox, host: Host) -> None:
    def errors(sandbox: PooledSandbox, calls: dict[str, int]) -> dict[str, int]:
        body = f"""
found = {{}}
for name, number in {calls}.items():
    ctypes.set_errno(0)
    libc.syscall(number, 0, 0, 0, 0, 0, 0)
    found[name] = ctypes.get_errno()
return found"""
        return ast.literal_eval(_attack(sandbox, host, body).value or "None")

    _need_seccomp(isolated)
    assert errors(isolated, FORBIDDEN_CALLS) == dict.fromkeys(FORBIDDEN_CALLS, errno.EPERM) | {"clone3": errno.ENOSYS}
    some = {name: FORBIDDEN_CALLS[name] for name in ("socket", "shmget", "memfd_create", "execve", "connect", "setsid")}
    assert errno.EPERM not in errors(exposed, some).values()


SETTING_EACH_TO_WHAT_IT_IS = """
import struct
allowed = []
for which in [*range(16), *(1 << 32 | which for which in range(16))]:
    limits = ctypes.create_string_buffer(16)
    if libc.syscall(302, 0, ctypes.c_ulong(which), None, limits) == 0:
        if libc.syscall(302, 0, ctypes.c_ulong(which), limits, None) == 0:
            allowed.append(which & 0xFFFF_FFFF)
return allowed"""


def test_the_stack_is_the_only_limit_that_a_program_may_set(isolated: PooledSandbox, host: Host) -> None:
    _need_seccomp(isolated)
    if isolated.name == "docker":
        pytest.skip("in a container hard limits do this alone")
    assert _attack(isolated, host, SETTING_EACH_TO_WHAT_IT_IS).value == "[3, 3]"
    of_the_worker = "resource.prlimit(os.getppid(), resource.RLIMIT_STACK, (1 << 20, 1 << 20))"
    assert _attack(isolated, host, of_the_worker).error == "PermissionError"


@pytest.mark.parametrize("limits", ["(-1, -1)", "(1 << 28, -1)", "(8 << 20, 9 << 20)", "(9 << 20, 8 << 20)"])
def test_no_stack_is_larger_than_the_hard_limit(isolated: PooledSandbox, host: Host, limits: str) -> None:
    isolated.run([PROBE])
    if os.geteuid() == 0 and not {"user", "container"} & set(isolated.stats().layers):
        pytest.skip("root may raise hard limits")
    assert _attack(isolated, host, f"resource.setrlimit(resource.RLIMIT_STACK, {limits})").error == "ValueError"


def _need_seccomp(sandbox: PooledSandbox) -> None:
    sandbox.run([PROBE])
    if "seccomp" not in sandbox.stats().layers:
        pytest.skip("no seccomp here")


# getpid in each of three ways: as 64-bit code asks, by 64-bit numbers with the x32 bit, and through the old 32-bit gate.
OTHER_WAYS_IN = {
    "x86-64": ("b8 27 00 00 00 0f 05 c3", True),
    "x32": ("b8 27 00 00 40 0f 05 c3", False),
    "i386": ("b8 14 00 00 00 cd 80 c3", False),
}


@pytest.mark.parametrize(("code", "allowed"), OTHER_WAYS_IN.values(), ids=OTHER_WAYS_IN)
def test_other_ways_into_the_kernel_are_closed(isolated: PooledSandbox, host: Host, code: str, allowed: bool) -> None:
    body = f"""
import mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex({code!r}))
ask = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
answer = ask()
return answer == os.getpid() or answer"""
    _need_seccomp(isolated)
    outcome = _attack(isolated, host, body)
    # A kernel without the 32-bit gate kills whoever tries it.
    assert outcome.value in (("True",) if allowed else ("-1", "-38")) or (not allowed and outcome.error == "killed: SIGSEGV")


HONEST = {
    "asyncio": "import asyncio\nasync def g():\n    await asyncio.sleep(0)\n    return 3\nreturn asyncio.run(g())",
    "pipes": "r, w = os.pipe(); os.write(w, b'abc'); return len(os.read(r, 9))",
    "sqlite3": "import sqlite3\nreturn sqlite3.connect(':memory:').execute('select 1 + 2').fetchone()[0]",
    "a null device": "print('x', file=open(os.devnull, 'w')); return 3",
    "randomness": "return len(os.urandom(2) + open('/dev/urandom', 'rb').read(1))",
    "a submodule of a loaded package": "return len('ab\u00e9'.encode('idna')[-3:])",
    "another library": "import lzma\nreturn len(lzma.decompress(lzma.compress(b'abc')))",
    "an alarm": "import signal\nsignal.signal(14, lambda *a: None)\nsignal.setitimer(0, 0.01)\nsignal.pause()\nreturn 3",
    "processors": "return 3 * (os.cpu_count() > 0) * (len(os.sched_getaffinity(0)) > 0)",
    "memory of its own": "import mmap\nm = mmap.mmap(-1, 4096); m[:3] = b'abc'; m.flush(); return len(m[:3])",
    "callbacks from C": "return ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1)(2)",
    "asking about limits": "return 3 * (resource.getrlimit(resource.RLIMIT_NOFILE) == (64, 64))",
    "a stack as large as it is": """
limits = resource.getrlimit(resource.RLIMIT_STACK)
resource.setrlimit(resource.RLIMIT_STACK, limits)
return 3 * (resource.getrlimit(resource.RLIMIT_STACK) == limits == (8 << 20, 8 << 20))""",
    "a smaller stack": """
resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 8 << 20))
return 3 * (resource.getrlimit(resource.RLIMIT_STACK) == (1 << 20, 8 << 20))""",
}


@pytest.mark.parametrize("body", HONEST.values(), ids=HONEST)
def test_honest_programs_do_not_notice(isolated: PooledSandbox, host: Host, body: str) -> None:
    assert _attack(isolated, host, body).value == "3"


def test_layers_are_reported(isolated: PooledSandbox) -> None:
    isolated.run([PROBE])
    layers = isolated.stats().layers
    assert layers[0] == "limits"
    assert unprotected_resources(layers) == []
    assert ("container" in layers) == (isolated.name == "docker")
    assert len({"bwrap", "unshare", "container"} & set(layers)) <= 1


OF_NAMES_AND_MODES = [body for name, body in CHANGING.items() if name not in ("creating", "emptying")]
OF_CONTENTS = [body for name, body in CHANGING.items() if not name.startswith("changing")]
OF_NO_FILES = [body for body in MULTIPLYING.values() if "/proc/" not in body]
TCP_AND_ABSTRACT = [CONNECTING["tcp"], CONNECTING["abstract"]]


@pytest.mark.parametrize(
    ("layer", "bodies"),
    [
        ("landlock", [*READING.values(), *OF_CONTENTS, *TCP_AND_ABSTRACT, KILLING["by its id"]]),
        ("seccomp", [*OF_NAMES_AND_MODES, *CONNECTING.values(), *KILLING.values(), *OF_NO_FILES]),
    ],
)
def test_each_layer_holds_alone(host: Host, layer: str, bodies: list[str]) -> None:
    sandbox = PooledSandbox(ProcessLauncher(unsafe=True, without=[each for each in EVERYTHING if each != layer]), 1)
    try:
        before = host.state()
        sandbox.run([PROBE])
        [_, reported] = sandbox.stats().layers
        assert reported.startswith(layer)
        if layer == "landlock" and landlock_abi() < 6:
            pytest.skip("a Landlock that knows nothing of signals")
        for body in bodies:
            assert _attack(sandbox, host, body).error in ERRORS, body
        assert (host.state(), host.visitors(), host.victim.poll()) == (before, [], None)
    finally:
        sandbox.close()


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6, 7, 99])
def test_rules_of_every_version_of_landlock(monkeypatch: pytest.MonkeyPatch, host: Host, version: int) -> None:
    if landlock_abi() < min(version, 7):
        pytest.skip(f"this kernel has Landlock {landlock_abi()}")
    monkeypatch.setattr("sandboxes.worker.landlock.landlock_abi", lambda: version)
    pid = os.fork()
    if pid == 0:
        refused = 0
        with suppress(BaseException):
            os.listdir(host.folder)
            ruleset = make_ruleset([os.path.dirname(os.__file__)])
            ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # no new privileges: what an ordinary user must give up first
            restrict_self(ruleset)
            open(os.__file__).close()
            open(os.devnull, "r+").close()
            for attempt in (
                os.listdir,
                os.rmdir,
                os.unlink,
                lambda path: Path(path, "secret").read_text(),
                lambda path: os.mkdir(f"{path}/x"),
            ):
                with suppress(PermissionError):
                    attempt(str(host.folder))
                    os._exit(99)
                refused += 1
        os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5


@pytest.mark.parametrize(
    ("layers", "unprotected"),
    [
        ("limits", ["files", "the network"]),
        ("limits user unshare", ["files", "the network"]),
        ("limits user landlock-7 unshare", ["files", "the network"]),
        ("limits user seccomp unshare", ["files"]),
        ("limits landlock-1 seccomp", []),
        ("limits bwrap", []),
        ("limits container", []),
    ],
)
def test_unprotected_resources(layers: str, unprotected: list[str]) -> None:
    assert unprotected_resources(layers.split()) == unprotected


def test_the_numbers_are_those_of_the_kernel() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.exists():
        pytest.skip(f"no {header}")
    numbers = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", header.read_text())}
    ours = CALLS | FORBIDDEN_CALLS
    assert ours == {name: numbers.get(name, number) for name, number in ours.items()}
    assert len(ours.keys() & numbers.keys()) > 100
