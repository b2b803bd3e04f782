"""The record of an experiment, which a comparison that goes on adds to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.experiments.designs.azr import azr
from agents.experiments.folder import alone_in_experiment, read_experiment, record_experiment
from selfplay_envs import UsageError


def test_the_record_holds_the_grid_and_what_equal_means(tmp_path: Path) -> None:
    experiment = azr()
    assert record_experiment(tmp_path, experiment) == experiment
    assert read_experiment(tmp_path) == experiment
    data = json.loads((tmp_path / "experiment.json").read_text())
    assert data["equal"] == list(experiment.budget.meaning)
    assert data["warm_start_overlap"]["tiny-validation"] == {"programs": 60, "in_warm_start": 0}


def test_arms_and_seeds_add_up(tmp_path: Path) -> None:
    core = azr()
    record_experiment(tmp_path, replace(core, arms=core.arms[:3]))
    record_experiment(tmp_path, azr(scale="full").with_seeds(6))
    whole = record_experiment(tmp_path, core)
    assert {arm.name for arm in whole.arms} == {arm.name for arm in azr(scale="full").arms}
    assert whole.arm("sft").seeds == (0, 1, 2, 3, 4, 5)
    assert [arm.name for arm in whole.arms][:3] == ["base", "base-tempered", "sft"]


def test_another_experiment_has_no_place_in_the_folder(tmp_path: Path) -> None:
    record_experiment(tmp_path, azr())
    with pytest.raises(UsageError, match=r"holds a comparison with another budget; choose another folder with --out"):
        record_experiment(tmp_path, azr(counted="answers"))
    with pytest.raises(UsageError, match=r"another sandbox \(auto there, process now\)"):
        record_experiment(tmp_path, azr(sandbox="process"))
    changed = azr()
    sft = changed.arm("sft")
    assert sft.config is not None
    other = replace(sft, config=replace(sft.config, episodes_every=3))
    with pytest.raises(UsageError, match="holds arm sft with other settings"):
        record_experiment(tmp_path, replace(changed, arms=(other,)))


def test_a_folder_without_a_record_of_this_version_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no experiment\.json; pass a folder that `selfplay compare` wrote"):
        read_experiment(tmp_path)
    (tmp_path / "experiment.json").write_text(json.dumps({"name": "azr"}))
    with pytest.raises(UsageError, match=r"experiment\.json is no record of this version"):
        read_experiment(tmp_path)


def test_one_comparison_at_a_time_works_in_a_folder(tmp_path: Path) -> None:
    new, used = tmp_path / "new", "in use by another comparison"
    with alone_in_experiment(new), pytest.raises(UsageError, match=used), alone_in_experiment(new):
        pass
    with alone_in_experiment(tmp_path / "new"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"out='.*file' cannot be a folder"), alone_in_experiment(tmp_path / "file"):
        pass
