"""The weights that each role samples with, and the roles that train at a step, in whole runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.batching.batch import collate, samples_of
from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.core.errors import SyncError
from agents.learner.learner import Learner
from agents.runs.events import Event
from agents.runs.folder import checkpoints
from agents.runs.rows import read_rows
from agents.samplers.transformers import TransformersSampler
from agents.training.loop import train
from selfplay_envs import Episode
from tests.helpers.toys import GAME, build_model

EACH_HAS_ITS_OWN = LearnerConfig(lr=2e-2, lora_rank=2, adapters="per-role", warmup_steps=0)


@pytest.fixture
def config(model_folder: Path) -> TrainConfig:
    return TrainConfig(
        model=str(model_folder),
        games=(GameMix(env_id=GAME, kwargs={"attempts": 3}, fresh=4, replay=0, references=0),),
        steps=4,
        sampling=Sampling(max_new_tokens=6),
        learner=LearnerConfig(lr=3e-3, warmup_steps=0),
        sandbox="process",
        episodes_every=0,
        device="cpu",
    )


def played(config: TrainConfig, folder: Path) -> list[list[Episode]]:
    """The episodes of every step of a run."""
    steps: list[list[Episode]] = []

    def keep(event: Event) -> None:
        if event.kind == "collected":
            steps.append(event.data["episodes"])

    train(config, folder, keep)
    return steps


def drift(episodes: list[Episode], role: str) -> float:
    """Largest difference between the log-probabilities that a role's replies were sampled with and the starting model's."""
    batch = collate(samples_of(episodes, (role,)))
    start = Learner(build_model())
    return float((start.logprobs(batch) - batch.logprobs_BT).abs().max())


@pytest.mark.parametrize(
    "learner", [LearnerConfig(lr=3e-3, warmup_steps=0), LearnerConfig(lr=2e-2, lora_rank=2, warmup_steps=0)]
)
def test_a_frozen_role_keeps_its_starting_weights(config: TrainConfig, tmp_path: Path, learner: LearnerConfig) -> None:
    config = replace(config, learner=learner, schedule="frozen:proposer")
    last = played(config, tmp_path / "frozen")[-1]
    assert drift(last, "proposer") < 1e-4
    assert drift(last, "solver") > 1e-2
    rows = read_rows(tmp_path / "frozen" / "metrics.jsonl")
    assert all("solver/letters/entropy" in row and "proposer/letters/entropy" not in row for row in rows)


def test_a_role_that_only_does_not_train_drifts_with_the_shared_weights(config: TrainConfig, tmp_path: Path) -> None:
    last = played(replace(config, train_roles=("solver",)), tmp_path)[-1]
    assert drift(last, "proposer") > 1e-2


def test_a_frozen_role_is_frozen_after_a_resume_too(config: TrainConfig, tmp_path: Path) -> None:
    config = replace(config, schedule="frozen:proposer", checkpoint_every=1)
    train(replace(config, steps=3), tmp_path)
    [last] = played(config, tmp_path)
    assert drift(last, "proposer") < 1e-4
    assert drift(last, "solver") > 1e-2


@pytest.mark.parametrize("staleness", [0, 1])
def test_every_role_samples_with_its_own_adapter(config: TrainConfig, tmp_path: Path, staleness: int) -> None:
    config = replace(config, learner=EACH_HAS_ITS_OWN, staleness=staleness, schedule="alternate:proposer=2,solver=2")
    steps = played(config, tmp_path)
    late = steps[3]
    assert drift(late, "proposer") > 1e-3  # two steps of its own
    behind = drift(late, "solver")
    assert (behind > 1e-3) == (staleness == 0)  # its first step was the third: one batch ahead has not seen it yet
    rows = read_rows(tmp_path / "metrics.jsonl")
    assert ["proposer/letters/entropy" in row for row in rows] == [True, True, False, False]
    assert ["solver/letters/entropy" in row for row in rows] == [False, False, True, True]
    if not staleness:
        assert all(abs(row["approx_kl"]) < 1e-8 for row in rows)  # sampled with the very adapter that is trained


def test_an_adapter_that_does_not_train_does_not_change(config: TrainConfig, tmp_path: Path) -> None:
    train(replace(config, learner=EACH_HAS_ITS_OWN, train_roles=("proposer",)), tmp_path)
    state: dict[str, Any] = torch.load(checkpoints(tmp_path / "checkpoints")[-1] / "learner.pt", weights_only=True)
    moved = {name: bool(p.abs().max() > 0) for name, p in state["weights"].items() if ".lora_B." in name}
    assert all(on == (".proposer." in name) for name, on in moved.items())
    assert len(moved) == 2 * 14  # two roles, seven linear layers in each of two blocks


def test_a_sampler_that_was_not_given_the_weights_stops_the_run(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        TransformersSampler, "load_weights", lambda self, weights: setattr(self, "policy_version", weights.version)
    )
    with pytest.raises(SyncError):
        train(replace(config, staleness=1, learner=LearnerConfig(lr=0.1, warmup_steps=0)), tmp_path)
