"""A sampler that is not the learner is found, whatever is wrong with it; one that is passes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.core.errors import LossNotFinite, SyncError
from agents.learner.learner import Learner
from agents.models.adapters import SHARED
from agents.models.chat import Prompt
from agents.models.loading import load_model
from agents.models.smollm2 import INSTALL, find_gguf
from agents.models.weights import Weights
from agents.samplers.adapter_view import AdapterView
from agents.samplers.base import Sampler
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.transformers import TransformersSampler
from agents.training.weight_sync import REPLIES, TOKENS, SyncCheck, WeightSync, sync_check
from selfplay_envs import Reply
from tests.helpers.toys import GAME, build_model
from tests.helpers.weights import sync


def nudge(learner: Learner, size: float, role: str = "") -> None:
    """What an update does, as far as a sampler can tell."""
    rng = torch.Generator().manual_seed(learner.policy_version)
    with torch.no_grad():
        for name, p in learner.model.named_parameters():
            if p.requires_grad or ".lora_" in name:
                p.add_(torch.randn(p.shape, generator=rng), alpha=size if role in name else 0.0)
    learner.policy_version += 1


class Stale(TransformersSampler):
    """Stamps the new version, keeps the old weights."""

    def load_weights(self, weights: Weights) -> None:
        self.policy_version = weights.version


class Faint(Stale):
    """Follows in float32: what it says changes by `echo` nats with every version, which is all that was learned."""

    echo = 5e-5

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        [replies] = super().generate(prompts, sampling, seeds)
        return [[replace(r, logprobs=tuple(x - self.echo * self.policy_version for x in r.logprobs)) for r in replies]]


class Unstamped(TransformersSampler):
    """Takes over the weights, keeps the old version."""

    def load_weights(self, weights: Weights) -> None:
        super().load_weights(replace(weights, version=self.policy_version))


class Warm(TransformersSampler):
    """Samples at another temperature than it is told."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        return super().generate(prompts, Sampling(temperature=1.1, max_new_tokens=sampling.max_new_tokens), seeds)


class Shifted(TransformersSampler):
    """Misses one log-probability by so many nats."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, by: float) -> None:
        super().__init__(model, tokenizer)
        self.by = by

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        [[first, *others]] = super().generate(prompts, sampling, seeds)
        return [[replace(first, logprobs=(first.logprobs[0] - self.by, *first.logprobs[1:])), *others]]


class Noisy(TransformersSampler):
    """Gives log-probabilities that are off by so much in the mean, `once` on the first token; or samples at a temperature."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        mean: float,
        once: float = 0.0,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(model, tokenizer)
        self.mean, self.once, self.temperature = mean, once, temperature

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        sampling = Sampling(temperature=self.temperature, max_new_tokens=sampling.max_new_tokens)
        [replies] = super().generate(prompts, sampling, seeds)
        first, signs = self.once, itertools.cycle((1.0, -1.0))
        found: list[Reply] = []
        for reply in replies:
            off = [(first or self.mean) * next(signs), *(self.mean * next(signs) for _ in reply.logprobs[1:])]
            found.append(replace(reply, logprobs=tuple(x + y for x, y in zip(reply.logprobs, off, strict=True))))
            first = 0.0
        return [found]


class OnePolicy(TransformersSampler):
    """Answers with the proposer's adapter, whatever the adapter."""

    def with_adapter(self, adapter: str) -> AdapterView:
        return super().with_adapter("proposer")


def test_one_module_and_a_copy_that_follows_agree(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model, temperature=0.7)
    shared, apart = TransformersSampler(model, tokenizer), TransformersSampler(model, tokenizer, copy=True)
    checks = [SyncCheck(tokenizer, 0.7, 1e-3) for _ in range(2)]
    for size in (0.0, 1e-3, 1e-6, 0.0, 0.1):
        nudge(learner, size)
        for check, sampler in zip(checks, (shared, apart), strict=True):
            sync(learner, sampler)
            found = check.check(learner, sampler)
            assert set(found) == {"sync_gap", "sync_gap_mean"}
            assert 0 <= found["sync_gap_mean"] <= found["sync_gap"] < 1e-5


def test_the_gap_is_the_largest_difference_and_the_mean_of_all(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    learner = Learner(model)
    found = SyncCheck(tokenizer, 1.0, 0.3).check(learner, Shifted(model, tokenizer, 0.25))
    assert found["sync_gap"] == pytest.approx(0.25, abs=1e-4)
    assert 0.25 / (REPLIES * TOKENS) - 1e-6 <= found["sync_gap_mean"] < 0.25 / REPLIES  # each reply has a token at least
    with pytest.raises(SyncError, match=r"by up to 0\.25, more than 0\.2 or 0\.2;"):
        SyncCheck(tokenizer, 1.0, 0.2).check(learner, Shifted(model, tokenizer, 0.25))
    with pytest.raises(SyncError, match="by nan nats in the mean"):
        SyncCheck(tokenizer, 1.0, 0.2).check(learner, Shifted(model, tokenizer, float("nan")))


def test_a_single_token_may_stray_by_its_own_bound_and_the_mean_by_another(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    learner = Learner(model)
    loose = SyncCheck(tokenizer, 1.0, 0.1, spread=20.0)
    assert loose.check(learner, Shifted(model, tokenizer, 1.9))["sync_gap"] == pytest.approx(1.9, abs=1e-4)
    with pytest.raises(SyncError, match=r"by up to 2\.1, more than 0\.1 or 2;"):
        loose.check(learner, Shifted(model, tokenizer, 2.1))
    with pytest.raises(SyncError, match=r"from the learner's by 0\.15 nats in the mean"):
        loose.check(learner, Noisy(model, tokenizer, 0.15))


def test_the_noise_of_bfloat16_ends_no_run_and_faults_still_do(tokenizer: PreTrainedTokenizerFast) -> None:
    """Noise as measured on SmolLM2, 0.042 nats in the mean, with one token in it that is off by half a nat."""
    config = TrainConfig(games=(GameMix(env_id=GAME),), learner=LearnerConfig(dtype="bfloat16"))
    learner = Learner(build_model(), config.learner)
    check = sync_check(config, tokenizer)
    found = check.check(learner, Noisy(learner.model, tokenizer, 0.042, once=0.5))
    assert found["sync_gap"] > 0.4
    assert found["sync_gap_mean"] < 0.07
    with pytest.raises(SyncError, match="other weights or another temperature"):
        check.check(learner, Noisy(learner.model, tokenizer, 0.042, temperature=0.7))
    stale, check = Stale(learner.model, tokenizer, copy=True), sync_check(config, tokenizer)
    check.check(learner, stale)
    nudge(learner, 0.003)  # a gap below the tolerance
    sync(learner, stale)
    with pytest.raises(SyncError, match="still uses the weights of policy version 0"):
        check.check(learner, stale)


def test_the_noise_of_a_learner_in_bfloat16_is_not_held_against_a_sampler_that_follows_in_float32(
    tokenizer: PreTrainedTokenizerFast,
) -> None:
    """SmolLM2 after a step of 1e-6 on adapters: the learner moved by 0.035 nats in the mean, a float32 copy by 0.00007."""
    config = TrainConfig(games=(GameMix(env_id=GAME),), learner=LearnerConfig(dtype="bfloat16"))
    learner = Learner(build_model(), config.learner)
    faint, check = Faint(learner.model, tokenizer, copy=True), sync_check(config, tokenizer)
    check.check(learner, faint)
    for _ in range(3):
        nudge(learner, 0.001)
        sync(learner, faint)
        assert check.check(learner, faint)["sync_gap_mean"] < 0.05
    faint.echo = 0.0
    with pytest.raises(SyncError, match="still uses the weights of policy version 0"):
        check.check(learner, faint)


def test_a_wrong_adapter_in_bfloat16_is_found(tokenizer: PreTrainedTokenizerFast) -> None:
    config = LearnerConfig(dtype="bfloat16", lora_rank=2, adapters="per-role")
    learner = Learner(build_model(), config, roles=("proposer", "solver"))
    check = sync_check(TrainConfig(games=(GameMix(env_id=GAME),), learner=config), tokenizer)
    nudge(learner, 0.1, role="solver")
    fine, wrong = TransformersSampler(learner.model, tokenizer), OnePolicy(learner.model, tokenizer)
    for one in (fine, wrong):
        sync(learner, one)
    assert check.check(learner, fine)["sync_gap_mean"] < 0.05
    with pytest.raises(SyncError, match="with adapter 'solver' gives tokens"):
        check.check(learner, wrong)


@pytest.mark.skipif(find_gguf() is None, reason=f"needs SmolLM2; type {INSTALL}")
def test_a_trained_model_in_bfloat16_passes() -> None:
    """Of a hundred prompts' checks that held the largest gap against 0.3 nats, 7 failed with the very same weights."""
    config = TrainConfig(games=(GameMix(env_id=GAME),), learner=LearnerConfig(dtype="bfloat16"))
    model, tokenizer = load_model("smollm2", device="cpu", short_cuts="none")
    learner = Learner(model, config.learner)
    check = sync_check(config, tokenizer)
    found = check.check(learner, TransformersSampler(learner.model, tokenizer))
    assert 0.01 < found["sync_gap_mean"] < 0.1
    with pytest.raises(SyncError, match="other weights or another temperature"):
        check.check(learner, Noisy(learner.model, tokenizer, 0.0, temperature=0.7))


@pytest.mark.parametrize("tolerance", [1e-3, 0.3])
def test_stale_weights_are_named_even_where_the_gap_is_allowed(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, tolerance: float
) -> None:
    learner, sampler = Learner(model), Stale(model, tokenizer, copy=True)
    check = SyncCheck(tokenizer, 1.0, tolerance)
    check.check(learner, sampler)
    nudge(learner, 0.1 * tolerance)
    sync(learner, sampler)
    with pytest.raises(SyncError, match="still uses the weights of policy version 0"):
        check.check(learner, sampler)


def test_small_steps_that_are_never_loaded_add_up(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner, sampler = Learner(model), Stale(model, tokenizer, copy=True)
    check = SyncCheck(tokenizer, 1.0, 0.3)

    def go_on() -> float:
        nudge(learner, 2e-5)
        sync(learner, sampler)
        return check.check(learner, sampler)["sync_gap_mean"]

    def run_out() -> None:
        for _ in range(100):
            assert go_on() < 0.01

    assert [go_on() < 0.003 for _ in range(3)] == [True] * 3
    with pytest.raises(SyncError, match="still uses the weights of policy version 1"):
        run_out()


def test_a_learner_that_did_not_move_is_no_stale_sampler(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner, sampler = Learner(model), Stale(model, tokenizer, copy=True)
    check = SyncCheck(tokenizer, 1.0, 1e-3)
    for _ in range(3):
        learner.policy_version += 1
        sync(learner, sampler)
        assert check.check(learner, sampler)["sync_gap"] < 1e-5


def test_another_version_temperature_or_adapter(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model)
    learner.policy_version = 4
    sampler: Sampler = Unstamped(model, tokenizer)
    sync(learner, sampler)
    with pytest.raises(SyncError, match="policy version 0, the learner is at 4"):
        SyncCheck(tokenizer, 1.0, 1e-3).check(learner, sampler)
    sampler = Warm(model, tokenizer)
    sync(learner, sampler)
    with pytest.raises(SyncError, match="other weights or another temperature"):
        SyncCheck(tokenizer, 1.0, 1e-3).check(learner, sampler)

    learner = Learner(build_model(), LearnerConfig(lora_rank=2, adapters="per-role"), roles=("proposer", "solver"))
    nudge(learner, 0.3, role="solver")
    fine, wrong = TransformersSampler(learner.model, tokenizer), OnePolicy(learner.model, tokenizer)
    for one in (fine, wrong):
        sync(learner, one)
    assert SyncCheck(tokenizer, 1.0, 1e-3).check(learner, fine)["sync_gap"] < 1e-5
    with pytest.raises(SyncError, match="with adapter 'solver' gives tokens"):
        SyncCheck(tokenizer, 1.0, 1e-3).check(learner, wrong)


def test_shared_adapters_and_roles_of_their_own_are_both_watched(tokenizer: PreTrainedTokenizerFast) -> None:
    for config, roles, moved in (
        (LearnerConfig(lora_rank=2), (), SHARED),
        (LearnerConfig(lora_rank=2, adapters="per-role"), ("proposer", "solver"), "solver"),
    ):
        learner = Learner(build_model(), config, roles=roles)
        sampler = Stale(learner.model, tokenizer, copy=True)
        check = SyncCheck(tokenizer, 1.0, 0.3)
        check.check(learner, sampler)
        nudge(learner, 0.05, role=moved)  # lora_B starts at 0
        sync(learner, sampler)
        with pytest.raises(SyncError, match="still uses the weights of policy version 0"):
            check.check(learner, sampler)


def test_replies_without_tokens_are_said_to_be_unchecked(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = ScriptedSampler(lambda prompt, seed: "hello")
    assert SyncCheck(tokenizer, 1.0, 1e-3).check(Learner(model), sampler) == {"sync_unchecked": 1.0}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (1e-3, 1e-3)),
        ({"sampler": "vllm:dtype=float32"}, (1e-2, 1e-2)),
        ({"sampler": "vllm"}, (0.1, 2.0)),
        ({"learner": LearnerConfig(dtype="bfloat16")}, (0.1, 2.0)),
        ({"sync_tolerance": 0.05}, (0.05, 0.05)),
        ({"sampler": "vllm", "sync_tolerance": 0.2}, (0.2, 4.0)),
    ],
)
def test_the_tolerance_of_the_sync_check_follows_the_arithmetic(
    changes: dict[str, Any], expected: tuple[float, float], tokenizer: PreTrainedTokenizerFast
) -> None:
    check = sync_check(replace(TrainConfig(games=(GameMix(env_id=GAME),)), **changes), tokenizer)
    assert (check.tolerance, check.tolerance * check.spread) == expected


class Counting(TransformersSampler):
    """Counts how often it is given weights."""

    loads = 0

    def load_weights(self, weights: Weights) -> None:
        self.loads += 1
        super().load_weights(weights)


def test_a_push_loads_and_proves_and_the_same_weights_are_not_pushed_twice(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    learner = Learner(model)
    sampler = Counting(model, tokenizer, copy=True)
    weight_sync = WeightSync(learner, sampler, SyncCheck(tokenizer, 1.0, 1e-3))
    first = weight_sync.push()
    assert first["sync_gap"] < 1e-5
    assert weight_sync.push() is weight_sync.metrics is first
    assert sampler.loads == 1
    nudge(learner, 0.01)
    assert weight_sync.push()["sync_gap"] < 1e-5
    assert (sampler.loads, sampler.policy_version) == (2, 1)
    assert all(torch.equal(a, b) for a, b in zip(sampler.model.parameters(), model.parameters(), strict=True))


def test_weights_that_are_no_numbers_reach_no_sampler(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model)
    sampler = Counting(model, tokenizer, copy=True)
    weight_sync = WeightSync(learner, sampler, SyncCheck(tokenizer, 1.0, 1e-3))
    weight_sync.push()
    with torch.no_grad():
        next(iter(learner.trainable.values())).view(-1)[0] = float("nan")
    learner.policy_version += 1
    with pytest.raises(LossNotFinite, match="the weights are no longer finite after the update"):
        weight_sync.push()
    assert (sampler.loads, sampler.policy_version) == (1, 0)


def test_a_push_whose_proof_fails_is_an_error(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model)
    weight_sync = WeightSync(learner, Stale(model, tokenizer, copy=True), SyncCheck(tokenizer, 1.0, 1e-3))
    weight_sync.push()
    nudge(learner, 0.1)
    with pytest.raises(SyncError):
        weight_sync.push()


def test_a_sampler_with_old_names_is_given_the_weights(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model)

    class Old:
        """Nothing of this package; what it samples is sampled by another."""

        def __init__(self) -> None:
            self.inner = TransformersSampler(learner.model, tokenizer)
            self.policy_version = -1

        def act(self, prompts: Any, sampling: Sampling, seeds: Any) -> list[list[Reply]]:
            return self.inner.generate(prompts, sampling, seeds)

        def receive(self, model: PreTrainedModel, version: int) -> None:
            self.policy_version = self.inner.policy_version = version

    old: Any = Old()
    with pytest.warns(DeprecationWarning, match="is deprecated"):
        weight_sync = WeightSync(learner, old, SyncCheck(tokenizer, 1.0, 1e-3))
    assert weight_sync.push()["sync_gap"] < 1e-3
    assert old.policy_version == learner.policy_version
