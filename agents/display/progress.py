"""How far a long piece of work is, and how long it goes on: a bar in a terminal, a line now and then in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .lines import duration
from .tables import say_line

FIRST_LINE_S, LINE_EVERY_S = 2.0, 20.0
"""Seconds before the first line in a pipe, and between lines."""


class WorkProgress:
    """Counts what is done of a known number of things; a context manager.

    The time left is that of what is newly done: what was found done already says nothing of it.

    Args:
        console: Where it is shown.
        what: What is under way, such as `tiny`.
        total: Number of things.
        unit: Their name, in the plural.
        clock: Seconds of a monotonic clock.
    """

    def __init__(self, console: Console, what: str, total: int, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._what, self.total, self._unit, self._clock = console, what, total, unit, clock
        self.done = self.new = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(30),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(what, total=total, said=self.said)
        self._began = self._printed = clock()

    @property
    def said(self) -> str:
        """`200 of 800 answers, about 3 min left`."""
        counts = f"{min(self.done, self.total):,} of {self.total:,} {self._unit}"
        if not self.new or self.done >= self.total:
            return counts
        left = (self.total - self.done) * (self._clock() - self._began) / self.new
        return f"{counts}, about {duration(left)} left"

    def add(self, found: int, new: int) -> None:
        """Counts things that were done already, and things that have just been done."""
        self.done, self.new = self.done + found + new, self.new + new
        self._bar.update(self._task, completed=min(self.done, self.total), said=self.said)
        if self.done >= self.total:
            return
        now, wait = self._clock(), FIRST_LINE_S if self._printed == self._began else LINE_EVERY_S
        if not self._console.is_terminal and now - self._printed >= wait:
            self._printed = now
            say_line(self._console, f"{self._what}: {self.said}")

    def __enter__(self) -> Self:
        """Shows the bar."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Takes the bar away."""
        self._bar.stop()
