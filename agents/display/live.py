"""The display of a run that trains: a live screen in a terminal, plain lines in a pipe, both fed by `runs.events`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sandboxes import SandboxStats

from ..runs.events import Event
from .lines import (
    duration,
    group_table,
    recent_proposals,
    sandbox_line,
    score_line,
    shortened,
    stage_line,
    summary_line,
    void_counts,
    void_line,
)
from .tables import say_line, whole_words

RECENT_STEPS = 10
"""Steps whose mean duration the time left is estimated from."""
BAR_WIDTH = 40
"""Columns of the bar that shows how much is done, where there is room."""
STOPPING = "Stopping, and saving what is finished; Ctrl-C again leaves at once, without saving."


class RunView:
    """Everything known about a run so far, fed by events.

    Args:
        clock: Seconds of a monotonic clock.
        stats: Returns the sandbox's counts so far; called each time the screen is drawn.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, stats: Callable[[], SandboxStats] = SandboxStats) -> None:
        self._clock = clock
        self._stats = stats
        self.step = 0
        self.steps = 0
        self.phase = "starting"
        self.rounds = (0, 0)
        self.backend = ""
        self.title = ""
        self.metrics: Mapping[str, Any] = {}
        self.timings: Mapping[str, float] = {}
        self.void: Counter[str] = Counter()
        """Messages that were charged to nobody so far, by reason."""
        self.scores: list[Mapping[str, Any]] = []
        self.proposals: list[str] = []
        self.notice = ""
        """The last thing that a person should know."""
        self._started = clock()
        self._phase_started = self._started
        self._durations: list[float] = []
        self._step_started = self._started

    def update(self, event: Event) -> None:
        """Takes in one event."""
        match event.kind:
            case "start":
                self._on_start(event)
            case "round":
                self._enter("evaluating" if event.data["phase"] == "evaluate" else "collecting")
                self.rounds = (int(event.data["finished"]), int(event.data["total"]))
            case "collected":
                self.proposals = recent_proposals(event.data["episodes"]) or self.proposals
                self._enter("updating weights")
            case "updated":
                self._enter("evaluating, checkpointing")
            case "evaluated":
                self._on_evaluated(event)
            case "step":
                self._on_step(event)
            case "notice":
                self.notice = str(event.data["sentence"])
            case "interrupted":
                self.notice = STOPPING
            case "end":
                self._enter("done")
            case "checkpoint":
                pass

    def _on_start(self, event: Event) -> None:
        data = event.data
        self.step, self.steps = int(data["resumed_from"]), int(data["steps"])
        config = data["config"]
        self.title = f"{config['model']} ({data['parameters']:,} parameters), {config['algorithm']}, seed {config['seed']}"
        self._step_started = self._clock()
        evaluation = config["evaluation"]
        measured_first = not self.step and evaluation["tasks"] != "none" and evaluation["before"]
        self._enter("evaluating" if measured_first else "collecting")

    def _on_evaluated(self, event: Event) -> None:
        self.scores.append(event.data["scores"])
        if event.step == 0:
            self._step_started = self._clock()
        self._enter("collecting")

    def _on_step(self, event: Event) -> None:
        self.step, self.metrics, self.timings = event.step, event.data["metrics"], event.data["timings"]
        self.void += void_counts(self.metrics)
        now = self._clock()
        self._durations = [*self._durations, now - self._step_started][-RECENT_STEPS:]
        self._step_started = now
        self._enter("collecting")

    def _enter(self, phase: str) -> None:
        if phase != self.phase:
            self.phase, self._phase_started, self.rounds = phase, self._clock(), (0, 0)

    def sandbox_stats(self) -> SandboxStats:
        """The sandbox's counts so far."""
        return self._stats()

    @property
    def left_s(self) -> float | None:
        """Estimated seconds until the last step is done; None before the first step and after the last."""
        if not self._durations or self.step >= self.steps:
            return None
        return (self.steps - self.step) * sum(self._durations) / len(self._durations)

    def progress_line(self) -> str:
        """`step 3/60, about 2 min left; collecting 12/48, 3 s`."""
        left = "" if self.left_s is None else f", about {duration(self.left_s)} left"
        if self.phase == "done":
            return f"step {self.step}/{self.steps}, done in {duration(self._clock() - self._started)}"
        finished, total = self.rounds
        rounds = f" {finished}/{total} episodes" if total else ""
        return f"step {self.step}/{self.steps}{left}; {self.phase}{rounds}, {duration(self._clock() - self._phase_started)}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The screen: progress, a row per role and task type, seconds per stage, held-out scores, last proposals."""
        width = options.max_width
        title = Text.assemble((self.title, "bold"), "  sandbox ", (self.backend, "bold"))
        yield whole_words(title, width)
        bar = Table.grid()  # a bar alone ends no line
        bar.add_row(ProgressBar(total=max(self.steps, 1), completed=self.step, width=min(width, BAR_WIDTH)))
        yield bar
        yield whole_words(self.progress_line(), width)
        if self.metrics:
            yield group_table(self.metrics, width)
            yield whole_words(stage_line(self.timings), width)
        if (stats := self.sandbox_stats()).jobs:
            yield whole_words(sandbox_line(stats), width)
        if self.void:
            yield whole_words(Text(void_line(self.void), style="bold red"), width)
        if self.notice:
            yield whole_words(Text(self.notice, style="bold"), width)
        for scores in self.scores[-2:]:
            yield whole_words(score_line(scores), width)
        if self.proposals:
            yield "last proposals:"
            yield from (shortened(Text(line, style="cyan"), width) for line in self.proposals)


class LiveView:
    """Context manager and callback of a run: `with LiveView(console, backend) as view: train(config, folder, view)`.

    Args:
        console: Where to show; a live screen if it is a terminal, else one line per step.
        backend: Name of the sandbox that answers.
        live: False forces plain lines.
        stats: Returns the sandbox's counts so far.
    """

    def __init__(
        self, console: Console, backend: str, *, live: bool = True, stats: Callable[[], SandboxStats] = SandboxStats
    ) -> None:
        self.view = RunView(stats=stats)
        self.view.backend = backend
        self._console = console
        self._live = Live(self.view, console=console, refresh_per_second=4) if live and console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Shows one event."""
        self.view.update(event)
        if self._live is None:
            for line in plain_lines(event, self.view):
                say_line(self._console, line)


def plain_lines(event: Event, view: RunView) -> list[str]:
    """Lines of a pipe for one event."""
    if event.kind == "start":
        resumed = f", resumed after step {view.step}" if view.step else ""
        return [f"{view.title}; {view.steps} steps{resumed}; sandbox {view.backend}"]
    if event.kind in ("notice", "interrupted"):
        return [view.notice]
    if event.kind == "evaluated":
        return [score_line(event.data["scores"])]
    if event.kind == "step":
        left = "" if view.left_s is None else f", about {duration(view.left_s)} left"
        return [f"step {view.step}/{view.steps}{left} | {summary_line(view.metrics)} | {stage_line(view.timings)}"]
    if event.kind == "end" and (stats := view.sandbox_stats()).jobs:
        return [sandbox_line(stats), *([void_line(view.void)] if view.void else [])]
    return []
