from __future__ import annotations

import copy
import math
from typing import Any, cast

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from agents.algorithms.table import ALGORITHMS
from agents.config.learner import LearnerConfig
from agents.learner.learner import Learner
from agents.learner.master_weights import MasterWeights
from tests.helpers.golden_batch import golden_batch
from tests.helpers.toys import build_model

BF16 = torch.bfloat16


def test_a_thousand_small_gradients_add_up_exactly() -> None:
    """bfloat16 has 8 bits: it stops at 256 when 1 is added again and again."""
    own, naive = nn.Parameter(torch.ones(1, dtype=BF16)), nn.Parameter(torch.ones(1, dtype=BF16))
    masters = MasterWeights({"w": own})
    for _ in range(1000):
        torch.autograd.backward(own.sum())
        torch.autograd.backward(naive.sum())
    assert naive.grad is not None
    assert naive.grad.item() == 256
    grad = masters.weights["w"].grad
    assert grad is not None
    assert (grad.dtype, grad.item()) == (torch.float32, 1000)
    assert own.grad is None


def test_a_step_of_a_millionth_moves_the_master_and_adds_up_in_the_model() -> None:
    own, naive = (nn.Parameter(torch.full((1,), 0.1, dtype=BF16)) for _ in range(2))
    start = own.item()
    masters = MasterWeights({"w": own})
    ours, theirs = torch.optim.SGD(masters.weights.values(), lr=1e-6), torch.optim.SGD([naive], lr=1e-6)
    for step in range(1, 401):
        for weight, optimizer in ((own, ours), (naive, theirs)):
            torch.autograd.backward(weight.sum())
            optimizer.step()
        masters.publish()
        masters.zero_grad()
        naive.grad = None
        if step == 1:
            assert masters.weights["w"].item() == pytest.approx(start - 1e-6, abs=1e-8)
            assert own.item() == start
    # values near 0.1 are 2^-11 = 0.00049 apart: 400 steps of 1e-6 are nearer to the next one below
    assert masters.weights["w"].item() == pytest.approx(start - 4e-4, abs=1e-6)
    assert own.item() == start - 2**-11
    assert naive.item() == start


def test_float32_weights_are_their_own_masters() -> None:
    own = nn.Parameter(torch.ones(2))
    masters = MasterWeights({"w": own})
    assert masters.weights["w"] is own
    torch.autograd.backward((3 * own).sum())
    assert own.grad is not None
    assert own.grad.tolist() == [3.0, 3.0]


def test_loading_restores_masters_and_model() -> None:
    own = nn.Parameter(torch.ones(1, dtype=BF16))
    masters = MasterWeights({"w": own})
    masters.load({"w": torch.tensor([1.001])})
    assert masters.weights["w"].item() == pytest.approx(1.001)
    assert own.item() == 1.0  # 1.001 rounds to 1 in bfloat16


def test_a_learner_in_bfloat16_keeps_float32_masters_whose_small_steps_count() -> None:
    learner = Learner(build_model(), LearnerConfig(dtype="bfloat16", lr=1e-6, warmup_steps=0))
    assert all(p.dtype == BF16 for p in learner.model.parameters())
    assert all(p.dtype == torch.float32 for p in learner.trainable.values())
    before = {name: p.detach().clone() for name, p in learner.trainable.items()}
    seen = {name: p.detach().clone() for name, p in learner.model.named_parameters()}
    metrics = learner.update(golden_batch(), ALGORITHMS["grpo"])
    assert metrics["grad_norm"] > 0
    moved = torch.cat([(p.detach() - before[name]).abs().flatten() for name, p in learner.trainable.items()])
    # Adam's first step is lr on every weight that has a gradient, up to float32's rounding of a weight of about 1
    assert moved.max().item() == pytest.approx(1e-6, rel=0.1)
    assert (moved > 5e-7).float().mean() > 0.5
    same = [torch.equal(p, seen[name]) for name, p in learner.model.named_parameters() if "norm" in name]
    assert all(same), "weights of 1 are 2^-8 apart in bfloat16"
    for name, p in learner.model.named_parameters():
        assert torch.equal(p, learner.trainable[name].to(BF16))


def test_masters_take_over_the_memory_of_the_weights_that_are_rounded() -> None:
    model = build_model()
    before = {name: (p.data_ptr(), p.detach().clone()) for name, p in model.named_parameters()}
    learner = Learner(model, LearnerConfig(dtype="bfloat16"))
    for name, (place, values) in before.items():
        assert learner.trainable[name].data_ptr() == place
        assert torch.equal(learner.trainable[name], values)
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_an_adapter_that_is_not_active_collects_once_it_is() -> None:
    own = nn.Parameter(torch.ones(2, dtype=BF16), requires_grad=False)
    masters = MasterWeights({"w": own})
    assert not own.requires_grad
    own.requires_grad_(True)
    torch.autograd.backward((3 * own).sum())
    grad = masters.weights["w"].grad
    assert grad is not None
    assert grad.tolist() == [3.0, 3.0]
    assert own.grad is None


def long_model() -> LlamaForCausalLM:
    """Room for 4,096 positions, and weights wide enough for far ones to matter."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=64,
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=4_096,
            tie_word_embeddings=True,
            initializer_range=0.2,
        )
        return LlamaForCausalLM(config).eval()


@pytest.mark.parametrize("rank", [0, 2])
def test_the_frequencies_of_rope_are_not_rounded(rank: int) -> None:
    learner = Learner(long_model(), LearnerConfig(dtype="bfloat16", lora_rank=rank))
    learner.keep_reference()
    assert learner.reference is not None
    with learner.reference.active() as reference:
        for model in (learner.model, copy.deepcopy(learner.model), reference):
            found = {name: b for name, b in model.named_buffers() if name.endswith("inv_freq")}
            assert len(found) == 2
            for frequency in found.values():
                # 10,000 to the power of -2 i / 32
                expected = torch.exp(-math.log(10_000) * torch.arange(0, 32, 2, dtype=torch.float64) / 32)
                torch.testing.assert_close(frequency, expected.float(), rtol=1e-6, atol=0)
            assert {p.dtype for p in model.parameters()} == {BF16}


def test_three_thousand_tokens_on_a_model_in_bfloat16_says_what_it_says_in_float64() -> None:
    """With rounded frequencies the log-probabilities of the last 200 tokens were 0.27 nats off in the mean."""
    model = Learner(long_model(), LearnerConfig(dtype="bfloat16")).model
    exact: Any = copy.deepcopy(model).double()
    exact.model.rotary_emb.inv_freq = torch.exp(-math.log(10_000) * torch.arange(0, 32, 2, dtype=torch.float64) / 32)
    ids_1T = torch.randint(64, (1, 3_000), generator=torch.Generator().manual_seed(1))
    found = []
    with torch.no_grad():
        for one in (model, exact):
            logits_TV = cast(Any, one)(input_ids=ids_1T, logits_to_keep=201).logits[0, :-1].double()
            found.append(logits_TV.log_softmax(-1).gather(-1, ids_1T[0, -200:, None]))
    assert (found[0] - found[1]).abs().mean() < 0.05


def test_micro_batches_in_bfloat16_add_up_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split or whole, the gradient differs by the rounding of single micro-batches, not by the order or number of sums."""
    found: list[dict[str, torch.Tensor]] = []
    for budget in (8, 10**6):
        learner = Learner(build_model(), LearnerConfig(dtype="bfloat16", lr=0.0, grad_clip=0.0, micro_batch_tokens=budget))
        kept: dict[str, torch.Tensor] = {}
        own_step = learner._weights.step

        def step(learner: Learner = learner, kept: dict[str, torch.Tensor] = kept, own_step: object = own_step) -> object:
            kept.update({name: p.grad.clone() for name, p in learner.trainable.items() if p.grad is not None})
            return own_step()  # type: ignore[operator]

        monkeypatch.setattr(learner._weights, "step", step)
        learner.update(golden_batch(), ALGORITHMS["grpo"])
        found.append(kept)
    for name, split in found[0].items():
        assert split.dtype == torch.float32
        assert (split - found[1][name]).norm() < 0.05 * found[1][name].norm()
