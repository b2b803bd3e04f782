"""What ratios are taken against: at the first step nothing but the policy's own movement may clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from agents.algorithms.algorithm import Algorithm
from agents.algorithms.losses import policy_gradient
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.config.learner import LearnerConfig
from agents.config.sampling import Sampling
from agents.learner.learner import Learner
from agents.learner.prepare import prepare
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message
from tests.helpers.golden_batch import NEW, OLD, golden_batch, ready_of, row_of, spread
from tests.helpers.toys import build_model

PROMPTS = ("tell me a letter", "and one more letter please", "x")


def sampled_in_bfloat16(tokenizer: PreTrainedTokenizerFast) -> tuple[Learner, TokenBatch]:
    """A learner in bfloat16, and 24 replies of the sampler that speaks with its weights."""
    learner = Learner(build_model(), LearnerConfig(dtype="bfloat16", micro_batch_tokens=4_096), reply_limit=24)
    sampler = TransformersSampler(learner.model, tokenizer)
    asked = [(Message("user", text),) for text in PROMPTS]
    replies = sampler.generate(asked, Sampling(max_new_tokens=24), [[100 * row + one for one in range(8)] for row in range(3)])
    samples = [
        Sample(reply, float(one % 3), Tag(role="solver", prompt_id=str(row), episode=row))
        for row, own in enumerate(replies)
        for one, reply in enumerate(own)
    ]
    return learner, collate(samples)


def gradient(learner: Learner, batch: TokenBatch, row: Algorithm) -> tuple[Mapping[str, Tensor], dict[str, float]]:
    ready = prepare(batch, row, learner.scorer, state={}, rng=np.random.default_rng(0), reply_limit=24)
    assert ready is not None
    _, stats = learner._accumulate(ready, row)
    found = {name: p.grad.clone() for name, p in learner.trainable.items() if p.grad is not None}
    learner._weights.zero_grad()
    return found, stats.means()


def test_rounding_takes_no_messages_gradient_at_the_first_step(tokenizer: PreTrainedTokenizerFast) -> None:
    learner, batch = sampled_in_bfloat16(tokenizer)
    row = ALGORITHMS["gspo"]
    found, metrics = gradient(learner, batch, row)
    # the mismatch is there and is seen, but it clips nothing
    assert metrics["ratio_max"] > 1 + 4e-4
    assert metrics["approx_kl"] > 0
    assert metrics["clip_fraction"] == 0
    plain, _ = gradient(learner, batch, replace(row, loss=policy_gradient, defaults={}))
    assert any((one != 0).any() for one in plain.values())
    for name, expected in plain.items():
        torch.testing.assert_close(found[name], expected, atol=1e-6, rtol=1e-3)
    # against the sampler rounding alone leaves GSPO's bounds
    clipped, metrics = gradient(learner, batch, row.configured({"old_logprobs": "sampler"}))
    assert metrics["clip_fraction"] > 0.2
    assert any(not torch.allclose(clipped[name], expected, atol=1e-4, rtol=1e-2) for name, expected in plain.items())


def test_one_step_takes_the_learners_own_without_a_look_and_several_look_once() -> None:
    row = row_of("grpo")
    assert ready_of(row, own=NEW, steps=1).old_BT is None
    several = ready_of(row, own=NEW, steps=2)
    assert several.old_BT is not None
    assert torch.equal(several.old_BT, spread(golden_batch(), NEW))
    assert several.own_B.all()
    # before anything has moved ratios are 1, whatever the look rounded otherwise
    assert several.first().old_BT is None
    sampler = ready_of(row_of("grpo", {"old_logprobs": "sampler"}), own=NEW, steps=2)
    assert sampler.old_BT is not None
    assert torch.equal(sampler.old_BT, spread(golden_batch(), OLD))
    assert sampler.first() is sampler


def test_messages_of_an_older_policy_keep_the_samplers() -> None:
    batch = replace(golden_batch(), version_B=torch.tensor([3, 3, 2, 2, 2, 3, 3]))
    for steps in (1, 2):
        ready = ready_of(row_of("grpo"), batch=batch, own=NEW, steps=steps, policy_version=3)
        assert ready.own_B.tolist() == [True, True, False, False, False, True, True]
        assert ready.old_BT is not None
        expected = torch.where(ready.own_B[:, None], spread(batch, NEW), spread(batch, OLD))
        assert torch.equal(ready.old_BT, expected)
        assert ready.first() is ready
    old = ready_of(row_of("grpo"), batch=batch, own=NEW, steps=1, policy_version=4)
    assert old.old_BT is not None
    assert torch.equal(old.old_BT, spread(batch, OLD))


@pytest.mark.parametrize("steps", [1, 2])
def test_truncated_importance_corrects_for_every_age_and_ratios_hold_the_steps_alone(steps: int) -> None:
    batch = replace(golden_batch(), version_B=torch.tensor([3, 3, 2, 2, 2, 3, 3]))
    ready = ready_of(row_of("grpo", {"tis_cap": 2.0}), batch=batch, own=NEW, steps=steps, policy_version=3)
    assert ready.own_B.all()
    if steps == 1:
        assert ready.old_BT is None
    else:
        assert ready.old_BT is not None
        assert torch.equal(ready.old_BT, spread(batch, NEW))
    # min(r, 2) over the 11 tokens of the table: 2 1 | 1/2 | 5/4 1 1/2 | 1/2 2 | 1 | 13/10 | 9/10
    assert ready.metrics["tis_weight"] == pytest.approx(11.95 / 11)


def test_what_clips_is_counted_by_the_cap_of_cispo_too() -> None:
    """Ratios 8 and 2 leave [.., 5] and [0.8, 1.2]: of 11 tokens 1 is above 5."""
    from agents.learner.statistics import LearnerStats

    batch = golden_batch()
    row_N = torch.arange(7).repeat_interleave(batch.mask_BT.sum(-1))
    new_N, old_N = spread(batch, NEW)[batch.mask_BT], spread(batch, OLD)[batch.mask_BT]
    # grpo: 8, 1/2, 5/4, 1/2, 1/2, 2, 13/10 leave [0.8, 1.2]
    for name, share in (("cispo", 1 / 11), ("grpo", 7 / 11), ("reinforce", 0.0)):
        row = ALGORITHMS[name]
        stats = LearnerStats(batch.tags, row.ratio_bounds, per_message=row.clips_messages)
        stats.add(row_N, new_N, old_N, old_N, torch.zeros(11))
        assert stats.means()["clip_fraction"] == pytest.approx(share)
