"""A sandbox in front of another: the fast engine answers what it can, the inner sandbox everything else.

The engine has no files, network or processes to offer, and its workers are separate processes with an empty environment;
but the kernel does not confine them as it does the inner sandbox's: a memory error of the engine would be an escape.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import SandboxUnavailable
from ..spec import CallOutcome, CodeSandbox, Job, Outcome
from ..stats import SandboxStats
from .engine import Engine, put_question


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
        self.hash_seeds = inner.hash_seeds
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
        try:
            batch.start(engine)
        except BaseException:
            batch.future.cancel()
            raise
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
            statuses = Counter(self._done.statuses) + Counter(
                call.status.value for outcome in outcomes for call in outcome.calls
            )
            self._done = SandboxStats(
                jobs=self._done.jobs + len(outcomes),
                statuses=statuses,
                engine_calls=self._done.engine_calls + engine_calls,
                busy_s=self._done.busy_s + (0.0 if self._in_flight else now - self._busy_since),
            )


class _Batch:
    """One call of `submit`: the calls that are answered, and who still has to speak about the others."""

    def __init__(self, jobs: Sequence[Job], inner: CodeSandbox) -> None:
        self.future: Future[list[Outcome]] = Future()
        self.engine_calls = 0
        self._jobs = jobs
        self._inner = inner
        self._whole: dict[int, Outcome] = {}
        self._calls: list[list[CallOutcome | None]] = [[None] * len(job.calls) for job in jobs]
        self._asked: dict[int, Future[list[CallOutcome | None]]] = {}
        self._inner_asked: list[Future[list[Outcome]]] = []
        self._engine_owes = 0
        self._owed = 1
        """What is still to come: `start`, the engine's answers, and the inner sandbox's; the last to come settles the batch."""
        self._settled = False
        self._lock = threading.Lock()
        self.future.add_done_callback(self._drop_if_cancelled)

    def start(self, engine: Engine) -> None:
        """Gives each job to one of the two.

        Raises:
            SandboxUnavailable: One of them has been closed meanwhile.
        """
        outside: list[int] = []
        for index, job in enumerate(self._jobs):
            question = put_question(job)
            if question is None:
                outside.append(index)
            else:
                self._asked[index] = engine.submit(question)
        self._engine_owes = len(self._asked)
        self._owed += len(self._asked)
        self._ask_inner(outside)
        for index, asked in self._asked.items():
            asked.add_done_callback(partial(self._guarded, self._engine_said, index))
        self._came()

    def _ask_inner(self, indices: list[int]) -> None:
        """Gives the inner sandbox those jobs, without the calls that are answered."""
        if not indices or self._settled:
            return
        with self._lock:
            self._owed += 1
        asked = self._inner.submit([self._rest(index) for index in indices])
        self._inner_asked.append(asked)
        if self.future.cancelled():
            asked.cancel()
        asked.add_done_callback(partial(self._guarded, self._inner_said, indices))

    def _rest(self, index: int) -> Job:
        job = self._jobs[index]
        if index not in self._asked:
            return job
        return replace(job, calls=tuple(c for c, known in zip(job.calls, self._calls[index], strict=True) if known is None))

    def _guarded(self, file: Callable[[Any, Any], None], place: Any, said: Future[Any]) -> None:
        """Files what one of the two said; an error of it, or of the filing, is the batch's."""
        try:
            if said.cancelled():
                raise SandboxUnavailable("The sandbox was closed while it was working.")
            file(place, said.result())
        except Exception as error:
            self._fail(error)

    def _engine_said(self, index: int, calls: list[CallOutcome | None]) -> None:
        self._calls[index] = calls
        with self._lock:
            self.engine_calls += sum(call is not None for call in calls)
            self._engine_owes -= 1
            last = self._engine_owes == 0
        if last:
            self._ask_inner([index for index in self._asked if None in self._calls[index]])
        self._came()

    def _inner_said(self, indices: list[int], outcomes: list[Outcome]) -> None:
        for index, outcome in zip(indices, outcomes, strict=True):
            if index not in self._asked:
                self._whole[index] = outcome
                continue
            answers = iter(outcome.calls)
            self._calls[index] = [next(answers) if known is None else known for known in self._calls[index]]
        self._came()

    def _came(self) -> None:
        """Counts one arrival; the last one settles the batch."""
        with self._lock:
            self._owed -= 1
            if self._owed or self._settled:
                return
            self._settled = True
        if self.future.set_running_or_notify_cancel():
            whole = self._whole
            answers = [[call for call in calls if call is not None] for calls in self._calls]
            self.future.set_result([whole.get(index) or Outcome.of(calls) for index, calls in enumerate(answers)])

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self._settled:
                return
            self._settled = True
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)

    def _drop_if_cancelled(self, future: Future[list[Outcome]]) -> None:
        if future.cancelled():
            self._settled = True
            for asked in [*self._asked.values(), *self._inner_asked]:
                asked.cancel()
