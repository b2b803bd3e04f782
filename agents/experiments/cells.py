"""The cells of an experiment, one for each arm and seed: their folders, and what is left to do in each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..config.run import TrainConfig
from ..config.toml_file import to_toml
from ..core.files import write_whole
from ..runs.folder import CHECKPOINTS, MODELS, checkpoints, saved_step, step_in
from .arm import Arm
from .experiment import Experiment
from .measure import ProblemSet

MEASURED, REPLIES = "measured", "replies"
"""In a cell's folder: what was measured, and the answers of a measurement under way."""
SETTINGS = "settings.toml"
TRAIN = "train"
ANSWERS_PER_STEP = 1_000
"""Answers that take about as long as a training step; for the estimate of the time left alone."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of an arm and what is measured of it; with a value of the arm's tuning, one of the runs that it is chosen by."""

    arm: Arm
    seed: int
    value: float | None = None

    @property
    def name(self) -> str:
        """`sft/seed-3`, or `sft-tuned/tuning-0.001`; its folder inside that of the experiment."""
        return f"{self.arm.name}/" + (f"seed-{self.seed}" if self.value is None else f"tuning-{self.value:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A command of a cell: its training, or a measurement."""

    name: str
    args: tuple[str, ...]
    """Of the program."""
    weight: float
    """About how long it takes, in training steps."""


def cells_of(experiment: Experiment, only: Collection[str] = ()) -> list[Cell]:
    """All cells: what settings are chosen by first, then every arm with its first seed, with its second, and so on.

    Args:
        experiment: It.
        only: Names of arms; empty: all.
    """
    arms = [arm for arm in experiment.arms if not only or arm.name in only]
    tuned = [Cell(arm, arm.tuning.seed, value) for arm in arms if arm.tuning for value in arm.tuning.values]
    most = max((len(arm.seeds) for arm in arms), default=0)
    return tuned + [Cell(arm, arm.seeds[place]) for place in range(most) for arm in arms if place < len(arm.seeds)]


def needs(cell: Cell, cells: Sequence[Cell]) -> list[Cell]:
    """The cells without which this one cannot begin: those that its setting is chosen by, or the one whose model it takes."""
    if cell.arm.start is not None:
        return [other for other in cells if (other.arm.name, other.seed) == (cell.arm.start.arm, cell.seed)]
    if cell.arm.tuning is None or cell.value is not None:
        return []
    return [other for other in cells if other.arm == cell.arm and other.value is not None]


def with_starts(experiment: Experiment, names: Collection[str]) -> tuple[str, ...]:
    """Names of arms, and of those whose models they begin with."""
    starts = (arm.start.arm for arm in experiment.arms if arm.name in names and arm.start is not None)
    return tuple(dict.fromkeys((*names, *starts)))


def start_model(cell: Cell, out: Path) -> Path | None:
    """The folder of the model that a cell of an arm with a start begins with; None where it is not there yet.

    It is among the models that the other arm's run keeps, or, after the last of its steps, its checkpoint.
    """
    assert cell.arm.start is not None
    folder = out / cell.arm.start.arm / f"seed-{cell.seed}"
    kept = [path for place in (MODELS, CHECKPOINTS) for path in checkpoints(folder / place)]
    return next((path for path in kept if step_in(path) == cell.arm.start.step), None)


def config_of(cell: Cell, out: Path, chosen: float | None = None) -> TrainConfig | None:
    """The cell's run; None where nothing trains.

    Args:
        cell: It.
        out: Folder of the experiment.
        chosen: The value of its arm's tuning, where it has one and the cell is none of those that it is chosen by.
    """
    config, value = cell.arm.config, cell.value if cell.value is not None else chosen
    if config is None:
        return None
    config = replace(config, seed=cell.seed)
    if cell.arm.start is not None:
        return replace(config, model=str(start_model(cell, out)))
    if cell.arm.tuning is None:
        return config
    assert value is not None  # a tuned cell waits for its value
    return replace(config, learner=replace(config.learner, lr=value))


def next_stage(experiment: Experiment, cell: Cell, out: Path, chosen: float | None = None) -> Stage | None:
    """What the cell does next; None where it is done.

    Args:
        experiment: It.
        cell: One of its cells.
        out: Folder of the experiment.
        chosen: As of `config_of`.
    """
    folder, config = out / cell.name, cell.arm.config
    if config is not None and saved_step(folder) < config.steps:
        return _training(folder, config)
    for problems in measurements(experiment, cell):
        if not (folder / MEASURED / f"{problems.name}.json").is_file():
            model = str(_last_model(folder)) if config is not None else experiment.model
            asked = {
                "--tasks": problems.tasks,
                "--limit": problems.limit,
                "--samples": problems.samples,
                **({"--judge": problems.judge} if problems.judge else {}),
                **({"--against": experiment.model} if problems.against_start else {}),
                **_options(experiment, cell, folder, problems.name, chosen),
            }
            flags = (str(word) for pair in asked.items() for word in pair)
            return Stage(name=problems.name, args=("eval", model, *flags), weight=weight_of(experiment, cell, problems.name))
    return None


def measurements(experiment: Experiment, cell: Cell) -> list[ProblemSet]:
    """Everything that is measured of a cell's last model; runs measure the validation problems on their way.

    What is compared with the experiment's model is compared of trained models alone: each comparison holds that model's
    with itself.
    """
    measure, untrained = experiment.measure, cell.arm.config is None
    if cell.value is not None:
        return [measure.validation]
    sets = [*measure.sets, *([measure.style] if measure.style else []), *([measure.validation] if untrained else [])]
    return [problems for problems in sets if not (untrained and problems.against_start)]


def weight_of(experiment: Experiment, cell: Cell, name: str) -> float:
    """About how long a stage takes, in training steps."""
    if name == TRAIN:
        return float(cell.arm.config.steps) if cell.arm.config is not None else 0.0
    problems = next(one for one in measurements(experiment, cell) if one.name == name)
    return 3 * (problems.limit or 60) * problems.samples / ANSWERS_PER_STEP


def stages_of(experiment: Experiment, cell: Cell) -> list[str]:
    """Names of all stages of a cell, in their order."""
    training = [TRAIN] if cell.arm.config is not None else []
    return [*training, *(problems.name for problems in measurements(experiment, cell))]


def prepare_stage(out: Path, cell: Cell, stage: Stage, chosen: float | None = None) -> None:
    """Makes what a stage needs in the cell's folder: the file of a run's settings, the folder of what is measured."""
    folder, config = out / cell.name, config_of(cell, out, chosen)
    (folder if stage.name == TRAIN else folder / MEASURED).mkdir(parents=True, exist_ok=True)
    if stage.name == TRAIN and config is not None:
        write_whole(folder / SETTINGS, to_toml(config))


def finish_stage(folder: Path, stage: Stage) -> None:
    """Puts what a measurement found into its file and removes the answers that it was made of.

    Raises:
        OSError: It found nothing.
    """
    if stage.name == TRAIN:
        return
    part = _part(folder, stage.name)
    rows = [json.loads(line) for line in part.read_text(encoding="utf-8").splitlines()]
    write_whole(folder / MEASURED / f"{stage.name}.json", json.dumps({"name": stage.name, "rows": rows}))
    part.unlink()
    shutil.rmtree(folder / REPLIES, ignore_errors=True)


def read_measured(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a measurement, as `selfplay eval --json` writes them; none where it is not there."""
    path = folder / MEASURED / f"{name}.json"
    return list(json.loads(path.read_text(encoding="utf-8"))["rows"]) if path.is_file() else []


def _training(folder: Path, config: TrainConfig) -> Stage:
    """The run's beginning, from a file of settings, or where it goes on."""
    args = ("train", "--out", str(folder), "--no-live")
    more = ("--resume",) if (folder / "config.json").is_file() else ("--config", str(folder / SETTINGS))
    return Stage(name=TRAIN, args=(*args, *more), weight=float(config.steps))


def _options(experiment: Experiment, cell: Cell, folder: Path, name: str, chosen: float | None) -> dict[str, object]:
    """Options of a measurement that do not depend on its problems."""
    measure, temperature = experiment.measure, experiment.measure.temperature
    if cell.arm.config is None and cell.arm.tuning is not None:
        value = cell.value if cell.value is not None else chosen
        assert value is not None  # a tuned cell waits for its value
        temperature = value
    return {
        "--temperature": f"{temperature:g}",
        "--max-new-tokens": measure.max_new_tokens,
        "--seed": measure.seed,
        "--sampler": measure.sampler,
        "--short-cuts": measure.short_cuts,
        "--device": experiment.device,
        "--sandbox": experiment.sandbox,
        "--out": folder / REPLIES,
        "--json": _part(folder, name),
    }


def _last_model(folder: Path) -> Path:
    """The last checkpoint of a cell's run."""
    return checkpoints(folder / CHECKPOINTS)[-1]


def _part(folder: Path, name: str) -> Path:
    """The file that a measurement under way writes."""
    return folder / MEASURED / f".{name}.part"
