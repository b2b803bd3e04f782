"""The log of a run: events to whoever listens, rows of numbers to its files and to the dashboards that mirror them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .events import Event, EventKind, OnEvent
from .rows import append_row
from .trackers import Tracker, numbers_of


class RunLog:
    """Emits the events of a run and writes its rows.

    Args:
        run_dir: Folder of the run.
        on_event: Called with every event.
    """

    def __init__(self, run_dir: Path, on_event: OnEvent) -> None:
        self.run_dir = run_dir
        self.trackers: list[Tracker] = []
        """Dashboards that are open."""
        self._on_event = on_event

    def emit(self, kind: EventKind, step: int, **data: Any) -> None:
        """Calls back with one event."""
        self._on_event(Event(kind=kind, step=step, data=data))

    def on_round(self, step: int, phase: str) -> Callable[[int, int], None]:
        """A callback that emits the rounds of a phase of a step."""
        return lambda finished, total: self.emit("round", step, finished=finished, total=total, phase=phase)

    def write(self, file: str, row: Mapping[str, Any], prefix: str = "") -> None:
        """Adds a row to one of the run's files and mirrors its numbers, under its `step`.

        Args:
            file: Its name.
            row: Numbers by name, and `step`.
            prefix: Of the numbers' names in dashboards.
        """
        append_row(self.run_dir / file, row)
        for tracker in self.trackers:
            tracker.log(row["step"], numbers_of(row, prefix))
