"""Runs with an adapter per role: which role has which weights in `play` and `eval`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from agents.arguments.open_model import open_model
from agents.config.learner import LearnerConfig
from agents.config.run import TrainConfig
from agents.config.sampling import Sampling
from agents.learner.learner import Learner
from agents.models.adapters import use_adapter
from agents.models.loading import load_model
from agents.rollouts.curriculum import Curriculum
from agents.runs.adapters import ADAPTERS
from agents.samplers.transformers import TransformersSampler
from agents.training.checkpoint import RunState, save_checkpoint
from selfplay_envs import Message
from tests.helpers.adapter_run import learner_with_two_adapters, write_adapter_run

PROMPT = (Message("user", "abc"),)


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, learner=LearnerConfig(lora_rank=2, adapters="per-role"))


@pytest.fixture
def learner(config: TrainConfig) -> Learner:
    return learner_with_two_adapters(config)


@pytest.fixture
def run_dir(tmp_path: Path, config: TrainConfig, learner: Learner, tokenizer: PreTrainedTokenizerFast) -> Path:
    return write_adapter_run(tmp_path / "run", config, learner, tokenizer)


def test_every_role_of_a_run_plays_with_its_own_adapter(
    run_dir: Path, learner: Learner, tokenizer: PreTrainedTokenizerFast
) -> None:
    model = open_model(str(run_dir), "transformers", device="cpu")
    assert set(model.by_role) == {"proposer", "solver"}
    assert "proposer and solver each have their own" in model.notes[0]
    sampling, seeds = Sampling(max_new_tokens=8), [[1, 2]]
    for role, sampler in model.by_role.items():
        [replies] = sampler.generate([PROMPT], sampling, seeds)
        with use_adapter(learner.model, role):
            [expected] = TransformersSampler(learner.model, tokenizer).generate([PROMPT], sampling, seeds)
        assert [reply.token_ids for reply in replies] == [reply.token_ids for reply in expected]
        assert [reply.logprobs for reply in replies] == [pytest.approx(reply.logprobs, abs=1e-6) for reply in expected]
    first, second = (sampler.generate([PROMPT], sampling, seeds)[0][0].logprobs for sampler in model.by_role.values())
    assert first != pytest.approx(second, abs=1e-3)


def test_adapters_on_bfloat16_weights_speak_on_them_and_are_not_merged_into_a_model_of_twice_the_size(
    tmp_path: Path, letters_run: TrainConfig, tokenizer: PreTrainedTokenizerFast
) -> None:
    config = replace(letters_run, learner=LearnerConfig(lora_rank=2, dtype="bfloat16"))
    learner = Learner(load_model(config.model, device="cpu", dtype=torch.bfloat16)[0], config.learner)
    with torch.no_grad():
        for p in learner.trainable.values():
            p.add_(0.3)
    learner._weights.masters.publish()
    curriculum = Curriculum(config.games, 0)
    state = RunState(step=3, config=config, learner=learner, curriculum=curriculum, tokenizer=tokenizer)
    save_checkpoint(tmp_path / "checkpoints", state, 1)
    (tmp_path / "config.json").write_text((tmp_path / "checkpoints" / "step_000003" / "config.json").read_text())
    model = open_model(str(tmp_path), "transformers", device="cpu")
    assert isinstance(model.sampler, TransformersSampler)
    assert {p.dtype for p in model.sampler.model.parameters()} == {torch.bfloat16}
    assert (model.by_role, model.notes) == ({}, ())
    [replies] = model.sampler.generate([PROMPT], Sampling(max_new_tokens=8), [[1, 2]])
    [expected] = TransformersSampler(learner.model, tokenizer).generate([PROMPT], Sampling(max_new_tokens=8), [[1, 2]])
    assert [reply.token_ids for reply in replies] == [reply.token_ids for reply in expected]
    assert [reply.logprobs for reply in replies] == [reply.logprobs for reply in expected]


def test_a_checkpoint_of_an_older_version_says_that_one_adapter_speaks_for_all(run_dir: Path) -> None:
    (run_dir / "checkpoints" / "step_000003" / ADAPTERS).rename(run_dir / "elsewhere")
    model = open_model(str(run_dir), "transformers", device="cpu")
    assert not model.by_role
    assert "holds one for all roles" in model.notes[0]


def test_a_run_without_adapters_needs_no_note(model_folder: Path) -> None:
    model = open_model(str(model_folder), "transformers", device="cpu")
    assert (model.by_role, model.notes) == ({}, ())
