"""Several optimiser steps on one batch, and updates that fail in one of them."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.agent import Agent
from agents.algorithms.algorithm import Algorithm
from agents.algorithms.losses import policy_gradient
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.config.learner import LearnerConfig
from agents.config.sampling import Sampling
from agents.core.errors import LossNotFinite
from agents.learner.learner import Learner
from agents.learner.mini_batches import over_steps, steps_of
from agents.learner.optimizer import VALUE_HEAD
from agents.learner.prepare import prepare
from agents.learner.prepared_batch import Prepared
from agents.models.loading import load_model
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message
from tests.helpers.batches import sampled
from tests.helpers.finished_runs import assert_equal
from tests.helpers.toys import build_model

SFT = ALGORITHMS["sft"]


def prepared(batch: TokenBatch, algorithm: Algorithm, learner: Learner, steps: int = 1) -> Prepared:
    ready = prepare(batch, algorithm, learner.scorer, state={}, rng=np.random.default_rng(0), reply_limit=10, steps=steps)
    assert ready is not None
    return ready


def sloped_at(call: int) -> Algorithm:
    """Maximum likelihood whose loss, from that call on, is finite and has a gradient that is not: a root at 0."""
    calls = count(1)

    def loss(logprobs_BT: Tensor, old_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor, denominator: Tensor) -> Tensor:
        found = policy_gradient(logprobs_BT, old_BT, advantage_BT, mask_BT, denominator)
        return found + (0.0 * logprobs_BT.sum()).abs().sqrt() if next(calls) >= call else found

    return replace(SFT, name="sloped", loss=loss)


@pytest.mark.parametrize(
    ("steps", "call"), [({}, 1), ({"epochs": 2}, 1), ({"epochs": 2}, 2), ({"mini_batches": 3}, 3), ({"lora_rank": 2}, 1)]
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_finite_loss_with_a_gradient_that_is_not_changes_nothing(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, steps: dict[str, int], call: int, dtype: Any
) -> None:
    batch = sampled(model, tokenizer)
    learner = Learner(model, LearnerConfig(lr=1e-2, dtype=dtype, micro_batch_tokens=10**6, **steps))  # type: ignore[arg-type]
    learner.update(batch, SFT)
    before, weights = learner.state_dict(), {name: p.detach().clone() for name, p in learner.model.named_parameters()}
    with pytest.raises(LossNotFinite, match=r"the gradient's norm is (nan|inf) at optimiser step"):
        learner.update(batch, sloped_at(call))
    assert_equal(learner.state_dict(), before)
    assert all(torch.equal(p, weights[name]) for name, p in learner.model.named_parameters())
    assert all(p.grad is None for p in (*learner.trainable.values(), *learner.model.parameters()))
    learner.update(batch, SFT)
    assert learner.policy_version == 2


@pytest.mark.parametrize("steps", [{}, {"epochs": 2}])
def test_a_value_head_that_a_failed_update_made_goes_again(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, steps: dict[str, int]
) -> None:
    batch, learner = sampled(model, tokenizer), Learner(model, LearnerConfig(lr=1e-2, **steps))  # type: ignore[arg-type]
    learner.update(batch, SFT)
    before = learner.state_dict()
    row = replace(sloped_at(max(steps.values(), default=1)), needs=frozenset({"value_head"}))
    with pytest.raises(LossNotFinite):
        learner.update(batch, replace(row, advantage=ALGORITHMS["ppo"].advantage))
    assert_equal(learner.state_dict(), before)
    learner.update(batch, ALGORITHMS["ppo"])
    assert VALUE_HEAD in learner.state_dict()["weights"]
    learner.load_state_dict(before)
    assert_equal(learner.state_dict(), before)
    learner.update(batch, ALGORITHMS["ppo"])


def test_the_same_where_an_agent_learns(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model, LearnerConfig(lr=1e-2))
    agent = Agent(TransformersSampler(model, tokenizer), learner, sloped_at(1), sampling=Sampling(max_new_tokens=8))
    agent.act({"role": "solver", "attempt": 0, "turn": 0, "messages": [{"role": "user", "content": "a"}]})
    agent.observe(1.0, True, False, {"credit": [("solver", 0, 0, 1.0)]})
    before = learner.state_dict()
    with pytest.raises(LossNotFinite, match="the gradient's norm is nan"):
        agent.learn()
    assert_equal(learner.state_dict(), before)


def test_what_heed_raises_ends_an_update_in_any_step_and_nothing_was_changed(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    batch = sampled(model, tokenizer)
    learner = Learner(model, LearnerConfig(lr=1e-2, epochs=2, mini_batches=2, micro_batch_tokens=60))
    calls = 0

    def heed(until: int = 1 << 30) -> None:
        nonlocal calls
        calls += 1
        if calls == until:
            raise KeyboardInterrupt

    learner.heed = heed
    learner.update(batch, SFT)
    before, total = learner.state_dict(), calls
    assert total > 6
    for until in (1, 2, total // 2, total):
        calls = 0
        learner.heed = lambda until=until: heed(until)
        with pytest.raises(KeyboardInterrupt):
            learner.update(batch, SFT)
        assert_equal(learner.state_dict(), before)


def test_a_state_is_a_snapshot_before_and_after_it_is_loaded(tokenizer: PreTrainedTokenizerFast) -> None:
    learner, other = Learner(build_model()), Learner(build_model(seed=3))
    batch = sampled(learner.model, tokenizer)
    learner.update(batch, SFT)
    state, again = learner.state_dict(), learner.state_dict()
    learner.update(batch, SFT)
    assert_equal(state, again)
    assert {float(one["step"]) for one in state["optimizer"]["state"].values()} == {1.0}
    other.load_state_dict(state)
    other.update(batch, SFT)
    assert_equal(state, again)
    assert_equal(other.state_dict(), learner.state_dict())


def test_warm_up_counts_optimiser_steps(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    batch = sampled(model, tokenizer)
    config = LearnerConfig(lr=1e-3, warmup_steps=5, mini_batches=2)
    learner, used = Learner(model, config), list[float]()
    step = learner.optimizer.step
    learner.optimizer.step = lambda: (used.append(learner.optimizer.param_groups[0]["lr"]), step())  # type: ignore[assignment]
    metrics = learner.update(batch, SFT)
    assert metrics["optimizer_steps"] == 2
    assert learner.optimizer_steps == 2
    learner.update(batch, SFT)
    resumed = Learner(build_model(seed=3), config)
    resumed.load_state_dict(learner.state_dict())
    learner.update(batch, SFT)
    assert used == pytest.approx([2e-4, 4e-4, 6e-4, 8e-4, 1e-3, 1e-3])
    resumed.update(batch, SFT)
    assert_equal(resumed.state_dict(), learner.state_dict())


def test_a_state_of_before_that_count_goes_on_with_its_updates(tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(build_model(), LearnerConfig(epochs=2))
    learner.update(sampled(learner.model, tokenizer), SFT)
    state = {name: value for name, value in learner.state_dict().items() if name != "optimizer_steps"}
    other = Learner(build_model(), LearnerConfig(epochs=2))
    other.load_state_dict(state)
    assert other.optimizer_steps == learner.optimizer_steps == 2


def test_adamw_by_hand(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """w <- w - lr decay w;  m, v <- means of g, g^2;  w <- w - lr m' / (sqrt(v') + eps), with m', v' freed of their start."""
    lr, beta1, beta2, eps, decay = 1e-2, 0.9, 0.999, 1e-3, 0.1
    config = LearnerConfig(lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=decay, grad_clip=0.0, warmup_steps=0)
    learner = Learner(model, config)
    batch = sampled(model, tokenizer)
    start = {name: p.detach().double() for name, p in learner.trainable.items()}
    weights, means, squares = dict(start), *({name: torch.zeros_like(p) for name, p in start.items()} for _ in range(2))
    for step in (1, 2):
        learner._accumulate(prepared(batch, SFT, learner), SFT)
        gradient = {name: p.grad.double() for name, p in learner.trainable.items() if p.grad is not None}
        assert set(gradient) == set(start)
        moved_by = 0.0
        for name, g in gradient.items():
            means[name] = beta1 * means[name] + (1 - beta1) * g
            squares[name] = beta2 * squares[name] + (1 - beta2) * g**2
            mean, square = means[name] / (1 - beta1**step), squares[name] / (1 - beta2**step)
            after = weights[name] * (1 - lr * decay) - lr * mean / (square.sqrt() + eps)
            moved_by += float(((after - weights[name]) ** 2).sum())
            weights[name] = after
        before = {name: p.detach().double() for name, p in learner.trainable.items()}
        metrics = learner.update(batch, SFT)
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradient.values()))
        assert metrics["grad_norm"] == pytest.approx(norm, rel=1e-5)
        for name, p in learner.trainable.items():
            torch.testing.assert_close(p.detach().double(), weights[name], atol=2e-7, rtol=2e-6)
        found = math.sqrt(sum(float(((p.detach().double() - before[n]) ** 2).sum()) for n, p in learner.trainable.items()))
        assert found == pytest.approx(math.sqrt(moved_by), rel=1e-4)


def test_every_message_trains_once_a_pass_and_pairs_stay_together(tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(build_model())
    batch = sampled(learner.model, tokenizer)
    ready = prepared(batch, SFT, learner)
    parts = list(steps_of(ready, 2, 5, np.random.default_rng(1)))
    assert [len(part.batch) for part in parts] == [3, 3, 2, 2, 2] * 2
    first, second = (torch.cat([part.batch.returns_B for part in own]) for own in (parts[:5], parts[5:]))
    assert first.tolist() != second.tolist()
    assert first.sort().values.tolist() == second.sort().values.tolist() == ready.batch.returns_B.sort().values.tolist()
    assert [len(part.batch) for part in steps_of(ready, 1, 99, np.random.default_rng(1))] == [1] * 12
    learner.keep_reference()
    dpo = prepared(batch.with_returns(torch.arange(12.0)), ALGORITHMS["dpo"], learner)
    for part in steps_of(dpo, 1, 3, np.random.default_rng(1)):
        winners, losers = part.batch.returns_B[::2], part.batch.returns_B[1::2]
        assert [tag.prompt_id for tag in part.batch.tags[::2]] == [tag.prompt_id for tag in part.batch.tags[1::2]]
        assert (winners > losers).all()


def test_one_mini_batch_draws_nothing_and_is_the_batch(tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(build_model())
    ready = prepared(sampled(learner.model, tokenizer), SFT, learner)
    rng = np.random.default_rng(0)
    assert all(part is ready for part in steps_of(ready, 3, 1, rng))
    assert rng.random() == np.random.default_rng(0).random()


def test_mini_batches_are_steps_on_their_messages_alone(tokenizer: PreTrainedTokenizerFast) -> None:
    config = LearnerConfig(lr=1e-2, warmup_steps=3)
    learner, other = Learner(build_model(), replace(config, mini_batches=3)), Learner(build_model(), config)
    batch = sampled(learner.model, tokenizer)
    shares = list(steps_of(prepared(batch, SFT, learner), 1, 3, np.random.default_rng(0)))
    learner_rng = iter(shares)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.learner.learner.steps_of", lambda *_: learner_rng)
        metrics = learner.update(batch, SFT)
    alone = [other.update(share.batch, SFT) for share in shares]
    assert all(torch.equal(a, b) for a, b in zip(learner.trainable.values(), other.trainable.values(), strict=True))
    assert (learner.policy_version, other.policy_version, learner.optimizer_steps) == (1, 3, 3)
    tokens = [share.batch.num_tokens for share in shares]
    assert metrics["tokens"] == batch.num_tokens == sum(tokens)
    for name in ("loss", "grad_norm", "entropy", "lr"):
        assert metrics[name] == pytest.approx(np.average([row[name] for row in alone], weights=tokens), rel=1e-6)


def test_metrics_of_several_steps_by_hand() -> None:
    rows = [
        {"loss": 1.0, "tokens": 30.0, "ratio_min": 0.9, "ratio_max": 1.0, "a/x/entropy": 2.0, "a/x/tokens": 10.0},
        {"loss": 2.0, "tokens": 10.0, "ratio_min": 0.8, "ratio_max": 1.5, "a/x/entropy": 4.0, "a/x/tokens": 30.0, "b": 3.0},
    ]
    wanted = {
        "loss": 1.25,
        "tokens": 40.0,
        "ratio_min": 0.8,
        "ratio_max": 1.5,
        "a/x/entropy": 3.5,
        "a/x/tokens": 40.0,
        "b": 3.0,
    }
    assert over_steps(rows, 1) == wanted
    assert over_steps(rows, 2) == wanted | {"tokens": 20.0, "a/x/tokens": 20.0}
    assert over_steps(rows[:1], 1) == rows[0]


@pytest.mark.parametrize("name", ["trr++", "gspo", "cispo"])
def test_three_mini_batches_make_clipping_act_on_the_tiny_model(name: str) -> None:
    def updated(**steps: Any) -> tuple[dict[str, float], list[Tensor]]:
        model, _ = load_model("tiny", device="cpu", short_cuts="none")
        learner = Learner(model, LearnerConfig(lr=3e-3, warmup_steps=0, **steps))
        row = ALGORITHMS[name].configured({"weight_cap": 1.0} if name == "cispo" else {})
        return learner.update(batch, row), list(learner.trainable.values())

    model, tokenizer = load_model("tiny", device="cpu", short_cuts="none")
    prompts = [(Message("user", f"solve deduction\n```python\ndef f(x):\n    return x + {i}\n```"),) for i in range(6)]
    replies = TransformersSampler(model, tokenizer).generate(prompts, Sampling(max_new_tokens=16), [range(4)] * 6)
    batch = collate(
        [
            Sample(reply, float(j % 2), Tag(role="solver", task_type="x", prompt_id=str(i)))
            for i, own in enumerate(replies)
            for j, reply in enumerate(own)
        ]
    )
    once, _ = updated()
    thrice, weights = updated(mini_batches=3)
    assert once["clip_fraction"] == 0
    assert thrice["clip_fraction"] > 0
    assert (once["optimizer_steps"], thrice["optimizer_steps"]) == (1, 3)
    again, same = updated(mini_batches=3)
    assert again == thrice
    assert all(torch.equal(a, b) for a, b in zip(weights, same, strict=True))
    split, close = updated(mini_batches=3, micro_batch_tokens=100)
    assert split["clip_fraction"] == pytest.approx(thrice["clip_fraction"], abs=0.02)
    assert split["loss"] == pytest.approx(thrice["loss"], abs=1e-4)
    moved = [float((a - b).detach().abs().mean()) for a, b in zip(weights, close, strict=True)]
    assert max(moved) < 1e-4  # a step moves a weight by 3e-3; what is left is rounding that Adam blows up


def test_rows_without_a_ratio_refuse_several_steps(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    batch = sampled(model, tokenizer)
    for config in (LearnerConfig(epochs=2), LearnerConfig(mini_batches=2)):
        with pytest.raises(ValueError, match="'rloo' has no ratio"):
            Learner(model, config).update(batch, ALGORITHMS["rloo"])


def test_an_update_says_whether_it_had_anything_to_learn_from(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    learner, batch = Learner(model), sampled(model, tokenizer)
    assert learner.update(batch, ALGORITHMS["grpo"])["no_signal"] == 0
    flat = batch.with_returns(torch.full((len(batch),), 0.1))
    assert learner.update(flat, ALGORITHMS["grpo"])["no_signal"] == 1
    assert learner.update(flat, ALGORITHMS["dapo"].configured({"overlong_share": 0.0}))["no_signal"] == 1
    assert learner.update(flat, SFT)["no_signal"] == 0
