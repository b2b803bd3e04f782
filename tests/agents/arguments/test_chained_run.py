"""A run on another run's folder: it starts from the checkpoint of now, in that run's wording, with KL to its weights."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.arguments.chained_run import at_checkpoint
from agents.cli.main import main
from agents.config.presets import find_preset
from agents.core.errors import AgentError
from agents.runs.rows import read_rows

QUICK = ("--no-live", "--device", "cpu", "--evaluation.tasks", "none", "--learner.warmup-steps", "0")


def test_any_other_model_stays_as_it_is() -> None:
    notes: list[str] = []
    config = find_preset("lsp-tiny")
    assert at_checkpoint(config, notes) is config
    assert notes == []


def test_self_play_goes_on_where_learning_on_data_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "grpo-data-tiny", *QUICK, "--steps", "2", "--lr", "1e-2", "--out", "data"]) == 0
    capsys.readouterr()
    assert main(["train", "lsp-tiny", *QUICK, "--steps", "1", "--model", "data", "--out", "play"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    checkpoint = "data/checkpoints/step_000002"
    assert f"The run starts from {checkpoint}, and KL is to these weights" in shown
    config = json.loads((tmp_path / "play" / "config.json").read_text())
    assert (config["model"], config["games"][0]["kwargs"]["style"]) == (checkpoint, "terse")
    [row] = read_rows(tmp_path / "play" / "metrics.jsonl")
    assert row["kl_reference"] == pytest.approx(0.0, abs=1e-4)  # far from 0 were it to the tiny model's own weights
    assert read_rows(tmp_path / "data" / "metrics.jsonl")[-1]["kl_reference"] > 1e-3


def test_a_run_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(AgentError, match="has no checkpoint yet"):
        at_checkpoint(replace(find_preset("lsp-tiny"), model=str(tmp_path / "run")), [])
