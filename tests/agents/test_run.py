"""Who speaks with which weights, and who trains at which step, in whole runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.batch import collate, samples_of
from agents.checkpoint import checkpoints
from agents.config import GameMix, TrainConfig
from agents.errors import SyncError
from agents.events import Event
from agents.learner import Learner
from agents.learner_config import LearnerConfig
from agents.metrics import read_rows
from agents.run import open_run
from agents.sampler import TransformersSampler
from agents.sampling import Sampling
from agents.train import train
from selfplay_envs import Episode
from tests.agents.toys import GAME, build_model

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
    found: list[list[Episode]] = []

    def keep(event: Event) -> None:
        if event.kind == "collected":
            found.append(event.data["episodes"])

    train(config, folder, keep)
    return found


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
def test_every_role_speaks_with_its_own_adapter(config: TrainConfig, tmp_path: Path, staleness: int) -> None:
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


def test_unknown_roles_stop_before_anything_is_written(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names 'teacher'"):
        train(replace(config, schedule="frozen:teacher"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_everything_is_closed_when_a_run_ends_or_fails(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(config, tmp_path / "run", lambda event: None) as run:
        kind = type(run.sampler)
    closed: list[int] = []
    monkeypatch.setattr(kind, "close", lambda self: closed.append(1))
    train(replace(config, steps=1), tmp_path / "ends")
    assert closed == [1]

    def fail(event: Event) -> None:
        if event.kind == "start":
            raise KeyError("listener")

    with pytest.raises(KeyError):
        train(config, tmp_path / "fails", fail)
    assert closed == [1, 1]


def test_a_sampler_that_was_not_given_the_weights_stops_the_run(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TransformersSampler, "receive", lambda self, model, version: setattr(self, "policy_version", version))
    with pytest.raises(SyncError):
        train(replace(config, staleness=1, learner=LearnerConfig(lr=0.1, warmup_steps=0)), tmp_path)
