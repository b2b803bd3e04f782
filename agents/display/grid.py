"""The display of several runs side by side: a table of arms in a terminal, plain lines in a pipe."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..experiments.grid import CellState, GridState
from .lines import duration
from .live import BAR_WIDTH, STOPPING
from .tables import fitted, say_line, whole_words

STATUSES = ("done", "running", "failed", "waiting")
"""Columns of the table."""


class GridView:
    """Context manager and callback of a grid: `with GridView(console) as view: Grid(..., on_state=view).run()`.

    Args:
        console: Where to show; a live table if it is a terminal, else a line when a cell's stage begins, ends or fails.
        live: False forces plain lines.
    """

    def __init__(self, console: Console, *, live: bool = True) -> None:
        self.state = GridState()
        self._console = console
        self._said: dict[str, tuple[str, str]] = {}
        self._live = Live(self, console=console, refresh_per_second=2) if live and console.is_terminal else None

    def __call__(self, state: GridState) -> None:
        """Shows the state."""
        self.state = state
        if self._live is not None:
            return
        for one in state.cells:
            now = (one.status, one.stage)
            if one.status != "waiting" and self._said.get(one.cell.name) != now:
                known = one.cell.name in self._said or one.status == "running" or one.status == "failed"
                self._said[one.cell.name] = now
                if known:
                    say_line(self._console, f"{one.cell.name}: {said(one, state)}")
        if state.stopping:
            say_line(self._console, STOPPING)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The screen: how much is done, a row per arm, a line per cell that runs or failed."""
        state, width = self.state, options.max_width
        bar = Table.grid()  # a bar alone ends no line
        total = max(1, len(state.cells))
        bar.add_row(ProgressBar(total=total, completed=state.count("done"), width=min(width, BAR_WIDTH)))
        yield bar
        yield whole_words(summary(state), width)
        yield fitted(("arm", *STATUSES), arm_rows(state), width)
        for one in state.cells:
            if one.status == "running":
                yield whole_words(Text(f"{one.cell.name}: {said(one, state)}", style="cyan"), width)
        for one in state.cells:
            if one.status == "failed":
                yield whole_words(Text(f"{one.cell.name}: {said(one, state)}", style="bold red"), width)
        if state.stopping:
            yield whole_words(Text(STOPPING, style="bold"), width)


def summary(state: GridState) -> str:
    """`12 of 28 cells done, 2 running, about 40 min left`."""
    parts = [f"{state.count('done')} of {len(state.cells)} cells done"]
    parts += [f"{count} {status}" for status in ("running", "failed") if (count := state.count(status))]
    if state.left_s is not None:
        parts.append(f"about {duration(state.left_s)} left")
    return ", ".join(parts)


def arm_rows(state: GridState) -> list[list[str]]:
    """Cells of each arm by their status, as rows of a table."""
    arms: dict[str, list[CellState]] = {}
    for one in state.cells:
        arms.setdefault(one.cell.arm.name, []).append(one)
    return [
        [
            escape(name),
            *(str(sum(one.status == status for one in cells)) for status in STATUSES),
        ]
        for name, cells in arms.items()
    ]


def said(one: CellState, state: GridState) -> str:
    """What a cell does, or how it ended."""
    if one.status == "failed":
        return f"failed: {one.reason}"
    if one.status == "done":
        return f"done; {summary(state)}"
    if one.stage == "train":
        return f"step {one.step}/{state.steps}"
    return f"measuring {one.stage}"
