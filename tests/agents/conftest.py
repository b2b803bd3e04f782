"""Fixtures around the toys of `tests.helpers.toys`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import gymnasium
import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.config.learner import LearnerConfig
from agents.config.run import EvalConfig, GameMix, TrainConfig
from agents.config.sampling import Sampling
from selfplay_envs import register_game
from tests.helpers.toys import GAME, build_model, build_tokenizer


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Of torch and of what chooses threads, here and in processes that tests start: the same bits on every machine."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


@pytest.fixture
def model() -> PreTrainedModel:
    return build_model()


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    build_model().save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def letters_game() -> str:
    if GAME not in gymnasium.registry:
        register_game(GAME, "tests.helpers.toys:Letters")
    return GAME


@pytest.fixture
def letters_run(model_folder: Path, tmp_path: Path) -> TrainConfig:
    """A run of the letters game that evaluates, saves and records every few steps."""
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(json.dumps({"env_id": GAME, "task": {"letter": letter}}) + "\n" for letter in "xyz"))
    return TrainConfig(
        model=str(model_folder),
        games=(GameMix(env_id=GAME, kwargs={"attempts": 3}, fresh=4, replay=2),),
        steps=7,
        sampling=Sampling(max_new_tokens=6),
        learner=LearnerConfig(lr=3e-3),
        evaluation=EvalConfig(tasks=str(tasks), samples=2, every=3, sampling=Sampling(max_new_tokens=6)),
        sandbox="process:hash-seeds=1+2+3+4+5+6+7+8",
        checkpoint_every=2,
        episodes_every=3,
        device="cpu",
        short_cuts="none",
    )
