"""A sandbox in front of another: the fast engine answers what it can, the inner sandbox everything else.

The engine is pydantic-monty, a Python interpreter in Rust. An error of it is never a verdict: it answers a call only when

- the program is inside the gate (`gate`, `node_rules`, `effects`): a part of Python in which it was compared with CPython,
- the arguments are plain (`engine`),
- no guard was touched while it ran (`guard`), and
- a plain value came back within the limits.

Every other call of the job goes to the inner sandbox, whose verdict stands. Importing this does not import pydantic-monty.

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

from ..core.errors import SandboxUnavailable
from ..core.stats import SandboxStats
from ..core.types import CallOutcome, CodeSandbox, Job, Outcome
from .engine import Engine, make_request


class MontySandbox(CodeSandbox):
    """A `CodeSandbox` that answers what it can by the fast engine and has another answer the rest. Thread-safe.

    Args:
        inner: Answers whatever the engine does not; closed together with this one.
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
        batch = _SharedBatch(jobs, self._inner)
        batch.future.add_done_callback(lambda future: self._count(future, batch.engine_calls))
        try:
            batch.start(engine)
        except BaseException:
            batch.future.cancel()
            raise
        return batch.future

    def stats(self) -> SandboxStats:
        """Counters of both; workers and queues are those of the inner sandbox."""
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


class _SharedBatch:
    """One call of `submit`: the answers so far, and how many are still to come from the engine and the inner sandbox."""

    def __init__(self, jobs: Sequence[Job], inner: CodeSandbox) -> None:
        self.future: Future[list[Outcome]] = Future()
        self.engine_calls = 0
        self._jobs = jobs
        self._inner = inner
        self._whole: dict[int, Outcome] = {}
        """Outcomes of jobs that went to the inner sandbox as they were, by the job's index."""
        self._calls: list[list[CallOutcome | None]] = [[None] * len(job.calls) for job in jobs]
        self._engine_futures: dict[int, Future[list[CallOutcome | None]]] = {}
        """By the job's index."""
        self._inner_futures: list[Future[list[Outcome]]] = []
        self._engine_pending = 0
        self._pending = 1
        """Arrivals still to come: `start`, the engine's answers, and the inner sandbox's; the last one settles the batch."""
        self._settled = False
        self._lock = threading.Lock()
        self.future.add_done_callback(self._drop_if_cancelled)

    def start(self, engine: Engine) -> None:
        """Sends each job to one of the two.

        Raises:
            SandboxUnavailable: One of them has been closed meanwhile.
        """
        outside: list[int] = []
        for index, job in enumerate(self._jobs):
            request = make_request(job)
            if request is None:
                outside.append(index)
            else:
                self._engine_futures[index] = engine.submit(request)
        self._engine_pending = len(self._engine_futures)
        self._pending += len(self._engine_futures)
        self._submit_inner(outside)
        for index, future in self._engine_futures.items():
            future.add_done_callback(partial(self._file, self._on_engine_answer, index))
        self._arrive()

    def _submit_inner(self, indices: list[int]) -> None:
        """Sends those jobs to the inner sandbox, without the calls that are answered."""
        if not indices or self._settled:
            return
        with self._lock:
            self._pending += 1
        future = self._inner.submit([self._unanswered(index) for index in indices])
        self._inner_futures.append(future)
        if self.future.cancelled():
            future.cancel()
        future.add_done_callback(partial(self._file, self._on_inner_answer, indices))

    def _unanswered(self, index: int) -> Job:
        """A job without the calls that are answered."""
        job = self._jobs[index]
        if index not in self._engine_futures:
            return job
        calls = zip(job.calls, self._calls[index], strict=True)
        return replace(job, calls=tuple(call for call, outcome in calls if outcome is None))

    def _file(self, handler: Callable[[Any, Any], None], where: Any, future: Future[Any]) -> None:
        """Files an answer of one of the two; an error of it, or of the filing, is the batch's."""
        try:
            if future.cancelled():
                raise SandboxUnavailable("The sandbox was closed while it was working.")
            handler(where, future.result())
        except Exception as error:
            self._fail(error)

    def _on_engine_answer(self, index: int, calls: list[CallOutcome | None]) -> None:
        self._calls[index] = calls
        with self._lock:
            self.engine_calls += sum(call is not None for call in calls)
            self._engine_pending -= 1
            is_last = self._engine_pending == 0
        if is_last:
            self._submit_inner([index for index in self._engine_futures if None in self._calls[index]])
        self._arrive()

    def _on_inner_answer(self, indices: list[int], outcomes: list[Outcome]) -> None:
        for index, outcome in zip(indices, outcomes, strict=True):
            if index not in self._engine_futures:
                self._whole[index] = outcome
                continue
            answers = iter(outcome.calls)
            self._calls[index] = [next(answers) if known is None else known for known in self._calls[index]]
        self._arrive()

    def _arrive(self) -> None:
        """Counts one arrival; the last one settles the batch."""
        with self._lock:
            self._pending -= 1
            if self._pending or self._settled:
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
            for pending in [*self._engine_futures.values(), *self._inner_futures]:
                pending.cancel()
