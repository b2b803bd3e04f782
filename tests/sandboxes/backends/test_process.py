"""The process backend's promises about workers: refusal, what happens when either side is killed, and ordinary users."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import sandboxes
from sandboxes import Job, Limits, SandboxUnavailable
from sandboxes.backends.process import ProcessLauncher
from sandboxes.core.launcher import Started
from sandboxes.pool.sandbox import PooledSandbox
from tests.helpers.canaries import (
    CHANGING,
    CONNECTING,
    ERRORS,
    EVERYTHING,
    KILLING,
    MULTIPLYING,
    NAMESPACES,
    PROBE,
    READING,
    WITHOUT,
    Host,
    below,
    program,
    set_out,
)
from tests.helpers.waiting import wait_for

NOBODY = 65_534


@pytest.fixture
def host() -> Iterator[Host]:
    """Fresh canaries."""
    with set_out() as canaries:
        yield canaries


ORDINARY = """
import json, sys
from sandboxes import *
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.backends.process import ProcessLauncher
without, jobs = json.load(sys.stdin)
sandbox = PooledSandbox(ProcessLauncher(without=without), 1)
answers = []
for program, argument in jobs:
    job = Job(program=program, calls=(argument,), limits=Limits(cpu_s=1, wall_s=4))
    outcome, probe = sandbox.run([job, Job(program="def f(x): return x + 1", calls=("1",))])
    answers.append([outcome.calls[0].value, outcome.calls[0].error, probe.calls[0].value])
print(json.dumps([answers, sandbox.stats().layers, sandbox.stats().lost]))
sandbox.close()
"""


@pytest.mark.parametrize("without", [(), ("bwrap",), NAMESPACES], ids=["all", "unshare", "no namespaces"])
def test_an_ordinary_user_is_as_safe(host: Host, without: tuple[str, ...]) -> None:
    """There, a program is the same user as its trainer, and the trainer's files are its own."""
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    shutil.copytree(Path(sandboxes.__file__).parent, host.folder / "sandboxes", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (host.folder / "secret", host.folder / "empty", host.folder):
        os.chown(path, NOBODY, NOBODY)
    (host.folder / "secret").chmod(0o600)
    python = _interpreter_for_all(host.folder)
    attacks = [*READING.values(), *CHANGING.values(), *CONNECTING.values(), *KILLING.values(), *MULTIPLYING.values()]
    with subprocess.Popen(["sleep", "600"], user=NOBODY, start_new_session=True) as victim:
        ordinary = Host(host.folder, host.secret, host.sockets, victim)
        before = ordinary.state()
        jobs = [(program(body), ordinary.describe()) for body in attacks]
        done = _as_nobody([python, "-B", "-c", ORDINARY], host.folder, json.dumps([without, jobs]))
        assert done.returncode == 0, done.stderr
        answers, layers, lost = json.loads(done.stdout)
        for body, (value, error, probe) in zip(attacks, answers, strict=True):
            assert (value, probe) == (None, "2"), body
            assert error in ERRORS, body
        assert ordinary.state() == before
        assert ordinary.visitors() == []
        assert victim.poll() is None
        assert lost == 0
        assert "user" not in layers
        victim.kill()


def _as_nobody(command: list[str], folder: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]}
    return subprocess.run(
        command,
        input=text,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )


def _interpreter_for_all(folder: Path) -> str:
    """A Python that nobody may start; skips the test where there is none."""
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        with suppress(OSError):
            if _as_nobody([python, "-B", "-c", "import enum, sandboxes; enum.StrEnum"], folder).returncode == 0:
                return python
    pytest.skip("no Python 3.11 that an ordinary user could run")


@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
def test_ending_what_was_started_ends_the_worker_and_its_child(without: tuple[str, ...]) -> None:
    sandbox = PooledSandbox(ProcessLauncher(without=without), 1)
    try:
        sandbox.run([PROBE])
        [started] = sandbox.worker_processes()
        family = len(below(started))
        endless = Job(
            program="import time\ndef f(): time.sleep(60)", calls=("",), limits=Limits(cpu_s=50, wall_s=500, idle_s=60)
        )
        future = sandbox.submit([endless])
        assert wait_for(lambda: len(below(started)) > family)
        members = [started, *below(started)]
        future.cancel()
        os.kill(started, signal.SIGKILL)
        assert wait_for(lambda: not any(_lives(pid) for pid in members))
        assert sandbox.run([PROBE])[0].calls[0].value == "[(4, 2.0)]"
    finally:
        sandbox.close()


@pytest.mark.parametrize("without", WITHOUT.values(), ids=WITHOUT)
def test_a_worker_outlives_the_thread_that_started_it(without: tuple[str, ...]) -> None:
    """Asking the kernel to end a process with its parent means the parent's thread."""
    started: list[Started] = []
    thread = threading.Thread(target=lambda: started.append(ProcessLauncher(without=without).start(0)))
    thread.start()
    thread.join()
    try:
        members = [started[0].process, *below(started[0].process or 0)]
        time.sleep(0.3)
        assert all(_lives(pid or 0) for pid in members)
        started[0].connection.close()  # as when the trainer is killed
        assert wait_for(lambda: not any(_lives(pid or 0) for pid in members))
    finally:
        started[0].stop()


@pytest.mark.parametrize(
    ("without", "unprotected", "missing"),
    [
        (EVERYTHING, "files and the network", "landlock, seccomp, bwrap"),
        ((*NAMESPACES, "seccomp"), "files and the network", "seccomp, bwrap"),
        ((*NAMESPACES, "landlock"), "files", "landlock, bwrap"),
    ],
    ids=["nothing", "no seccomp", "no landlock"],
)
def test_without_enough_layers_a_worker_refuses(without: tuple[str, ...], unprotected: str, missing: str) -> None:
    before = below(os.getpid())
    with pytest.raises(SandboxUnavailable) as refusal:
        ProcessLauncher(without=without).start(0)
    assert str(refusal.value) == (
        f"The process sandbox does not start here: programs could reach {unprotected} of this machine, which lacks {missing}: "
        "start Docker, install bubblewrap, or accept the risk with sandbox='process:unsafe'."
    )
    assert below(os.getpid()) == before


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
