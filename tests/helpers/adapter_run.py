"""A run with an adapter per role, saved at step 3."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from agents.config.run import TrainConfig
from agents.learner.learner import Learner
from agents.models.loading import load_model
from agents.rollouts.curriculum import Curriculum
from agents.training.checkpoint import RunState, save_checkpoint


def learner_with_two_adapters(config: TrainConfig) -> Learner:
    """A learner whose solver's adapter adds to the weights what its proposer's takes away."""
    learner = Learner(load_model(config.model, device="cpu")[0], config.learner, roles=("proposer", "solver"))
    with torch.no_grad():
        for name, p in learner.trainable.items():
            p.add_(0.3 if ".solver." in name else -0.3)
    return learner


def write_adapter_run(folder: Path, config: TrainConfig, learner: Learner, tokenizer: PreTrainedTokenizerFast) -> Path:
    """The folder of a run with one checkpoint of the learner."""
    curriculum = Curriculum(config.games, 0)
    state = RunState(step=3, config=config, learner=learner, curriculum=curriculum, tokenizer=tokenizer)
    save_checkpoint(folder / "checkpoints", state, 1)
    (folder / "config.json").write_text((folder / "checkpoints" / "step_000003" / "config.json").read_text())
    return folder
