"""Cells, their order, and what each does next."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.config.toml_file import read_config_file
from agents.experiments.cells import (
    MEASURED,
    REPLIES,
    Cell,
    Stage,
    cells_of,
    config_of,
    finish_stage,
    measurements,
    needs,
    next_stage,
    prepare_stage,
    read_measured,
    stages_of,
    start_model,
    weight_of,
    with_starts,
)
from agents.experiments.designs.azr import azr
from agents.experiments.designs.lsp import lsp

CORE, FULL = azr(device="cpu", sandbox="process"), azr(scale="full", device="cpu", sandbox="process")


def checkpoint(folder: Path, step: int, where: str = "checkpoints") -> None:
    path = folder / where / f"step_{step:06d}"
    path.mkdir(parents=True)
    (path / "state.json").write_text(json.dumps({"step": step}))


def test_settings_are_chosen_first_and_every_arm_has_its_first_seed_before_any_its_second() -> None:
    names = [cell.name for cell in cells_of(CORE)]
    assert names[:5] == [f"base-tempered/tuning-{value}" for value in ("0.2", "0.4", "0.6", "0.8", "1")]
    assert names[5:14] == [
        "base/seed-0",
        "base-tempered/seed-0",
        *(f"{arm}/seed-0" for arm in ("sft", "rlvr", "self-play", "half-peak", "frozen", "random-reward")),
        "sft/seed-1",
    ]
    assert len(names) == 5 + 2 + 28
    assert [cell.name for cell in cells_of(CORE, ["random-reward"])] == [f"random-reward/seed-{seed}" for seed in range(3)]


def test_a_tuned_cell_needs_those_that_its_setting_is_chosen_by() -> None:
    cells = cells_of(FULL, ["sft-tuned", "sft"])
    tuned = next(cell for cell in cells if cell.name == "sft-tuned/seed-3")
    assert [cell.name for cell in needs(tuned, cells)] == [
        f"sft-tuned/tuning-{value}" for value in ("0.0001", "0.0003", "0.001", "0.003")
    ]
    assert needs(cells[0], cells) == []
    assert needs(next(cell for cell in cells if cell.arm.name == "sft"), cells) == []
    first = config_of(cells[0], Path())
    assert first is not None
    assert (first.learner.lr, first.seed) == (1e-4, 1_000)


def value_of(stage: Stage, flag: str) -> str:
    return stage.args[stage.args.index(flag) + 1]


def test_a_run_is_trained_gone_on_with_and_measured_at_its_end_and_on_its_way(tmp_path: Path) -> None:
    cell = Cell(CORE.arm("rlvr"), 4)
    folder = tmp_path / "rlvr" / "seed-4"
    stage = next_stage(CORE, cell, tmp_path)
    assert stage == Stage(
        name="train",
        args=("train", "--out", str(folder), "--no-live", "--config", str(folder / "settings.toml")),
        weight=100.0,
    )
    assert not folder.exists()  # nothing is written by asking
    prepare_stage(tmp_path, cell, stage)
    assert read_config_file(folder / "settings.toml") == config_of(cell, tmp_path)
    (folder / "config.json").touch()
    checkpoint(folder, 50)
    stage = next_stage(CORE, cell, tmp_path)
    assert stage is not None
    assert stage.args == ("train", "--out", str(folder), "--no-live", "--resume")
    checkpoint(folder, 100)
    for step in (20, 40, 60, 80, 100):
        checkpoint(folder, step, "models")
    seen: list[str] = []
    while (stage := next_stage(CORE, cell, tmp_path)) is not None:
        seen.append(stage.name)
        prepare_stage(tmp_path, cell, stage)
        models = stage.args[1 : stage.args.index("--tasks")]
        assert models == (str(folder / "checkpoints/step_000100"),)
        assert value_of(stage, "--samples") == {"held-out": "128", "out-of-domain": "32"}[stage.name]
        assert value_of(stage, "--limit") == ("0" if stage.name == "out-of-domain" else "120")
        assert (value_of(stage, "--seed"), value_of(stage, "--temperature")) == ("0", "1")
        (folder / REPLIES).mkdir()
        Path(value_of(stage, "--json")).write_text(json.dumps({"step": 1}) + "\n" + json.dumps({"step": 2}) + "\n")
        finish_stage(folder, stage)
        assert read_measured(folder, stage.name) == [{"step": 1}, {"step": 2}]
        assert not (folder / REPLIES).exists()
    assert seen == stages_of(CORE, cell)[1:] == ["held-out", "out-of-domain"]
    assert sorted(path.name for path in (folder / MEASURED).iterdir()) == sorted(f"{name}.json" for name in seen)


def test_the_untrained_model_is_measured_at_its_temperature(tmp_path: Path) -> None:
    for cell, chosen, temperature in (
        (Cell(CORE.arm("base"), 0), None, "1"),
        (Cell(CORE.arm("base-tempered"), 0), 0.4, "0.4"),
        (Cell(CORE.arm("base-tempered"), 1_000, 0.6), None, "0.6"),
    ):
        stage = next_stage(CORE, cell, tmp_path, chosen)
        assert stage is not None
        assert stage.args[:2] == ("eval", "tiny")
        assert value_of(stage, "--temperature") == temperature
        assert value_of(stage, "--tasks") == ("tiny" if cell.value is None else "tiny-validation")
    assert stages_of(CORE, Cell(CORE.arm("base"), 0)) == ["held-out", "out-of-domain", "validation"]
    assert stages_of(CORE, Cell(CORE.arm("base-tempered"), 1_000, 0.6)) == ["validation"]


def test_weights_are_about_the_time_of_a_stage_in_training_steps() -> None:
    cell = Cell(CORE.arm("rlvr"), 0)
    assert weight_of(CORE, cell, "train") == 100
    assert weight_of(CORE, cell, "held-out") == pytest.approx(3 * 120 * 128 / 1_000)
    assert weight_of(CORE, Cell(CORE.arm("base"), 0), "train") == 0


def test_a_measurement_that_left_nothing_is_no_result(tmp_path: Path) -> None:
    (tmp_path / MEASURED).mkdir()
    with pytest.raises(FileNotFoundError):
        finish_stage(tmp_path, Stage(name="held-out", args=(), weight=1))
    assert read_measured(tmp_path, "held-out") == []


CHAINED = lsp(device="cpu", sandbox="process")


def test_a_second_stage_begins_with_the_model_that_the_first_keeps(tmp_path: Path) -> None:
    cells = cells_of(CHAINED)
    cell = next(one for one in cells if one.name == "lsp-then-rl/seed-1")
    assert [one.name for one in needs(cell, cells)] == ["lsp/seed-1"]
    assert start_model(cell, tmp_path) is None
    half = CHAINED.budget.steps // 2
    checkpoint(tmp_path / "lsp/seed-0", half, "models")
    checkpoint(tmp_path / "lsp/seed-1", half // 2, "models")
    assert start_model(cell, tmp_path) is None  # of another seed, or not that far
    checkpoint(tmp_path / "lsp/seed-1", half, "models")
    model = tmp_path / f"lsp/seed-1/models/step_{half:06d}"
    assert start_model(cell, tmp_path) == model
    stage = next_stage(CHAINED, cell, tmp_path)
    assert stage is not None
    assert (stage.name, stage.weight) == ("train", float(CHAINED.budget.steps - half))
    prepare_stage(tmp_path, cell, stage)
    written = read_config_file(tmp_path / "lsp-then-rl/seed-1/settings.toml")
    data = CHAINED.arm("grpo-data").config
    assert data is not None
    assert written == replace(data, model=str(model), seed=1, steps=CHAINED.budget.steps - half)


def test_after_all_steps_the_first_stage_s_checkpoint_is_the_model(tmp_path: Path) -> None:
    cell = Cell(lsp(scale="full").arm("lsp-then-rl-whole"), 0)
    checkpoint(tmp_path / "lsp/seed-0", CHAINED.budget.steps)
    assert start_model(cell, tmp_path) == tmp_path / f"lsp/seed-0/checkpoints/step_{CHAINED.budget.steps:06d}"


def test_an_arm_brings_those_along_whose_models_it_begins_with() -> None:
    assert with_starts(CHAINED, ("rl-then-lsp", "lsp-then-rl")) == ("rl-then-lsp", "lsp-then-rl", "lsp", "grpo-data")
    assert with_starts(CHAINED, ()) == ()
    assert with_starts(CORE, ("sft",)) == ("sft",)


def test_answers_are_judged_as_their_problems_say(tmp_path: Path) -> None:
    cell = Cell(CHAINED.arm("base"), 0)
    seen: dict[str, str] = {}
    while (stage := next_stage(CHAINED, cell, tmp_path)) is not None:
        prepare_stage(tmp_path, cell, stage)
        seen[stage.name] = value_of(stage, "--judge")
        Path(value_of(stage, "--json")).write_text(json.dumps({"step": 1}) + "\n")
        finish_stage(tmp_path / cell.name, stage)
    assert seen == {"held-out": "rules", "style": "styled:style=repetition,weight=1", "validation": "rules"}


def test_what_is_compared_in_pairs_is_compared_of_trained_models_alone(tmp_path: Path) -> None:
    experiment = lsp(model="org/large", benchmark="alpacaeval", judge="module:Mine", device="cpu")
    assert [one.name for one in measurements(experiment, Cell(experiment.arm("base"), 0))] == []
    cell = Cell(experiment.arm("lsp"), 0)
    checkpoint(tmp_path / cell.name, experiment.budget.steps)
    stage = next_stage(experiment, cell, tmp_path)
    assert stage is not None
    assert (value_of(stage, "--against"), value_of(stage, "--judge")) == ("org/large", "module:Mine")
    assert (value_of(stage, "--tasks"), value_of(stage, "--temperature")) == ("alpacaeval", "0.01")
