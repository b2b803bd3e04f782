"""Stages as processes."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.experiments.child import end_with
from agents.experiments.processes import COSTS, LOG, Ended, StageProcess, cores, is_free, last_line, step_of
from agents.runs.rows import read_rows
from tests.helpers.small_comparison import small_comparison

ROOT = Path(__file__).parents[3]


def wait(process: StageProcess) -> Ended:
    for _ in range(3_000):
        if (ended := process.ended()) is not None:
            return ended
        time.sleep(0.02)
    raise AssertionError("it did not end")


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
    child = f"import pathlib, time; from agents.experiments.child import end_with; end_with({{}}); {ready}; time.sleep(60)"
    middle = (
        "import os, subprocess, sys, time\n"
        f"started = subprocess.Popen([sys.executable, '-c', {child!r}.format(os.getpid())])\n"
        "print(started.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", middle], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        number = int(parent.stdout.readline())
        for _ in range(1_500):
            if (tmp_path / "ready").exists():
                break
            time.sleep(0.02)
        parent.kill()
    for _ in range(1_500):
        state = Path(f"/proc/{number}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    os.kill(number, signal.SIGKILL)
    raise AssertionError("the orphan went on")


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
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.02)
    process.stop()
    assert wait(process).code == 0
    process.stop()
    assert process.ended() == wait(process)
    assert len(read_rows(tmp_path / COSTS)) == 1
