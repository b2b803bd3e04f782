"""Processes, files, sockets, other processes and higher limits are denied, and without the layers the canaries would notice."""

from __future__ import annotations

import os

import pytest

from sandboxes import Job, Limits, Status
from sandboxes.backends.process import ProcessLauncher
from sandboxes.pool.sandbox import PooledSandbox
from tests.helpers.arena import LITTER, PLACES, Arena, Case, check, count, litter_found
from tests.helpers.canaries import program, set_out
from tests.helpers.waiting import wait_for

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


def test_workers_of_one_sandbox_share_no_user() -> None:
    """What a user holds (pipes, pending signals) is limited in all: hoarders under one user would starve their neighbours."""
    if os.geteuid() != 0:
        pytest.skip("only root can run programs as others")
    sandbox = PooledSandbox(ProcessLauncher(), 2)
    try:
        text = "import os, time\ndef f():\n    time.sleep(0.2)\n    return os.getuid()"
        nap = Job(program=text, calls=("",), limits=Limits(idle_s=4))
        sandbox.submit([nap] * 8)
        assert wait_for(lambda: sandbox.stats().workers == 2)  # the second is started later than the first
        users = {outcome.calls[0].value for outcome in sandbox.run([nap] * 8)}
        assert len(users) == sandbox.stats().workers == 2
    finally:
        sandbox.close()
