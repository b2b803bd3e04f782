"""Weights that were shipped: a sampler in another process says what one on the learner's own model says."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast

from agents.config.learner import LearnerConfig
from agents.config.sampling import Sampling
from agents.learner.learner import Learner
from agents.models.weights import Weights, weights_of
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message
from tests.helpers.toys import build_model

PROGRAM = """
import json, pickle, sys
import torch
from agents.config.learner import LearnerConfig
from agents.config.sampling import Sampling
from agents.models.adapters import with_lora
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message
from tests.helpers.toys import build_model, build_tokenizer
torch.set_num_threads(1)
with open(sys.argv[1], "rb") as file:
    cases = pickle.load(file)
for first, second in cases:
    model = build_model(7)
    if first.adapters:
        model = with_lora(model, LearnerConfig(lora_rank=2, adapters="per-role"), tuple(first.adapters))
    sampler = TransformersSampler(model, build_tokenizer())
    for weights in (first, second):
        sampler.load_weights(weights)
        for adapter in tuple(weights.adapters) or ("default",):
            [[reply]] = sampler.with_adapter(adapter).generate([(Message("user", "a"),)], Sampling(max_new_tokens=9), [(3,)])
            print(json.dumps([reply.policy_version, reply.token_ids, reply.logprobs]))
"""


def nudge(learner: Learner) -> None:
    """An update, as far as a sampler can tell."""
    learner.policy_version += 1
    rng = torch.Generator().manual_seed(learner.policy_version)
    with torch.no_grad():
        for p in learner.trainable.values():
            p.add_(torch.randn(p.shape, generator=rng), alpha=0.1)


def test_a_sampler_in_another_process_follows_the_learner(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Of all weights, and of adapters per role, whose base is sent once."""
    cases, expected = [], []
    for roles in ((), ("proposer", "solver")):
        config = LearnerConfig(lora_rank=2, adapters="per-role") if roles else LearnerConfig()
        learner = Learner(build_model(), config, roles=roles)
        sampler = TransformersSampler(learner.model, tokenizer)
        shipped: list[Weights] = []
        for _ in range(2):
            nudge(learner)
            weights = weights_of(learner.model, learner.policy_version)
            shipped.append(weights.shipped(only_adapters=bool(roles and shipped)))
            sampler.load_weights(weights)
            for adapter in roles or ("default",):
                [[reply]] = sampler.with_adapter(adapter).generate(
                    [(Message("user", "a"),)], Sampling(max_new_tokens=9), [(3,)]
                )
                expected.append([reply.policy_version, list(reply.token_ids), list(reply.logprobs)])
        cases.append(shipped)
    (tmp_path / "weights").write_bytes(pickle.dumps(cases))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "weights")]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert [json.loads(line) for line in ran.stdout.splitlines()] == expected
    assert len({tuple(logprobs) for _, _, logprobs in expected}) == len(expected) == 6
