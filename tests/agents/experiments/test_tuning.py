"""A setting that is chosen on the validation problems."""

from __future__ import annotations

import json
from pathlib import Path

from agents.experiments.cells import MEASURED, Cell, config_of
from agents.experiments.designs.azr import azr
from agents.experiments.tuning import best, chosen_value


def test_the_best_is_chosen_and_of_equals_the_smallest() -> None:
    assert best({1e-4: 0.1, 1e-3: 0.3, 3e-3: 0.2}) == 1e-3
    assert best({3e-3: 0.3, 1e-3: 0.3}) == 1e-3


def test_a_choice_waits_for_all_its_runs_and_is_written_down(tmp_path: Path) -> None:
    experiment = azr(scale="full")
    arm = experiment.arm("sft-tuned")
    assert arm.tuning is not None
    for value, score in zip(arm.tuning.values, (0.1, 0.2, 0.4, 0.3), strict=True):
        assert chosen_value(experiment, arm, tmp_path) is None
        folder = tmp_path / Cell(arm, 1_000, value).name / MEASURED
        folder.mkdir(parents=True)
        (folder / "validation.json").write_text(json.dumps({"rows": [{"step": 100, "all/pass@1": score}]}))
    assert chosen_value(experiment, arm, tmp_path) == 1e-3
    record = json.loads((tmp_path / "sft-tuned" / "tuning.json").read_text())
    assert record == {
        "setting": "learner.lr",
        "chosen": 1e-3,
        "measured_on": "tiny-validation",
        "all/pass@1": {"0.0001": 0.1, "0.0003": 0.2, "0.001": 0.4, "0.003": 0.3},
    }
    run = config_of(Cell(arm, 2), Path(), 1e-3)
    assert run is not None
    assert (run.seed, run.learner.lr) == (2, 1e-3)
    assert chosen_value(experiment, experiment.arm("sft"), tmp_path) is None
