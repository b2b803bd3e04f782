from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.algorithms.algorithm import Algorithm
from agents.algorithms.losses import policy_gradient
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.batching.micro_batches import micro_batches
from agents.config.learner import LearnerConfig
from agents.config.sampling import Sampling
from agents.learner.learner import Learner
from agents.learner.prepare import prepare
from agents.models.forward import score
from agents.samplers.transformers import TransformersSampler
from tests.helpers.batches import PROMPTS, sampled
from tests.helpers.toys import build_model
from tests.helpers.weights import sync


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_learner_and_sampler_agree_on_logprobs(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, share: bool, temperature: float
) -> None:
    batch = sampled(model, tokenizer, t=temperature)
    learner = Learner(model, LearnerConfig(share_prompts=share, micro_batch_tokens=100), temperature=temperature)
    assert learner.scorer.shares_prompts == share
    found = learner.logprobs(batch)
    torch.testing.assert_close(found, batch.logprobs_BT, atol=1e-5, rtol=0)
    assert (found[~batch.mask_BT] == 0).all()


def accumulate(learner: Learner, batch: TokenBatch, algorithm: Algorithm) -> float:
    """Leaves the gradient of a step in the weights; returns its loss."""
    ready = prepare(batch, algorithm, learner.scorer, state={}, rng=np.random.default_rng(0), reply_limit=10)
    assert ready is not None
    return learner._accumulate(ready, algorithm)[0]


def gradients(config: LearnerConfig, batch: TokenBatch, algorithm: str) -> tuple[dict[str, torch.Tensor], float]:
    learner = Learner(build_model(dtype=torch.float64), config)
    loss = accumulate(learner, batch, ALGORITHMS[algorithm])
    return {name: p.grad for name, p in learner.trainable.items() if p.grad is not None}, loss


@pytest.mark.parametrize("share", [False, True])
def test_k_micro_batches_are_one_batch(tokenizer: PreTrainedTokenizerFast, share: bool) -> None:
    batch = sampled(build_model(), tokenizer)
    whole, loss = gradients(LearnerConfig(micro_batch_tokens=10**6, share_prompts=False), batch, "trr++")
    parts, split_loss = gradients(LearnerConfig(micro_batch_tokens=40, share_prompts=share), batch, "trr++")
    assert len(micro_batches(batch, 40, share=share)) > 2
    assert loss == pytest.approx(split_loss, abs=1e-6)
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, atol=1e-6, rtol=1e-4)


def test_on_policy_the_clipped_gradient_is_the_reinforce_gradient(tokenizer: PreTrainedTokenizerFast) -> None:
    batch = sampled(build_model(), tokenizer)
    exact = Learner(build_model(dtype=torch.float64)).logprobs(batch)
    batch = TokenBatch(**{name: getattr(batch, name) for name in batch.__dataclass_fields__} | {"logprobs_BT": exact})
    row = ALGORITHMS["trr++"]
    clipped, _ = gradients(LearnerConfig(), batch, "trr++")
    learner = Learner(build_model(dtype=torch.float64))
    accumulate(learner, batch, replace(row, loss=policy_gradient, defaults={"statistics": "token"}))
    for name, p in learner.trainable.items():
        assert p.grad is not None
        torch.testing.assert_close(clipped[name], p.grad, atol=1e-5, rtol=1e-3)


def test_metrics_of_an_on_policy_update(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    batch = sampled(model, tokenizer)
    metrics = Learner(model).update(batch, ALGORITHMS["trr++"])
    assert metrics["tokens"] == batch.num_tokens
    assert metrics["approx_kl"] == pytest.approx(0, abs=1e-8)
    assert metrics["clip_fraction"] == 0
    assert metrics["ratio_mean"] == pytest.approx(1, abs=1e-5)
    assert 0 < metrics["entropy"] < np.log(46)
    assert metrics["entropy_sampled"] == pytest.approx(-batch.logprobs_BT.sum().item() / batch.num_tokens, abs=1e-5)
    assert metrics["solver/x/entropy"] == pytest.approx(metrics["entropy"])


def test_exact_entropy_by_hand(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    batch = sampled(model, tokenizer, k=1).rows([0])
    entropy = score(model, batch, 1.0).entropy_N.detach()
    ids = batch.ids_BT
    with torch.no_grad():
        p = model(input_ids=ids).logits[0].softmax(-1)
    expected = -(p * p.log()).sum(-1)[:-1][batch.mask_BT[0, 1:]]
    torch.testing.assert_close(entropy, expected, atol=1e-5, rtol=1e-5)


def share_of_a(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> float:
    return sampled(model, tokenizer, seed=99, k=20).returns_B.mean().item()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_rewarded_letter_becomes_frequent_and_a_flipped_loss_is_noticed(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, sign: float
) -> None:
    learner = Learner(model, LearnerConfig(lr=3e-3))
    before = share_of_a(model, tokenizer)
    for step in range(25):
        batch = sampled(model, tokenizer, seed=step, k=8)
        learner.update(batch.with_returns(sign * batch.returns_B), ALGORITHMS["trr++"])
    after = share_of_a(model, tokenizer)
    assert after > before + 0.15 if sign > 0 else after <= before / 2


def test_updates_are_bit_identical_and_resume(tokenizer: PreTrainedTokenizerFast) -> None:
    def run(split: bool) -> list[torch.Tensor]:
        learner = Learner(build_model(), LearnerConfig(lr=1e-2))
        for step in range(4):
            if split and step == 2:
                state, learner = learner.state_dict(), Learner(build_model(seed=5), LearnerConfig(lr=1e-2))
                learner.load_state_dict(state)
            learner.update(sampled(learner.model, tokenizer, seed=step), ALGORITHMS["reinforce++"])
        assert learner.policy_version == 4
        return [p.detach().clone() for p in learner.model.parameters()]

    whole, again, resumed = run(False), run(False), run(True)
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(whole, again, resumed, strict=True))


def test_lora_trains_adapters_only_and_starts_as_the_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    batch = sampled(model, tokenizer)
    state = torch.get_rng_state()
    learner = Learner(model, LearnerConfig(lora_rank=2, lr=1e-2))
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(learner.logprobs(batch), batch.logprobs_BT, atol=1e-5, rtol=0)
    assert learner.scorer.shares_prompts
    assert all("lora" in name for name in learner.trainable)
    frozen = {name: p.clone() for name, p in learner.model.named_parameters() if not p.requires_grad}
    learner.update(batch, ALGORITHMS["trr++"])
    learner.update(batch, ALGORITHMS["trr++"])
    assert all(torch.equal(p, frozen[name]) for name, p in learner.model.named_parameters() if name in frozen)
    assert not torch.allclose(learner.logprobs(batch), batch.logprobs_BT, atol=1e-4)


def test_sync_stamps_the_version_and_the_policy_moved(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model, LearnerConfig(lr=1e-2, warmup_steps=0))
    sampler = TransformersSampler(learner.model, tokenizer)
    batch = sampled(model, tokenizer)
    learner.update(batch, ALGORITHMS["trr++"])
    sync(learner, sampler)
    [[reply]] = sampler.generate(PROMPTS[:1], Sampling(max_new_tokens=10), [(0,)])
    assert reply.policy_version == 1
    fresh = collate([Sample(reply, 0.0, Tag(role="solver"))])
    torch.testing.assert_close(learner.logprobs(fresh), fresh.logprobs_BT, atol=1e-5, rtol=0)
    assert (learner.logprobs(batch) - batch.logprobs_BT).abs().max() > 1e-3
    apart = TransformersSampler(build_model(seed=7), tokenizer)
    sync(learner, apart)
    assert apart.policy_version == 1
    assert all(torch.equal(a, b) for a, b in zip(apart.model.parameters(), learner.model.parameters(), strict=True))
    assert apart.model is not learner.model


def test_a_loss_that_is_not_finite_stops(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    batch = sampled(model, tokenizer)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(ValueError, match=r"the loss is nan at policy version 0"):
        Learner(model).update(batch, ALGORITHMS["trr++"])


@pytest.mark.parametrize(
    ("field", "value"), [("lr", -1.0), ("beta1", 1.0), ("micro_batch_tokens", 0), ("epochs", 0), ("lora_rank", -1)]
)
def test_config_checks_its_fields(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"LearnerConfig.{field}={value}"):
        LearnerConfig(**{field: value})  # type: ignore[arg-type]


def test_temperature_zero_cannot_be_trained(model: PreTrainedModel) -> None:
    with pytest.raises(ValueError, match="temperature=0"):
        Learner(model, temperature=0)


def test_the_old_way_to_give_weights_to_a_sampler_still_works(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    learner = Learner(model)
    learner.policy_version = 3
    sampler = TransformersSampler(learner.model, tokenizer)
    with pytest.warns(DeprecationWarning, match=r"Learner\.sync is now"):
        learner.sync(sampler)
    assert sampler.policy_version == 3

    calls = []
    old = SimpleNamespace(receive=lambda model, version: calls.append((model, version)))
    with pytest.warns(DeprecationWarning, match=r"Learner\.sync is now"):
        learner.sync(old)
    assert calls == [(learner.model, 3)]
