"""Who samples with which weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.config.learner import LearnerConfig
from agents.config.role_schedule import Schedule
from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.learner.learner import Learner
from agents.models.adapters import BASE
from agents.samplers.adapter_view import AdapterView
from agents.samplers.base import Sampler
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.transformers import TransformersSampler
from agents.training.role_samplers import frozen_sampler, needs_copy, samplers_by_role
from selfplay_envs import Message, Reply
from tests.helpers.toys import GAME, build_model

CONFIG = TrainConfig(games=(GameMix(env_id=GAME),))
ROLES = ("proposer", "solver")


@pytest.mark.parametrize(
    ("sampler", "staleness", "expected"),
    [
        ("transformers", 0, False),
        ("transformers", 1, True),
        ("transformers:copy=0", 1, True),
        ("transformers:copy=1", 1, False),
        ("vllm", 1, False),
    ],
)
def test_a_sampler_gets_a_copy_where_it_would_compute_while_the_learner_writes(
    sampler: str, staleness: int, expected: bool
) -> None:
    assert needs_copy(replace(CONFIG, sampler=sampler, staleness=staleness)) == expected


def test_roles_with_shared_weights_have_no_sampler_of_their_own() -> None:
    sampler, frozen = ScriptedSampler([]), ScriptedSampler([])
    assert samplers_by_role(CONFIG, ROLES, Schedule.parse("joint"), sampler, None) == {}
    assert samplers_by_role(CONFIG, ROLES, Schedule.parse("joint"), sampler, frozen) == {}  # which a judge uses
    assert samplers_by_role(CONFIG, ROLES, Schedule.parse("frozen:proposer"), sampler, frozen) == {"proposer": frozen}


def test_with_adapters_per_role_each_has_its_own_unless_it_is_frozen() -> None:
    config = replace(CONFIG, learner=LearnerConfig(lora_rank=2, adapters="per-role"))
    sampler, frozen = ScriptedSampler([]), ScriptedSampler([])
    by_role = samplers_by_role(config, ROLES, Schedule.parse("frozen:proposer"), sampler, frozen)
    assert by_role["proposer"] is frozen
    solver = by_role["solver"]
    assert isinstance(solver, AdapterView)
    assert (solver.parent, solver.adapter) == (sampler, "solver")


def probe(sampler: Sampler) -> Reply:
    [[reply]] = sampler.generate([(Message("user", "a"),)], Sampling(max_new_tokens=8), [(7,)])
    return reply


@pytest.mark.parametrize("kept", [False, True], ids=["alone", "beside a reference"])
def test_a_frozen_sampler_keeps_the_starting_weights(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, kept: bool
) -> None:
    learner = Learner(model)
    if kept:
        learner.keep_reference()
    sampler = TransformersSampler(model, tokenizer)
    frozen = frozen_sampler(CONFIG, learner, sampler, tokenizer)
    before = probe(frozen)
    assert before == probe(sampler)
    with torch.no_grad():
        for p in learner.trainable.values():
            p.mul_(1.5)
    assert probe(frozen) == before != probe(sampler)


def test_with_adapters_it_is_the_sampler_itself_without_them(tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(build_model(), LearnerConfig(lora_rank=2))
    sampler = TransformersSampler(learner.model, tokenizer)
    frozen = frozen_sampler(CONFIG, learner, sampler, tokenizer)
    assert isinstance(frozen, AdapterView)
    assert (frozen.parent, frozen.adapter) == (sampler, BASE)
