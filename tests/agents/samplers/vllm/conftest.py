"""A stand-in for vLLM, and a sampler on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.samplers.vllm.sampler import VllmSampler
from tests.helpers.vllm_engine import STAND_IN
from tests.helpers.waiting import PATIENCE_S


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder whose files make the stand-in misbehave."""
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    return tmp_path


@pytest.fixture
def sampler(orders: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Iterator[VllmSampler]:
    opened = VllmSampler(model, tokenizer, python=sys.executable, hang_s=PATIENCE_S)
    yield opened
    opened.close()
