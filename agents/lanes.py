"""Lanes: groups of episodes that play in threads of their own, so that one lane's programs run while another lane speaks.

Where a sampler says that it has several workers, so many lanes speak side by side, on one core each; else one at a time.

What a lane computes depends on the lane alone, never on which thread was faster. Whoever waits hears of progress in his own
thread, so a listener needs no locks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from sandboxes import CodeSandbox
from selfplay_envs import Referee, Verdict
from selfplay_envs.game import Judge, JudgeItem, Score
from selfplay_envs.referee import Answered

T = TypeVar("T")
OnRound = Callable[[int, int], None]


class LaneStopped(Exception):
    """Ends a lane whose sibling failed, or whose caller has gone; never seen outside."""


class Gate:
    """What the lanes of a run share: places in front of all that computes with a model, a lock for opening handlers, the clock.

    Args:
        places: Lanes that may speak at a time.
    """

    def __init__(self, places: int = 1) -> None:
        self.places = places
        self.speaking = threading.Semaphore(places)
        self.opening = threading.Lock()
        self.seconds: dict[str, float] = {"generate_s": 0.0, "verify_s": 0.0}
        """In which some lane was in a sampler, and in judging games, sandbox and judges included. Lanes overlap, so that the
        two may add up to more than the clock on the wall."""
        self._inside: dict[str, int] = dict.fromkeys(self.seconds, 0)
        self._since: dict[str, float] = {}
        self._counting = threading.Lock()
        self._gathering = threading.Lock()

    @contextmanager
    def alone(self) -> Generator[None]:
        """Inside, nobody speaks."""
        with self._gathering:  # two who gathered at once would hold some of the places each, for ever
            for _ in range(self.places):
                self.speaking.acquire()
        try:
            yield
        finally:
            self.speaking.release(self.places)

    @contextmanager
    def clock(self, stage: str) -> Generator[None]:
        """Counts the seconds inside, once for all lanes that are inside together."""
        with self._counting:
            if not self._inside[stage]:
                self._since[stage] = time.perf_counter()
            self._inside[stage] += 1
        try:
            yield
        finally:
            with self._counting:
                self._inside[stage] -= 1
                if not self._inside[stage]:
                    self.seconds[stage] += time.perf_counter() - self._since[stage]


class Lane:
    """What a lane's work is given to speak to the flight it belongs to."""

    def __init__(self, number: int, stopping: threading.Event, reports: SimpleQueue[tuple[int, int] | None]) -> None:
        self._number = number
        self._stopping = stopping
        self._reports = reports

    def check(self) -> None:
        """Raises `LaneStopped` where this lane is no longer wanted."""
        if self._stopping.is_set():
            raise LaneStopped

    def report(self, finished: int) -> None:
        """Tells how many episodes are over; raises as `check` does."""
        self.check()
        self._reports.put((self._number, finished))


class Flight(Generic[T]):
    """Work on its way in one thread per lane; `wait` hands over the results.

    Args:
        works: One per lane; each is given its `Lane`, to check and report between its rounds.
        total: Episodes of all lanes, for progress.
    """

    def __init__(self, works: Sequence[Callable[[Lane], T]], total: int) -> None:
        self._total = total
        self._results: list[T | None] = [None] * len(works)
        self._error: BaseException | None = None
        self._failing = threading.Lock()
        self._stopping = threading.Event()
        self._reports: SimpleQueue[tuple[int, int] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, args=(number, work), name=f"lane-{number}", daemon=True)
            for number, work in enumerate(works)
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, on_round: OnRound | None = None) -> list[T]:
        """The results in the order of the lanes.

        Args:
            on_round: Told (finished, total) in the caller's thread, also what happened before `wait` was called.

        Raises:
            BaseException: What the first lane that failed raised, with its own traceback; the others have ended by then.
        """
        finished = [0] * len(self._threads)
        running = len(self._threads)
        try:
            while running:
                report = self._reports.get()
                if report is None:
                    running -= 1
                elif on_round is not None and not self._stopping.is_set():
                    finished[report[0]] = report[1]
                    on_round(sum(finished), self._total)
        finally:
            self.stop()
        if self._error is not None:
            raise self._error
        return [result for result in self._results if result is not None]

    def stop(self) -> None:
        """Ends the lanes after the round that they are in; does nothing to lanes that are done."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int, work: Callable[[Lane], T]) -> None:
        try:
            self._results[number] = work(Lane(number, self._stopping, self._reports))
        except LaneStopped:
            pass
        except BaseException as error:  # raised again by `wait`
            with self._failing:
                self._error = self._error or error
            self._stopping.set()
        finally:
            self._reports.put(None)


class LaneReferee(Referee):
    """A lane's way to the run's referee: handlers are opened once, all judges that may hold a model wait at the gate.

    Sandboxes take batches from several threads at once. Of a judge that is not known: it may compute with the very model that
    another lane is speaking through. A judge that may be asked at any time says so by an attribute `concurrent = True`.
    """

    def __init__(self, referee: Referee, gate: Gate) -> None:
        super().__init__(reserved=referee.reserved, strict=referee.strict)
        self.faults = referee.faults
        self._referee = referee
        self._gate = gate

    @property
    def sandbox(self) -> CodeSandbox:
        """The run's sandbox."""
        with self._gate.opening:
            return self._referee.sandbox

    @property
    def judge(self) -> Judge:
        """The run's judge, behind the gate unless it is `concurrent`."""
        with self._gate.opening:
            judge = self._referee.judge
        return self._behind_gate(judge)

    def judge_named(self, name: str) -> Judge:
        """A judge that is bound to the run, or registered, in the same way."""
        with self._gate.opening:
            judge = self._referee.judge_named(name)
        return self._behind_gate(judge)

    @property
    def backend(self) -> dict[str, str]:
        """Names of what the run's referee really used."""
        return self._referee.backend

    def check_judges(self, names: Iterable[str]) -> None:
        """As the run's referee checks."""
        with self._gate.opening:
            self._referee.check_judges(names)

    def _behind_gate(self, judge: Judge) -> Judge:
        return judge if getattr(judge, "concurrent", False) else _GatedJudge(judge, self._gate)

    def answer(
        self, generators: Sequence[Generator[list[Any], list[Any], T]], otherwise: Callable[[str], Any] = Verdict.nothing
    ) -> list[Answered[T]]:
        """As the referee answers, with its seconds counted."""
        with self._gate.clock("verify_s"):
            return super().answer(generators, otherwise)


class _GatedJudge:
    """A judge that is asked only while no lane speaks."""

    def __init__(self, judge: Judge, gate: Gate) -> None:
        self._judge = judge
        self._gate = gate

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """One score per item, in order."""
        with self._gate.alone():
            return self._judge.score(items)
