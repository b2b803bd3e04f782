"""Fixtures around the toys of `tests.agents.toys`."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from selfplay_envs import register_game
from tests.agents.toys import GAME, build_model, build_tokenizer


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
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
        register_game(GAME, "tests.agents.toys:Letters")
    return GAME
