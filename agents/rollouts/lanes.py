"""Lanes: groups of episodes that play in threads of their own, so that one lane's programs run while another lane samples.

Where a sampler says that it has several workers, so many lanes sample side by side, on one core each; else one at a time.

A lane's result depends on the lane alone, never on which thread was faster. Progress callbacks run in the thread that waits,
so they need no locks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
OnRound = Callable[[int, int], None]


class LaneStopped(Exception):
    """Ends a lane whose sibling failed, or whose caller has gone; never seen outside."""


class Gate:
    """Places in front of all that computes with a model, and the clock: shared by the lanes of a run.

    Args:
        places: Lanes that may sample at a time.
    """

    def __init__(self, places: int = 1) -> None:
        self.places = places
        self.sampling = threading.Semaphore(places)
        self.seconds: dict[str, float] = {"generate_s": 0.0, "verify_s": 0.0}
        """In which some lane was in a sampler, and in judging games, sandbox and judges included. Lanes overlap, so that the
        two may add up to more than the clock on the wall."""
        self._inside: dict[str, int] = dict.fromkeys(self.seconds, 0)
        self._since: dict[str, float] = {}
        self._counting = threading.Lock()
        self._gathering = threading.Lock()

    @contextmanager
    def alone(self) -> Generator[None]:
        """Opens a block in which no lane samples."""
        with self._gathering:  # two threads that gathered at once would hold some of the places each, for ever
            for _ in range(self.places):
                self.sampling.acquire()
        try:
            yield
        finally:
            self.sampling.release(self.places)

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
    """A lane as its work sees it: to check whether to go on, and to report."""

    def __init__(self, number: int, stopping: threading.Event, reports: SimpleQueue[tuple[int, int] | None]) -> None:
        self._number = number
        self._stopping = stopping
        self._reports = reports

    def check(self) -> None:
        """Raises `LaneStopped` where this lane is to end."""
        if self._stopping.is_set():
            raise LaneStopped

    def report(self, finished: int) -> None:
        """Reports how many episodes are over; raises as `check` does."""
        self.check()
        self._reports.put((self._number, finished))


class RunningLanes(Generic[T]):
    """Work under way in one thread per lane; `wait` returns the results.

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
            on_round: Called with (finished, total) in the caller's thread, also for rounds before `wait` was called.

        Raises:
            BaseException: The error of the first lane that failed, with its own traceback; the others have ended by then.
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
