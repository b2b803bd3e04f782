from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from agents.analysis.weights.checkpoint import open_checkpoint
from agents.analysis.weights.trajectory import (
    expand,
    measure_trajectory,
    saved_models,
    weights_to_compare,
)
from agents.config.run import TrainConfig
from agents.core.errors import AgentError
from tests.helpers.checkpoints import in_memory, write_safetensors

NAME = "model.layers.0.self_attn.q_proj.weight"


def moved(by: float) -> dict[str, Tensor]:
    return {NAME: torch.tensor([1.0, 1.0 + by])}


@pytest.fixture
def run(tmp_path: Path, letters_run: TrainConfig) -> Path:
    """A run that kept a model at step 5 and has checkpoints of steps 10 and 20, begun with the folder `start`."""
    folder = tmp_path / "run"
    start = write_safetensors(tmp_path / "start", moved(0))
    config = json.dumps(replace(letters_run, model=str(start)).to_json())
    for step, place, by in ((20, "checkpoints", 20), (10, "checkpoints", 10), (5, "models", 1)):
        checkpoint = folder / place / f"step_{step:06d}"
        write_safetensors(checkpoint / "model", moved(by))
        for name, text in {"model/config.json": "{}", "state.json": json.dumps({"step": step}), "config.json": config}.items():
            (checkpoint / name).write_text(text)
    (folder / "config.json").write_text(config)
    return folder


def test_the_saved_models_of_a_run_in_order(run: Path, tmp_path: Path) -> None:
    assert list(saved_models(run)) == [5, 10, 20]
    assert expand([str(run), "other"]) == [*map(str, saved_models(run).values()), "other"]


def test_points_of_a_run_and_of_named_checkpoints(run: Path, tmp_path: Path) -> None:
    sizes = {step: (by**2 / 2) ** 0.5 for step, by in ((5, 1), (10, 10), (20, 20))}
    models = measure_trajectory(open_checkpoint(str(tmp_path / "start")), expand([str(run)]))
    assert [(point.rms, point.unchanged) for point in models] == [(pytest.approx(rms), 0.5) for rms in sizes.values()]
    start = in_memory({NAME.removeprefix("model."): torch.ones(2)})
    ends = [str(run), str(tmp_path / "start")]  # a run's folder is its newest checkpoint
    counted: list[int] = []
    assert [point.rms for point in measure_trajectory(start, ends, on_progress=counted.append)] == pytest.approx([sizes[20], 0])
    assert sum(counted) == weights_to_compare(start, ends) == 4


def test_a_run_that_has_saved_nothing_is_one_sentence(run: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(AgentError, match=r"holds no config\.json"):
        saved_models(empty)
    (empty / "config.json").write_text((run / "config.json").read_text())
    with pytest.raises(AgentError, match=r"has no checkpoint yet; let it train to its first one \(checkpoint_every\)\.$"):
        saved_models(empty)
