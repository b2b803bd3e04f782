"""What can break around the programs: engines, disks, trainers. No verdict is lost or given twice, nothing is left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandboxes import Job, Limits, SandboxUnavailable, Status
from sandboxes.backends import docker_engine
from sandboxes.pool.sandbox import PooledSandbox
from sandboxes.registry import make_launcher
from tests.helpers.waiting import PATIENCE_S, wait_for

ADD = "def f(a, b=1):\n    return a + b"
# The docker package leaves the socket of a refused connection to the garbage collector.
refused = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
NAP = "import time\ndef f(x):\n    time.sleep(0.05)\n    return x"


class Engine:
    """A Docker engine of this test's own, which it may stop and start."""

    def __init__(self, folder: Path) -> None:
        self.host = f"unix://{folder}/docker.sock"
        self._log = folder / "log"
        self._command = ["dockerd", "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "-H", self.host]
        self._command += [
            "--pidfile",
            f"{folder}/pid",
            "--iptables=false",
            "--ip6tables=false",
            "--bridge=none",
            "--shutdown-timeout",
            "1",
        ]

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        give_up_at = time.monotonic() + PATIENCE_S
        while docker_engine.docker_available() is not None:
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                pytest.skip(f"dockerd does not start here: {self._log.read_text()[-300:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)


@pytest.fixture
def engine(docker_engine: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine that is up; DOCKER_HOST names it."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("only root can start a Docker engine, and only where dockerd is installed")
    folder = Path(tempfile.mkdtemp(prefix="engine-"))  # a short path: sockets allow few characters
    started = Engine(folder)
    monkeypatch.setenv("DOCKER_HOST", started.host)
    started.start()
    try:
        yield started
    finally:
        started.stop()
        gc.collect()  # here, where the filter below still holds
        subprocess.run(["umount", "-l", f"{folder}/data"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """A tiny file system without a free byte or name, mounted at `folder`; skips where it cannot be mounted."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=3", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.decode(errors='replace').strip()}")
    try:
        for name in ("a", "b"):
            with contextlib.suppress(OSError):
                (folder / name).write_bytes(b"x" * 8192)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.docker
@refused
def test_an_engine_that_is_stopped_and_started_costs_no_verdict(engine: Engine) -> None:
    sandbox = PooledSandbox(make_launcher("docker"), 2)
    try:
        jobs = [Job(program=NAP, calls=(str(i),), limits=Limits(idle_s=2)) for i in range(300)]
        future = sandbox.submit(jobs)
        assert wait_for(lambda: sandbox.stats().workers == 2)
        time.sleep(0.5)
        engine.stop()
        time.sleep(1)
        engine.start()
        outcomes = future.result(240)
        # The jobs that ran when the engine went are not to blame: each lost one worker, and was sent again.
        assert [outcome.calls[0].value for outcome in outcomes] == [str(i) for i in range(300)]
        assert sandbox.stats().lost >= 2
        assert sandbox.stats().jobs == 300
    finally:
        sandbox.close()


@pytest.mark.docker
@refused
def test_an_engine_that_stays_away_is_one_clear_error(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandboxes.pool.workers._RESTART_PAUSES_S", (0, 0.2))
    sandbox = PooledSandbox(make_launcher("docker"), 1)
    try:
        sandbox.run([Job(program=ADD, calls=("1",))])
        future = sandbox.submit([Job(program=NAP, calls=(str(i),)) for i in range(400)])
        time.sleep(0.3)
        engine.stop()
        with pytest.raises(SandboxUnavailable, match="Docker"):
            future.result(PATIENCE_S)
    finally:
        engine.start()
        sandbox.close()


@pytest.mark.docker
def test_a_full_disk_is_one_clear_error_and_passes(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = PooledSandbox(make_launcher("docker"), 1)
    try:
        sandbox.run([Job(program=ADD, calls=("1",))])  # the image is there
        monkeypatch.setattr("sandboxes.pool.workers._RESTART_PAUSES_S", (0,))
        broken = PooledSandbox(make_launcher("docker"), 1)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with full_disk(tmp_path):
            with pytest.raises(SandboxUnavailable, match="No space left"):
                broken.run([Job(program=ADD, calls=("1",))])
            assert sandbox.run([Job(program=ADD, calls=("1",))])[0].calls[0].value == "2"  # who runs, runs on
        assert broken.run([Job(program=ADD, calls=("1",))])[0].calls[0].value == "2"
        broken.close()
    finally:
        sandbox.close()


@pytest.mark.parametrize("name", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_killed_trainer_leaves_nothing_behind(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if name == "docker":
        request.getfixturevalue("docker_engine")
    script = f"""
from sandboxes import Job, Limits, open_sandbox
sandbox = open_sandbox({name!r} + ":cache=0", 2)
sandbox.run([Job(program="def f():\\n return {{1}}", calls=("",), determinism=True)] * 8)
print("up", flush=True)
hang = Job(program="def f():\\n while True: pass", calls=("",), limits=Limits(cpu_s=50, wall_s=100))
sandbox.run([hang] * 4)
"""
    trainer = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}
    )
    assert trainer.stdout is not None
    assert trainer.stdout.readline() == "up\n"
    time.sleep(0.5)
    owner = docker_engine.owner(trainer.pid)
    assert _left_behind(name, trainer.pid, owner) > 0
    trainer.kill()
    trainer.wait()
    trainer.stdout.close()
    assert wait_for(lambda: _left_behind(name, trainer.pid, owner) == 0)
    if name == "docker":  # killed while a container was starting, it leaves that one's folder for the next to remove
        _sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _sweep(folder: Path) -> None:
    code = "from sandboxes.backends.docker_engine import connect, sweep; sweep(connect())"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(folder)}, check=True)


def test_socket_folders_of_the_dead_are_removed_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = Path(docker_engine.socket_folder())
    namespace, pid, started = (own / "owner").read_text().split()
    dead, elsewhere, other = (tmp_path / f"selfplay-{name}" for name in ("dead", "elsewhere", "other"))
    for folder in (dead, elsewhere, other):
        folder.mkdir()
    (dead / "owner").write_text(f"{namespace} {pid} {int(started) + 1}")  # the same id, taken by a later process
    (elsewhere / "owner").write_text(f"another-machine {pid} {int(started) + 1}")
    docker_engine.sweep(SimpleNamespace(containers=SimpleNamespace(list=lambda **options: [])))
    assert sorted(tmp_path.iterdir()) == sorted([own, elsewhere, other])


def _left_behind(name: str, trainer: int, owner: str) -> int:
    """Containers of that owner, or processes that run our worker and were started by that trainer's session."""
    if name == "docker":
        client = docker_engine.connect()
        try:
            containers = client.containers.list(
                all=True, filters={"label": f"{docker_engine.OWNER_LABEL}={owner}"}, ignore_removed=True
            )
            return len(containers)
        finally:
            client.close()
    if trainer not in _FAMILIES:
        _FAMILIES[trainer] = _descendants(trainer)
    return sum(Path(f"/proc/{pid}").exists() for pid in _FAMILIES[trainer])


_FAMILIES: dict[int, set[int]] = {}


def _descendants(pid: int) -> set[int]:
    descendants: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                descendants |= {int(child)} | _descendants(int(child))
    return descendants


def test_many_hangs_in_a_row_do_not_stop_the_others() -> None:
    """100 here; `python -m tests.benchmarks.endurance` runs 10,000."""
    sandbox = PooledSandbox(make_launcher("process"), 2)
    try:
        hang = Job(program="def f(x):\n    while True: pass", calls=("1",), limits=Limits(cpu_s=0.05, wall_s=0.5))
        hangs = sandbox.submit([hang] * 100)
        honest = [sandbox.run([Job(program=ADD, calls=(str(i),))])[0].calls[0].value for i in range(10)]
        assert honest == [str(i + 1) for i in range(10)]
        assert {outcome.status for outcome in hangs.result(200)} == {Status.TIMEOUT}
        assert sandbox.stats().lost == 0
    finally:
        sandbox.close()


def test_threads_and_descriptors_do_not_grow() -> None:
    def count() -> tuple[int, int]:
        gc.collect()  # what other tests left open would be missing once it is collected
        return threading.active_count(), len(os.listdir("/proc/self/fd"))

    before = count()
    for _ in range(3):
        sandbox = PooledSandbox(make_launcher("process"), 2)
        sandbox.run([Job(program=ADD, calls=(str(i),), determinism=True) for i in range(20)])
        sandbox.close()
    assert all(now <= then for now, then in zip(count(), before, strict=True))
