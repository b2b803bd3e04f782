"""The verdict cache: a call that was answered once is not run again, where it is proved that the answer cannot change.

So only programs whose calls cannot meet are remembered: what others answer may depend on the day, or on what ran before.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import astuple, replace

from .core.stats import SandboxStats
from .core.types import CallOutcome, CodeSandbox, Job, Outcome, Status
from .purity.proof import Purity, purity_of

_ENTRY_BYTES = 500  # key, outcome object and their places in the table; the texts come on top
_FORGOTTEN = frozenset({Status.TIMEOUT, Status.IDLE, Status.MEMORY, Status.WORKER_LOST, Status.FORBIDDEN})
"""Outcomes that also depend on the machine, or on the job as a whole: such calls run again."""


class CachingSandbox(CodeSandbox):
    """A `CodeSandbox` that remembers the outcomes of another one; the least recently used leave first.

    It lives no longer than the interpreter that answers, which is therefore part of every key. Jobs with and
    without a proof of determinism have different keys.

    Args:
        inner: Answers what is not remembered; closed together with this one.
        memory_mib: About how much the remembered outcomes may take.
    """

    def __init__(self, inner: CodeSandbox, memory_mib: float = 16) -> None:
        self.name = inner.name
        self.hash_seeds = inner.hash_seeds
        self.inner = inner
        self._limit_bytes = int(memory_mib * (1 << 20))
        self._known: OrderedDict[bytes, CallOutcome] = OrderedDict()
        self._used_bytes = 0
        self._hits = 0
        self._misses = 0
        self._lock = threading.Lock()

    def submit(self, jobs: Sequence[Job]) -> Future[list[Outcome]]:
        """A future of one outcome per job; only the calls that are not remembered go further."""
        keys = [_keys(job) for job in jobs]
        with self._lock:
            known = [[self._recall(key) for key in job_keys] for job_keys in keys]
        unanswered: dict[int, Job] = {}
        for index, (job, outcomes) in enumerate(zip(jobs, known, strict=True)):
            calls = tuple(call for call, outcome in zip(job.calls, outcomes, strict=True) if outcome is None)
            if calls or not job.calls:
                unanswered[index] = replace(job, calls=calls)
        inner = self.inner.submit(list(unanswered.values()))
        outer: Future[list[Outcome]] = Future()
        outer.add_done_callback(lambda future: inner.cancel() if future.cancelled() else None)

        def finish(done: Future[list[Outcome]]) -> None:
            if not outer.set_running_or_notify_cancel():
                return  # the caller has cancelled it, which is also the only way that `done` is cancelled
            if (error := done.exception()) is not None:
                outer.set_exception(error)
                return
            answers = dict(zip(unanswered, done.result(), strict=True))
            outer.set_result([self._merge(*row, answers.get(i)) for i, row in enumerate(zip(keys, known, strict=True))])

        inner.add_done_callback(finish)
        return outer

    def stats(self) -> SandboxStats:
        """Those of the inner sandbox, with the hits and misses of this one."""
        return replace(self.inner.stats(), cache_hits=self._hits, cache_misses=self._misses)

    @property
    def closed(self) -> bool:
        """Whether the inner sandbox can answer no more."""
        return bool(getattr(self.inner, "closed", False))

    def close(self) -> None:
        """Closes the inner sandbox."""
        self.inner.close()

    def _recall(self, key: bytes | None) -> CallOutcome | None:
        if key is None:
            return None
        outcome = self._known.get(key)
        if outcome is None:
            self._misses += 1
        else:
            self._hits += 1
            self._known.move_to_end(key)
        return outcome

    def _merge(self, keys: list[bytes | None], known: list[CallOutcome | None], answer: Outcome | None) -> Outcome:
        """Remembered and fresh outcomes of one job, in the order of its calls."""
        if answer is not None and not keys:
            return answer
        fresh = iter(answer.calls if answer is not None else ())
        calls: list[CallOutcome] = []
        with self._lock:
            for key, outcome in zip(keys, known, strict=True):
                if outcome is None:
                    outcome = next(fresh)
                    self._keep(key, outcome)
                calls.append(outcome)
        return Outcome.of(calls)

    def _keep(self, key: bytes | None, outcome: CallOutcome) -> None:
        if key is None or outcome.status in _FORGOTTEN or key in self._known:
            return
        self._known[key] = outcome
        self._used_bytes += _size(outcome)
        while self._used_bytes > self._limit_bytes:
            self._used_bytes -= _size(self._known.popitem(last=False)[1])


def _size(outcome: CallOutcome) -> int:
    return _ENTRY_BYTES + len(outcome.value or "") + len(outcome.error or "")


def _keys(job: Job) -> list[bytes | None]:
    """One key per call, over everything that its outcome depends on; None where that is not known."""
    if purity_of(job) is Purity.ALONE:
        return [None] * len(job.calls)
    shared = hashlib.blake2b(digest_size=16)
    for text in (job.program, job.entry_point, repr((*astuple(job.limits), job.determinism, job.packages))):
        data = text.encode("utf-8", "surrogatepass")
        shared.update(len(data).to_bytes(8, "little") + data)
    keys: list[bytes | None] = []
    for call in job.calls:
        state = shared.copy()
        state.update(call.encode("utf-8", "surrogatepass"))
        keys.append(state.digest())
    return keys
