"""The results of an experiment, read from its folder: rows, measurements and models of every cell; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runs.folder import CHECKPOINTS, MODELS, checkpoints, step_in
from ..runs.rows import JsonRow, read_rows
from .cells import TRAIN, Cell, cells_of, measurements, read_measured
from .experiment import Experiment
from .folder import read_experiment
from .processes import COSTS
from .tuning import chosen_value


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """What is there of one cell, whether it is done or not."""

    arm: str
    seed: int
    value: float | None
    """Of the arm's tuning, for a run that this is chosen by; None of the arm's own runs."""
    folder: Path
    rows: tuple[JsonRow, ...]
    """Of `metrics.jsonl`, a step each. Where the run begins with another arm's model, the rows of that one stand before its
    own, whose steps go on from there; of `validation` and `models` likewise."""
    timings: tuple[JsonRow, ...]
    validation: tuple[JsonRow, ...]
    """Of `eval.jsonl`: the validation problems along the run."""
    measured: Mapping[str, Mapping[str, Any]]
    """Of the last model, by set of problems: a row as `selfplay eval --json` writes it."""
    models: Mapping[int, Path]
    """Folders of the models that are kept, by step; each holds `model/` with its weights."""
    costs: tuple[JsonRow, ...]
    """A row per process that ended: `stage`, `code`, `seconds`, `processor_s`."""

    @property
    def training_processor_s(self) -> float:
        """Processor seconds of its training."""
        return sum(float(row["processor_s"]) for row in self.costs if row["stage"] == TRAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """An experiment with what is there of it."""

    experiment: Experiment
    folder: Path
    cells: tuple[CellResult, ...]
    """The arms' own, in the order of arms and seeds; those of which nothing is there are left out."""
    tuning: tuple[CellResult, ...]
    """Those that settings were chosen by."""
    chosen: Mapping[str, float]
    """Values of settings that were chosen, by arm."""

    def arm(self, name: str) -> list[CellResult]:
        """The cells of an arm, by seed."""
        return [cell for cell in self.cells if cell.arm == name]


def load_results(folder: Path) -> Results:
    """Everything that an experiment's folder holds; an unfinished one has fewer cells, or cells with less in them.

    Raises:
        UsageError: The folder holds no experiment.
    """
    experiment = read_experiment(folder)
    cells = sorted(cells_of(experiment), key=lambda cell: [arm.name for arm in experiment.arms].index(cell.arm.name))
    there = [_read(experiment, cell, folder) for cell in cells if (folder / cell.name).is_dir()]
    chosen = {arm.name: value for arm in experiment.arms if (value := chosen_value(experiment, arm, folder)) is not None}
    return Results(
        experiment=experiment,
        folder=folder,
        cells=tuple(cell for cell in there if cell.value is None),
        tuning=tuple(cell for cell in there if cell.value is not None),
        chosen=chosen,
    )


def _read(experiment: Experiment, cell: Cell, out: Path) -> CellResult:
    folder, start = out / cell.name, cell.arm.start
    before = out / Cell(experiment.arm(start.arm), cell.seed).name if start is not None else None
    own = cell.arm.config.steps if cell.arm.config is not None else 0
    models = _models(folder, own)
    if start is not None and before is not None:
        earlier = _models(before, start.step)
        models = {step: path for step, path in earlier.items() if step <= start.step} | {
            start.step + step: path for step, path in models.items()
        }

    def rows(name: str) -> tuple[JsonRow, ...]:
        found = read_rows(folder / name)
        if start is None or before is None:
            return tuple(found)
        earlier = [row for row in read_rows(before / name) if int(row["step"]) <= start.step]
        return (*earlier, *({**row, "step": int(row["step"]) + start.step} for row in found))

    return CellResult(
        arm=cell.arm.name,
        seed=cell.seed,
        value=cell.value,
        folder=folder,
        rows=rows("metrics.jsonl"),
        timings=rows("timings.jsonl"),
        validation=rows("eval.jsonl"),
        measured=_measured(experiment, cell, folder),
        models=models,
        costs=tuple(read_rows(folder / COSTS)),
    )


def _measured(experiment: Experiment, cell: Cell, folder: Path) -> dict[str, Mapping[str, Any]]:
    rows = {problems.name: read_measured(folder, problems.name) for problems in measurements(experiment, cell)}
    return {name: of_set[-1] for name, of_set in rows.items() if of_set}


def _models(folder: Path, steps: int) -> dict[int, Path]:
    """Kept models, and the checkpoint of the last of all steps where its model was not kept; others go as a run goes on."""
    last = [path for path in checkpoints(folder / CHECKPOINTS) if step_in(path) == steps]
    return dict(sorted((step_in(path), path) for path in (*last, *checkpoints(folder / MODELS))))
