"""Stages as processes."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.experiments.child import end_with, main
from agents.experiments.processes import COSTS, LOG, Ended, StageProcess, cores, is_free, last_line, step_of
from agents.runs.rows import read_rows
from tests.helpers.small_comparison import small_comparison
from tests.helpers.waiting import wait_for

ROOT = Path(__file__).parents[3]


def wait(process: StageProcess) -> Ended:
    assert wait_for(lambda: process.ended() is not None)
    ended = process.ended()
    assert ended is not None
    return ended


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits to be taken in."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_stage_runs_the_program_with_its_threads_and_its_costs_are_written(tmp_path: Path) -> None:
    process = StageProcess(tmp_path / "cell", "held-out", ["benchmarks", "nonsense"], threads=3)
    environment = Path(f"/proc/{process._process.pid}/environ").read_bytes()  # pyright: ignore[reportPrivateUsage]
    ended = wait(process)
    assert ended.code == 2
    assert ended.processor_s > 0
    assert "nonsense" in last_line(tmp_path / "cell")
    assert (tmp_path / "cell" / LOG).read_text().startswith("\n$ selfplay benchmarks nonsense\n")
    [row] = read_rows(tmp_path / "cell" / COSTS)
    assert row == {"stage": "held-out", "code": 2, "seconds": ended.seconds, "processor_s": ended.processor_s}
    if environment:  # of the moment between fork and exec nothing can be read
        assert b"OMP_NUM_THREADS=3" in environment


def test_a_stage_that_is_stopped_says_by_what(tmp_path: Path) -> None:
    process = StageProcess(tmp_path, "train", ["doctor"], threads=1)
    process.stop(signal.SIGKILL)
    assert wait(process).code == -signal.SIGKILL
    process.stop()  # it is gone, and that is no error


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """A parent of a parent: the middle one is killed, and the last one with it."""
    ready = f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()"
    child = f"import pathlib, time; from agents.experiments.child import end_with; end_with({{}}); {ready}; time.sleep(600)"
    middle = (
        "import os, subprocess, sys, time\n"
        f"started = subprocess.Popen([sys.executable, '-c', {child!r}.format(os.getpid())])\n"
        "print(started.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", middle], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        number = int(parent.stdout.readline())
        assert wait_for((tmp_path / "ready").exists)
        parent.kill()
    gone = wait_for(lambda: has_ended(number))
    if not gone:
        os.kill(number, signal.SIGKILL)
    assert gone


@pytest.mark.usefixtures("foreground")
def test_a_child_can_be_interrupted_though_its_parent_ignores_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell has what it runs in the background ignore Ctrl-C, and a run that is stopped must save its state there too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, args: became.append(args))
    monkeypatch.setattr("agents.experiments.child.end_with", lambda parent: None)
    main(["1", "train", "azr-tiny"])
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert became == [[sys.executable, "-m", "agents", "train", "azr-tiny"]]


def test_a_child_whose_parent_is_gone_already_ends() -> None:
    with pytest.raises(SystemExit) as end:
        end_with(os.getppid() + 1_000_000)
    assert end.value.code == 143


def test_a_folder_is_free_when_nobody_has_locked_it(tmp_path: Path) -> None:
    assert is_free(tmp_path)
    assert is_free(tmp_path / "not-there")
    (tmp_path / "replies").mkdir()
    (tmp_path / "replies" / "replies.jsonl").touch()
    for path in (tmp_path, tmp_path / "replies" / "replies.jsonl"):
        handle = os.open(path, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert not is_free(tmp_path)
        os.close(handle)
        assert is_free(tmp_path)


def test_steps_and_last_words_are_read_off_the_files(tmp_path: Path) -> None:
    config = small_comparison().arms[0].config
    assert (step_of(tmp_path, config), last_line(tmp_path)) == (0, "")
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert step_of(tmp_path, config) == 2
    assert step_of(tmp_path, None) == 0
    (tmp_path / LOG).write_text("x" * 10_000 + "\nthe end\n \n")
    assert last_line(tmp_path) == "the end"
    assert cores() >= 1


def test_what_has_ended_can_be_asked_to_stop_and_still_says_how_it_ended(tmp_path: Path) -> None:
    process = StageProcess(tmp_path, "train", ["--help"], threads=1)
    pid = process._process.pid  # pyright: ignore[reportPrivateUsage]
    assert wait_for(lambda: has_ended(pid))
    process.stop()
    assert wait(process).code == 0
    process.stop()
    assert process.ended() == wait(process)
    assert len(read_rows(tmp_path / COSTS)) == 1
