"""One section in a process of its own: whatever it does to the device, the next one finds it as it was."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import multiprocessing
import os
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from agents.hardware.memory import take_memory_in_segments

from .bench import Bench, Row, Value, Values, sentence_of
from .machine import machine, versions

PRELOADED = ["torch", "transformers.models.llama.modeling_llama", "peft", "tests.benchmarks.gpu_sections.sections"]
"""What a dry run imports once for all sections."""
LAST_WORDS = 1_500
"""Characters of what a process printed that are kept where it failed."""
GOODBYE_S = 10.0
"""Seconds that a process which is done is waited for."""
Status = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A group of measurements that decides something."""

    name: str
    run: Callable[[Bench], Iterator[Row]]
    part: int
    estimate_s: int
    """On an H200, calculated."""

    @property
    def limit_s(self) -> float:
        """After which it is ended: twice the estimate, and a minute for a slow start."""
        return 2.0 * self.estimate_s + 60


@dataclass(slots=True, kw_only=True)
class Result:
    """What came of a section."""

    status: Status = "ok"
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Processor seconds, of what it started too."""
    rows: list[Row] = field(default_factory=list[Row])
    machine: Values = field(default_factory=dict[str, Value])
    """Where it ran."""
    error: str = ""
    """Why it failed or was skipped."""

    def to_json(self) -> dict[str, Any]:
        """All but the machine, which is the same for all sections."""
        rows = [row.to_json() for row in self.rows]
        seconds = {"seconds": round(self.seconds, 1), "cpu_s": round(self.cpu_s, 1)}
        return {"status": self.status, "error": self.error, **seconds, "rows": rows}


def run_section(section: Section, bench: Bench, limit_s: float, heard: Callable[[Row], None] = lambda row: None) -> Result:
    """Runs it in a new process; what it found before it failed, died or ran out of time is kept.

    Args:
        section: What to run.
        bench: With which sizes.
        limit_s: Seconds after which it is ended.
        heard: Called with every row as it comes.
    """
    # a new interpreter on a GPU, since CUDA does not survive a fork; elsewhere imports are made once for all sections
    context: Any = multiprocessing.get_context("forkserver" if bench.dry else "spawn")
    if bench.dry:
        context.set_forkserver_preload(PRELOADED)
    result, started = Result(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(section, bench, theirs, str(log)))
        process.start()
        theirs.close()
        patience_s = 0.0
        try:
            _listen(ours, result, started + limit_s, heard)
            patience_s = GOODBYE_S
        except EOFError:
            process.join()
            result.status, result.error = "failed", f"its process ended with {process.exitcode}; {_tail(log)}"
        except TimeoutError:
            result.status, result.error = "failed", f"was ended after its limit of {limit_s:.0f} s; {_tail(log)}"
        finally:
            _end(process, patience_s)
            ours.close()
    result.seconds = time.perf_counter() - started
    return result


def _listen(ours: Connection, result: Result, deadline: float, heard: Callable[[Row], None]) -> None:
    """Takes rows until the section is done.

    Raises:
        EOFError: Its process died.
        TimeoutError: Its time is over.
    """
    while True:
        if not ours.poll(max(0.0, deadline - time.perf_counter())):
            raise TimeoutError
        kind, value = ours.recv()
        if kind == "row":
            result.rows.append(value)
            heard(value)
            continue
        if kind == "machine":
            result.machine = value
            continue
        failed = [row for row in result.rows if row.failed]
        sentence, result.cpu_s = value
        if sentence:
            result.status, result.error = "failed", sentence
        elif failed:
            result.status, result.error = "failed", f"{len(failed)} of {len(result.rows)} arms failed: {failed[0].failed}"
        elif not any(row.found for row in result.rows):
            reasons = [row.skipped for row in result.rows]
            result.status, result.error = "skipped", reasons[0] if reasons else "it found nothing"
        return


def _work(section: Section, bench: Bench, theirs: Connection, log: str) -> None:
    """The process: rows go through the pipe, what libraries print into the log."""
    os.setpgrp()  # to be ended with whatever it starts
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    faulthandler.enable()
    warnings.filterwarnings("ignore")
    gc.freeze()  # what was imported is not looked through between all arms
    take_memory_in_segments(bench.device)  # as a run does, before anything is on the device
    sentence = ""
    try:
        theirs.send(("machine", {**versions(), **machine(bench)}))
        for row in section.run(bench):
            theirs.send(("row", row))
    except Exception as error:  # the sentence travels
        where = traceback.extract_tb(error.__traceback__)[-1]
        sentence = f"{sentence_of(error)} ({Path(where.filename).name}:{where.lineno})"
    theirs.send(("done", (sentence, sum(os.times()[:4]))))


def _end(process: Any, patience_s: float) -> None:
    """Ends the process, and with it what it started, unless it ends by itself within so many seconds."""
    process.join(patience_s)
    if process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
    process.join()


def _tail(log: Path) -> str:
    text = log.read_text(errors="replace").strip() if log.is_file() else ""
    return f"its last words: {text[-LAST_WORDS:]}" if text else "it said nothing"
