"""Stages as processes: started with their threads, ended with this one, and what they took."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..config.run import TrainConfig
from ..runs.rows import append_row
from .cells import REPLIES

LOG, COSTS = "log.txt", "costs.jsonl"
"""In a cell's folder: what its processes printed, and a row per process that ended: seconds and processor seconds."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process that ended."""

    code: int
    """Its exit code; negative: the signal that ended it."""
    seconds: float
    processor_s: float
    """Of it and of those that it waited for, such as sandbox workers."""


class StageProcess:
    """A command of the program under way, in a session of its own, so that Ctrl-C reaches this process alone.

    Args:
        folder: Of the cell; the process's output is added to its log.
        name: Of the stage.
        args: Of the program.
        threads: Of the process.
    """

    def __init__(self, folder: Path, name: str, args: Sequence[str], threads: int) -> None:
        self.folder, self.name = folder, name
        self._began = time.monotonic()
        self._ended: Ended | None = None
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "agents.experiments.child", str(os.getpid()), *args]
        with (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(f"\n$ selfplay {' '.join(args)}\n")
            log.flush()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **dict.fromkeys(THREADS, str(threads))},
                start_new_session=True,
            )

    def ended(self) -> Ended | None:
        """What became of it; None while it runs. Its costs are written down once."""
        if self._ended is not None:
            return self._ended
        number, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if not number:
            return None
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._ended = ended = Ended(
            code=self._process.returncode,
            seconds=time.monotonic() - self._began,
            processor_s=usage.ru_utime + usage.ru_stime,
        )
        row = {"stage": self.name, "code": ended.code, "seconds": ended.seconds, "processor_s": ended.processor_s}
        append_row(self.folder / COSTS, row)
        return ended

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Asks it to end: a run saves its state at the first signal, and leaves at once at the second."""
        if self._ended is None:  # not `Popen.send_signal`, which takes in a process that has ended, and with it what it cost
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)


def is_free(folder: Path) -> bool:
    """Whether no other process, such as one of a killed parent that saves its state, works in a cell's folder."""
    return all(_unlocked(path) for path in (folder, folder / REPLIES / "replies.jsonl") if path.exists())


def last_line(folder: Path) -> str:
    """The last line that a cell's processes printed; empty where there is none."""
    path = folder / LOG
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4_096))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def step_of(folder: Path, config: TrainConfig | None) -> int:
    """Steps that a run under way has finished, by the lines of its metrics."""
    path = folder / "metrics.jsonl"
    if config is None or not path.is_file():
        return 0
    with path.open("rb") as file:
        return min(config.steps, sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")))


def _unlocked(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
