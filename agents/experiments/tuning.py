"""The value of a setting that an arm chooses on the validation problems."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ..core.files import write_whole
from .arm import Arm
from .cells import Cell, read_measured
from .experiment import Experiment

CHOICE = "tuning.json"
SCORE = "all/pass@1"
"""What is compared: sampled pass@1, the mean over task types."""


def chosen_value(experiment: Experiment, arm: Arm, out: Path) -> float | None:
    """The value of an arm's tuning, written down beside its cells; None where it has none, or its runs are not done.

    Args:
        experiment: It.
        arm: One of its arms.
        out: Folder of the experiment.
    """
    if arm.tuning is None:
        return None
    scores: dict[float, float] = {}
    for value in arm.tuning.values:
        rows = read_measured(out / Cell(arm, arm.tuning.seed, value).name, experiment.measure.validation.name)
        if not rows:
            return None
        scores[value] = float(rows[-1][SCORE])
    value = best(scores)
    record = {"setting": arm.tuning.setting, "chosen": value, "measured_on": experiment.measure.validation.tasks}
    record |= {SCORE: {f"{tried:g}": score for tried, score in scores.items()}}
    path, text = out / arm.name / CHOICE, json.dumps(record, indent=1)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_whole(path, text)
    return value


def best(scores: Mapping[float, float]) -> float:
    """The value with the highest score; of equals the smallest.

    Args:
        scores: By value, at least one.
    """
    return min(scores, key=lambda value: (-scores[value], value))
