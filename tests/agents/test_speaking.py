"""Runs with an adapter per role: who speaks with which weights in `play` and `eval`, and what the end of a run says of it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console
from transformers import PreTrainedTokenizerFast

from agents.adapters import speaking_as
from agents.checkpoint import ADAPTERS, save_checkpoint
from agents.cli.places import print_places
from agents.cli.speaking import open_speaker
from agents.config import TrainConfig
from agents.curriculum import Curriculum
from agents.learner import Learner
from agents.learner_config import LearnerConfig
from agents.models import load_model
from agents.sampler import TransformersSampler
from agents.sampling import Sampling
from selfplay_envs import Message

PROMPT = (Message("user", "abc"),)


@pytest.fixture
def config(letters_run: TrainConfig) -> TrainConfig:
    return replace(letters_run, learner=LearnerConfig(lora_rank=2, adapters="per-role"))


@pytest.fixture
def learner(config: TrainConfig) -> Learner:
    learner = Learner(load_model(config.model, device="cpu")[0], config.learner, roles=("proposer", "solver"))
    with torch.no_grad():
        for name, p in learner.trainable.items():
            p.add_(0.3 if ".solver." in name else -0.3)
    return learner


@pytest.fixture
def run_dir(tmp_path: Path, config: TrainConfig, learner: Learner, tokenizer: PreTrainedTokenizerFast) -> Path:
    folder = tmp_path / "run"
    save_checkpoint(folder / "checkpoints", 3, config, learner, Curriculum(config.games, 0), tokenizer, 1)
    (folder / "config.json").write_text((folder / "checkpoints" / "step_000003" / "config.json").read_text())
    return folder


def test_every_role_of_a_run_speaks_with_its_own_adapter(
    run_dir: Path, learner: Learner, tokenizer: PreTrainedTokenizerFast
) -> None:
    speaker = open_speaker(str(run_dir), "transformers", device="cpu")
    assert set(speaker.by_role) == {"proposer", "solver"}
    assert "proposer and solver each speak with their own" in speaker.notes[0]
    sampling, seeds = Sampling(max_new_tokens=8), [[1, 2]]
    for role, voice in speaker.by_role.items():
        [found] = voice.act([PROMPT], sampling, seeds)
        with speaking_as(learner.model, role):
            [wanted] = TransformersSampler(learner.model, tokenizer).act([PROMPT], sampling, seeds)
        assert [one.token_ids for one in found] == [one.token_ids for one in wanted]
        assert [one.logprobs for one in found] == [pytest.approx(one.logprobs, abs=1e-6) for one in wanted]
    first, second = (voice.act([PROMPT], sampling, seeds)[0][0].logprobs for voice in speaker.by_role.values())
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
    save_checkpoint(tmp_path / "checkpoints", 3, config, learner, Curriculum(config.games, 0), tokenizer, 1)
    (tmp_path / "config.json").write_text((tmp_path / "checkpoints" / "step_000003" / "config.json").read_text())
    speaker = open_speaker(str(tmp_path), "transformers", device="cpu")
    assert isinstance(speaker.sampler, TransformersSampler)
    assert {p.dtype for p in speaker.sampler.model.parameters()} == {torch.bfloat16}
    assert (speaker.by_role, speaker.notes) == ({}, ())
    [found] = speaker.sampler.act([PROMPT], Sampling(max_new_tokens=8), [[1, 2]])
    [wanted] = TransformersSampler(learner.model, tokenizer).act([PROMPT], Sampling(max_new_tokens=8), [[1, 2]])
    assert [one.token_ids for one in found] == [one.token_ids for one in wanted]
    assert [one.logprobs for one in found] == [one.logprobs for one in wanted]


def test_a_checkpoint_of_an_older_version_says_that_one_adapter_speaks_for_all(run_dir: Path) -> None:
    (run_dir / "checkpoints" / "step_000003" / ADAPTERS).rename(run_dir / "elsewhere")
    speaker = open_speaker(str(run_dir), "transformers", device="cpu")
    assert not speaker.by_role
    assert "holds one for all roles" in speaker.notes[0]


def test_a_run_without_adapters_needs_no_note(model_folder: Path) -> None:
    speaker = open_speaker(str(model_folder), "transformers", device="cpu")
    assert (speaker.by_role, speaker.notes) == ({}, ())


def said_of(run_dir: Path, config: TrainConfig, width: int) -> str:
    out = io.StringIO()
    print_places(Console(file=out, width=width), run_dir, config)
    return out.getvalue()


def test_the_end_of_a_run_says_where_model_and_adapters_lie_and_all_of_it_exists(run_dir: Path, config: TrainConfig) -> None:
    shown = said_of(run_dir, config, 4000)
    [files] = [line for line in shown.splitlines() if line.startswith("Everything lies in ")]
    names = files.partition(f"{run_dir}/: ")[2].split(", ")
    assert names == ["config.json", "checkpoints/"]
    lines = {line.rpartition(": ")[0]: Path(line.rpartition(": ")[2]) for line in shown.splitlines() if line.startswith("The ")}
    assert list(lines) == [
        "The model, with the solver's adapter merged in",
        "The proposer's adapter alone, for peft",
        "The solver's adapter alone, for peft",
    ]
    assert all(path.is_dir() for path in lines.values())
    shared = replace(config, learner=LearnerConfig(lora_rank=2))
    assert "The model, its adapter merged in: " in said_of(run_dir, shared, 4000)
    narrow = said_of(run_dir, config, 50)
    assert str(run_dir / "checkpoints" / "step_000003" / ADAPTERS / "solver") in narrow  # a path is never broken
