"""Results read from a folder that is not finished."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.experiments.designs.azr import azr
from agents.experiments.designs.lsp import lsp
from agents.experiments.folder import record_experiment
from agents.experiments.results import load_results
from selfplay_envs import UsageError


def write(path: Path, *rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_what_is_there_is_read_and_what_is_not_is_left_out(tmp_path: Path) -> None:
    experiment = record_experiment(tmp_path, azr(scale="full"))
    for seed in (3, 1):
        write(tmp_path / f"rlvr/seed-{seed}/metrics.jsonl", {"step": 1, "tokens": 3_000}, {"step": 2, "tokens": 3_010})
    cell = tmp_path / "rlvr/seed-1"
    write(cell / "eval.jsonl", {"step": 20, "all/pass@1": 0.1})
    write(cell / "costs.jsonl", {"stage": "train", "code": 0, "seconds": 9.0, "processor_s": 7.0})
    for where in ("models/step_000020", "models/step_000040", "checkpoints/step_000040", "checkpoints/step_000050"):
        write(cell / where / "state.json", {})
    write(cell / "measured/held-out.json", {"rows": [{"step": 100, "all/pass@1": 0.5}]})
    for value in (0.2, 0.4, 0.6, 0.8, 1.0):
        write(
            tmp_path / f"base-tempered/tuning-{value:g}/measured/validation.json",
            {"rows": [{"all/pass@1": -((value - 0.6) ** 2), "step": 0}]},
        )
    write(tmp_path / "base/seed-0/measured/held-out.json", {"rows": [{"step": 0, "all/pass@1": 0.1}]})
    results = load_results(tmp_path)
    assert results.experiment == experiment
    assert [(one.arm, one.seed) for one in results.cells] == [("base", 0), ("rlvr", 1), ("rlvr", 3)]
    assert len(results.tuning) == 5
    assert results.chosen == {"base-tempered": 0.6}
    one, other = results.arm("rlvr")
    assert [row["tokens"] for row in one.rows] == [3_000, 3_010]
    assert [row["step"] for row in one.validation] == [20]
    assert one.training_processor_s == 7.0
    assert one.models == {
        20: cell / "models/step_000020",
        40: cell / "models/step_000040",
    }  # a checkpoint on the way goes when the next one is written
    write(cell / "checkpoints/step_000100/state.json", {})
    assert load_results(tmp_path).arm("rlvr")[0].models[100] == cell / "checkpoints/step_000100"
    assert dict(one.measured) == {"held-out": {"step": 100, "all/pass@1": 0.5}}
    assert (dict(other.measured), dict(other.models), other.costs) == ({}, {}, ())
    assert results.arm("sft") == []


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no experiment\.json"):
        load_results(tmp_path)


def test_a_second_stage_stands_behind_the_first(tmp_path: Path) -> None:
    experiment = record_experiment(tmp_path, lsp())
    half, steps = experiment.budget.steps // 2, experiment.budget.steps
    first, second = tmp_path / "lsp/seed-1", tmp_path / "lsp-then-rl/seed-1"
    for folder, last, tokens in ((first, steps, 10), (second, steps - half, 20)):
        write(folder / "metrics.jsonl", *({"step": step, "tokens": tokens} for step in range(1, last + 1)))
        write(folder / "eval.jsonl", {"step": half // 2}, {"step": half})
        for step in (half // 2, half):
            write(folder / f"models/step_{step:06d}/state.json", {})
    write(second / "costs.jsonl", {"stage": "train", "processor_s": 7.0})
    [cell] = load_results(tmp_path).arm("lsp-then-rl")
    assert [row["step"] for row in cell.rows] == list(range(1, steps + 1))
    assert [row["tokens"] for row in cell.rows] == [10] * half + [20] * (steps - half)
    assert [row["step"] for row in cell.validation] == [half // 2, half, half + half // 2, 2 * half]
    assert dict(cell.models) == {
        half // 2: first / f"models/step_{half // 2:06d}",
        half: first / f"models/step_{half:06d}",
        half + half // 2: second / f"models/step_{half // 2:06d}",
        2 * half: second / f"models/step_{half:06d}",
    }
    assert (cell.folder, cell.training_processor_s) == (second, 7.0)
    [alone] = load_results(tmp_path).arm("lsp")
    assert [row["tokens"] for row in alone.rows] == [10] * steps
