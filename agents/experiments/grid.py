"""Cells side by side: each stage a process of its own, started where a killed grid had got to; and how far all are."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .cells import TRAIN, Cell, Stage, finish_stage, needs, next_stage, prepare_stage, stages_of, start_model, weight_of
from .experiment import Experiment
from .processes import Ended, StageProcess, is_free, last_line, step_of
from .tuning import chosen_value

POLL_S = 0.2
LOCK_WAIT_S = 60.0
"""How long a cell waits for a process of a killed grid that saves its state; then its own says that the folder is in use."""
GIVE_UP_S = 120.0
"""Seconds for the processes of an interrupted grid to save their state, before they are killed."""
Status = Literal["waiting", "running", "done", "failed"]


@dataclass(slots=True)
class CellState:
    """How far a cell is."""

    cell: Cell
    status: Status = "waiting"
    stage: str = ""
    """Under way."""
    step: int = 0
    """Of its run, while that is under way."""
    reason: str = ""
    """Why it failed: what its process said last."""
    left: float = 0.0
    """Weight of its stages that are not done."""
    waits_since: float | None = None
    """When it first found its folder in use."""


@dataclass(slots=True)
class GridState:
    """How far all cells are; given to whoever shows it, whenever something changes and now and then."""

    cells: list[CellState] = field(default_factory=list[CellState])
    steps: int = 0
    """Of every run."""
    jobs: int = 1
    began: float = 0.0
    now: float = 0.0
    done_before: int = 0
    """Cells that were done when this grid began."""
    weight_done: float = 0.0
    """Of what was done since it began."""
    stopping: bool = False
    killed: int = 0
    """Processes of an interrupted grid that were killed before they had saved their state."""

    def count(self, status: Status) -> int:
        """Cells of a status."""
        return sum(one.status == status for one in self.cells)

    @property
    def left_s(self) -> float | None:
        """Estimated seconds until all cells are done; None where nothing was done yet, or nothing is left."""
        left = sum(one.left for one in self.cells if one.status != "failed")
        if self.weight_done <= 0 or left <= 0:
            return None
        return left * (self.now - self.began) / self.weight_done


OnState = Callable[[GridState], None]


class Grid:
    """Runs the cells of an experiment.

    Args:
        experiment: It.
        cells: Those to run, in their order.
        out: Folder of the experiment.
        jobs: Cells side by side.
        threads: Of each.
        on_state: Called with the state of all.
        clock: Seconds of a monotonic clock.
    """

    def __init__(
        self,
        experiment: Experiment,
        cells: Sequence[Cell],
        out: Path,
        *,
        jobs: int,
        threads: int,
        on_state: OnState = lambda state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.experiment, self.out, self.threads = experiment, out, threads
        self._on_state, self._clock = on_state, clock
        self._running: dict[str, tuple[CellState, Stage, StageProcess]] = {}
        self._cells = list(cells)
        self.state = GridState(
            cells=[CellState(cell) for cell in cells], steps=experiment.budget.steps, jobs=jobs, began=clock(), now=clock()
        )
        for one in self.state.cells:
            self._look(one)
        self.state.done_before = self.state.count("done")

    def run(self) -> GridState:
        """Runs all cells to their ends; a cell that fails stops no other.

        Raises:
            KeyboardInterrupt: It was interrupted; every run under way has saved its state by then.
        """
        try:
            while True:
                self._reap()
                self._start()
                self._tell()
                if not self._running and not any(self._may_start(one) for one in self.state.cells):
                    return self.state
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            self.state.stopping = True
            self._tell()
            self._stop()
            raise
        except BaseException:
            self._stop()
            raise

    def _look(self, one: CellState) -> Stage | None:
        """What the cell does next, as its folder tells; sets its status where it is done or cannot be."""
        before = needs(one.cell, self._cells)
        states = {id(other.cell): other for other in self.state.cells}
        if any(states[id(cell)].status == "failed" for cell in before):
            one.status, one.reason = "failed", f"{before[0].name}, without which it cannot begin, failed"
            return None
        chosen, tuning = self._chosen(one.cell), one.cell.arm.tuning
        unchosen = tuning is not None and one.cell.value is None and chosen is None
        if unchosen or (one.cell.arm.start is not None and start_model(one.cell, self.out) is None):
            one.left = sum(weight_of(self.experiment, one.cell, name) for name in stages_of(self.experiment, one.cell))
            return None
        stage = next_stage(self.experiment, one.cell, self.out, chosen)
        one.left = self._left(one.cell, stage)
        if stage is None:
            one.status = "done"
        return stage

    def _chosen(self, cell: Cell) -> float | None:
        """The value of its arm's tuning; None where there is none, or none yet, or the cell is one that it is chosen by."""
        return chosen_value(self.experiment, cell.arm, self.out) if cell.value is None else None

    def _left(self, cell: Cell, stage: Stage | None) -> float:
        """Weight of a stage and of those behind it."""
        names = stages_of(self.experiment, cell)
        behind = names[names.index(stage.name) :] if stage is not None else []
        done = step_of(self.out / cell.name, cell.arm.config) if stage is not None and stage.name == TRAIN else 0
        return sum(weight_of(self.experiment, cell, name) for name in behind) - done

    def _may_start(self, one: CellState) -> bool:
        """Whether the cell waits, and for nothing but its turn."""
        return one.status == "waiting" and self._look(one) is not None

    def _start(self) -> None:
        """Starts stages while there is room; a folder in use is passed over for a while."""
        for one in self.state.cells:
            if len(self._running) >= self.state.jobs:
                return
            if one.status != "waiting":
                continue
            stage = self._look(one)
            if stage is None:
                continue
            folder = self.out / one.cell.name
            if not is_free(folder):
                one.waits_since = one.waits_since or self._clock()
                if self._clock() - one.waits_since < LOCK_WAIT_S:
                    continue
            one.waits_since = None
            self._begin(one, stage)

    def _begin(self, one: CellState, stage: Stage) -> None:
        one.status, one.stage = "running", stage.name
        one.step = step_of(self.out / one.cell.name, one.cell.arm.config)
        prepare_stage(self.out, one.cell, stage, self._chosen(one.cell))
        process = StageProcess(self.out / one.cell.name, stage.name, stage.args, self.threads)
        self._running[one.cell.name] = (one, stage, process)

    def _reap(self) -> None:
        """Takes in what ended; a cell whose stage went well goes on with its next one at once."""
        for name, (one, stage, process) in list(self._running.items()):
            ended = process.ended()
            if ended is None:
                self._advance(one, stage)
                continue
            del self._running[name]
            self._finish(one, stage, ended)

    def _finish(self, one: CellState, stage: Stage, ended: Ended) -> None:
        folder = self.out / one.cell.name
        if ended.code:
            one.status, one.reason = "failed", last_line(folder) or f"exit code {ended.code}"
            return
        finish_stage(folder, stage)
        before, one.status = one.left, "waiting"
        further = self._look(one)
        self.state.weight_done += max(0.0, before - one.left)
        if further is not None and further.name == stage.name:
            one.status, one.reason = "failed", f"{stage.name} ended well and left nothing; see {folder}"
        elif further is not None:
            self._begin(one, further)

    def _advance(self, one: CellState, stage: Stage) -> None:
        """Takes in the steps that a run under way has made."""
        if stage.name == TRAIN:
            step = step_of(self.out / one.cell.name, one.cell.arm.config)
            self.state.weight_done += max(0, step - one.step)
            one.left -= max(0, step - one.step)
            one.step = max(step, one.step)

    def _tell(self) -> None:
        self.state.now = self._clock()
        self._on_state(self.state)

    def _stop(self) -> None:
        """Ends what runs, first politely; a second interrupt ends it at once."""
        for _, _, process in self._running.values():
            process.stop()
        deadline = time.monotonic() + GIVE_UP_S
        try:
            while self._running and time.monotonic() < deadline:
                self._drop_ended()
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            pass
        self.state.killed = len(self._running)
        for _, _, process in self._running.values():
            process.stop(signal.SIGKILL)
        while self._running:
            self._drop_ended()
            time.sleep(POLL_S)

    def _drop_ended(self) -> None:
        for name in [name for name, (_, _, process) in self._running.items() if process.ended() is not None]:
            del self._running[name]
