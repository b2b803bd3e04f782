"""The fast engine: pydantic-monty, a Python interpreter in Rust, asked first; what it does not answer goes to CPython.

An error of the engine is never a verdict. A call is answered by it only when the program is inside the gate
(`monty_gate`), the arguments are plain, and a value came back within the limits; every other call of the job goes to the
inner sandbox, whose verdict stands. A call that hangs is so paid for twice, hence the short time of its own.

The engine has no files, network or processes to offer, and its workers are separate processes with an empty environment;
but the kernel does not confine them as it does the inner sandbox's: a memory error of the engine would be an escape.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from .errors import SandboxUnavailable
from .monty_engine import Engine, Question, put_question
from .monty_gate import monty_accepts
from .spec import CallOutcome, CodeSandbox, Job, Outcome
from .stats import SandboxStats

__all__ = ["MontySandbox", "monty_accepts"]


class MontySandbox(CodeSandbox):
    """A `CodeSandbox` that answers what it can by the fast engine and asks another for the rest. Thread-safe.

    Args:
        inner: Decides whatever the engine does not answer; closed together with this one.
        workers: How many engine processes run side by side, at least 1; none is started before the first job.

    Raises:
        SandboxUnavailable: pydantic-monty is not installed.
    """

    def __init__(self, inner: CodeSandbox, workers: int = 2) -> None:
        if workers < 1:
            raise ValueError(f"workers={workers!r}; at least 1 is needed.")
        if importlib.util.find_spec("pydantic_monty") is None:
            raise SandboxUnavailable('The fast engine is not installed; type `pip install "selfplay[monty]"`.')
        self.name = f"{inner.name}+monty"
        self.workers = workers
        self._inner = inner
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._closed = False
        self._done = SandboxStats()
        self._in_flight = 0
        self._busy_since = 0.0

    def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
        """A future of one outcome per job; the inner sandbox begins at once with what the gate does not let in."""
        with self._lock:
            if self.closed:
                raise SandboxUnavailable(
                    f"This {self.name} sandbox is closed or belongs to another process; call open_sandbox again."
                )
            engine = self._engine = self._engine or Engine(self.workers)
            self._busy_since = self._busy_since if self._in_flight else time.monotonic()
            self._in_flight += 1
        batch = _Batch(jobs, self._inner)
        batch.future.add_done_callback(lambda future: self._count(future, batch.engine_calls))
        batch.start(engine)
        return batch.future

    def stats(self) -> SandboxStats:
        """What was answered by either; workers and queues are those of the inner sandbox."""
        with self._lock:
            done = self._done
        return replace(
            self._inner.stats(), jobs=done.jobs, statuses=done.statuses, engine_calls=done.engine_calls, busy_s=done.busy_s
        )

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or this is a forked copy whose workers belong to another process."""
        return self._closed or os.getpid() != self._owner

    def close(self) -> None:
        """Ends the engine's workers and closes the inner sandbox; batches under way fail. Safe to call twice."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
        self._inner.close()

    def _count(self, future: Future[list[Outcome]], engine_calls: int) -> None:
        outcomes = [] if future.cancelled() or future.exception() is not None else future.result()
        with self._lock:
            now = time.monotonic()
            self._in_flight -= 1
            statuses = Counter(self._done.statuses) + Counter(call.status.value for outcome in outcomes for call in outcome.calls)
            self._done = SandboxStats(
                jobs=self._done.jobs + len(outcomes),
                statuses=statuses,
                engine_calls=self._done.engine_calls + engine_calls,
                busy_s=self._done.busy_s + (0.0 if self._in_flight else now - self._busy_since),
            )


class _Batch:
    """One call of `submit`: the calls that are answered, and what still has to be said about the others."""

    def __init__(self, jobs: Sequence[Job], inner: CodeSandbox) -> None:
        self.future: Future[list[Outcome]] = Future()
        self.engine_calls = 0
        self._jobs = jobs
        self._inner = inner
        self._whole: dict[int, Outcome] = {}
        """Outcomes of jobs that the inner sandbox was given untouched."""
        self._calls: list[list[CallOutcome | None]] = [[None] * len(job.calls) for job in jobs]
        self._open = 1
        """Things that must happen before the batch is done; one of them is `start`."""
        self._asked = 0
        """Jobs that the engine has."""
        self._lock = threading.Lock()

    def start(self, engine: Engine) -> None:
        """Gives every job to one of the two."""
        outside: list[int] = []
        questions: list[tuple[int, Question]] = []
        for index, job in enumerate(self._jobs):
            question = put_question(job)
            if question is None:
                outside.append(index)
            else:
                questions.append((index, question))
