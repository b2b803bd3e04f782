"""Gradients that must be equal: whole and split, padded and packed, plain and chunked, with and without adapters.

Every path of the learner is compared in float64 with plain autograd of `log_softmax` over full logits, one message at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from agents.algorithms.algorithm import Algorithm
from agents.algorithms.losses import clipped_surrogate, policy_gradient
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Sample, Tag, TokenBatch, collate
from agents.config.learner import LearnerConfig
from agents.core.errors import OutOfMemory
from agents.kernels.token_logprobs import token_logprobs
from agents.learner import logprobs as scorer_module
from agents.learner.gradients import add_gradients
from agents.learner.learner import Learner
from agents.learner.prepare import prepare
from agents.learner.prepared_batch import Prepared
from agents.learner.step_loss import step_loss
from agents.models import forward as scoring
from agents.models.adapters import has_adapters, use_adapter
from agents.models.forward import Scored
from selfplay_envs import Reply
from tests.helpers.batches import build_gpt2
from tests.helpers.toys import build_model

ROLES = ("proposer", "solver")
PATHS: dict[str, dict[str, Any]] = {
    "padded": {"share_prompts": False},
    "packed": {"share_prompts": True},
    "lora": {"lora_rank": 2},
    "roles": {"lora_rank": 2, "adapters": "per-role"},
}
"""Fields of `LearnerConfig`; the path `chunked` is `packed` with a few logits at a time."""
TERMS: dict[str, tuple[str, dict[str, Any]]] = {
    "entropy bonus": ("grpo", {"entropy_coef": 0.3}),
    "KL k1 in the loss": ("grpo", {"kl_coef": 0.5, "kl_estimator": "k1"}),
    "KL k2 in the loss": ("dr_grpo", {"kl_coef": 0.5, "kl_estimator": "k2"}),
    "KL k3 in the loss": ("trr++", {"kl_coef": 0.5, "kl_estimator": "k3"}),
    "KL in the reward of tokens": ("reinforce++", {"kl_coef": 0.5, "kl_estimator": "k1", "kl_in": "reward"}),
    "KL in the reward of tokens and values": ("ppo", {"kl_coef": 0.5, "kl_estimator": "k1", "kl_in": "reward"}),
    "KL in the reward of messages": ("rloo", {"kl_coef": 0.5, "kl_estimator": "k1", "kl_in": "reward"}),
    "KL-Cov": ("dapo", {"covariance": "kl", "kl_cov_share": 0.2}),
    "Clip-Cov": ("grpo", {"covariance": "clip", "clip_cov_share": 0.2, "clip_cov_low": 0.0, "clip_cov_high": 9.0}),
    "highest entropies": ("grpo", {"entropy_share": 0.3}),
    "TIS": ("rloo", {"tis_cap": 1.1}),
    "value head and entropy": ("ppo", {"entropy_coef": 0.1, "kl_coef": 0.1}),
    "roles apart": ("lsp", {"role_weights": "proposer=0.3", "entropy_coef": 0.1}),
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {**{name: (name, {}) for name in ALGORITHMS}, **TERMS}


def exact_model() -> PreTrainedModel:
    """The toy model in float64 throughout: transformers' norms compute in float32 whatever they are given."""
    model = build_model(dtype=torch.float64)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LlamaRMSNorm):
                norm = nn.RMSNorm(32, eps=child.variance_epsilon, dtype=torch.float64)
                norm.weight = child.weight
                setattr(parent, name, norm)
    return model


def moved(model: Any, seed: int, size: float = 0.1) -> None:
    """Moves trained weights a little: adapters are then not zero, and a reference is elsewhere."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if not has_adapters(model) or ".lora_" in name:
                p += size * torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p.dtype)


def path_of(name: str, **more: Any) -> Learner:
    """A learner in float64 whose weights are not those that it started from."""
    path = PATHS["packed" if name == "chunked" else name]
    config = LearnerConfig(**{"micro_batch_tokens": 10**6, **path, **more})
    learner = Learner(exact_model(), config, temperature=0.8, roles=ROLES, reply_limit=8)
    learner.keep_reference()
    learner._set_value_head(True)
    assert learner.scorer.value_head is not None
    with torch.no_grad():
        learner.scorer.value_head.weight.fill_(0.05)
    moved(learner.model, 3, 0.02)
    return learner


def batch_for(seed: int = 0) -> TokenBatch:
    """18 messages: six proposals to one prompt, and panels of four to three tasks, of which one is answered equally well."""
    rng = np.random.default_rng(seed)

    def ids(count: int) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(4, 44, count))

    samples: list[Sample] = []
    for number, (role, members) in enumerate((("proposer", 6), ("solver", 4), ("solver", 4), ("solver", 4))):
        prompt = ids(3 + 2 * number)
        for member in range(members):
            tokens = ids(int(rng.integers(1, 8)))
            old = tuple(float(x) for x in rng.uniform(-4.5, -2.5, len(tokens)))
            credit = 0.5 if number == 2 else float(rng.normal())
            tag = Tag(role=role, task_type="x", prompt_id=str(number), env_id="g", episode=member)
            samples.append(Sample(Reply(text="", prompt_ids=prompt, token_ids=tokens, logprobs=old), credit, tag))
    order = rng.permutation(len(samples))
    return collate([samples[i] for i in order])


def near_policy(learner: Learner, batch: TokenBatch) -> TokenBatch:
    """Old log-probabilities around the learner's own: ratios on both sides of the clip range."""
    noise = torch.randn(batch.mask_BT.shape, generator=torch.Generator().manual_seed(1)) * 0.25
    return replace(batch, logprobs_BT=torch.where(batch.mask_BT, learner.logprobs(batch) + noise, 0.0))


def against_the_sampler(row: Algorithm) -> Algorithm:
    """Old log-probabilities are those of the batch, so that ratios are not 1; TIS has them in its weights."""
    return row if row.objective.tis_cap else row.configured({"old_logprobs": "sampler"})


def prepared(learner: Learner, batch: TokenBatch, row: Algorithm) -> Prepared:
    if row.wants_reference and learner.reference is None:
        learner.keep_reference()
    ready = prepare(batch, row, learner.scorer, state={"g solver": 0.3}, rng=np.random.default_rng(0), reply_limit=8)
    assert ready is not None
    return ready


def voice(learner: Learner, tag: Tag) -> str:
    return tag.role if learner.config.adapters == "per-role" else "default"


def gradients(learner: Learner) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in learner.trainable.items() if p.grad is not None}
    learner._weights.zero_grad()
    return found


def by_learner(learner: Learner, ready: Prepared, row: Algorithm) -> tuple[dict[str, Tensor], float]:
    loss, _ = learner._accumulate(ready, row)
    return gradients(learner), loss


def by_autograd(learner: Learner, ready: Prepared, row: Algorithm) -> tuple[dict[str, Tensor], float]:
    """The definition: every message alone and unpadded through the whole model, full logits, one graph, one backward pass."""
    batch, logprobs, entropies, values = ready.batch, [], [], []
    for i, tag in enumerate(batch.tags):
        ids, reply = batch.ids_BT[i][batch.attention_BT[i]], int(batch.mask_BT[i].sum())
        with use_adapter(learner.model, voice(learner, tag)):
            out = learner.model(input_ids=ids[None], output_hidden_states=True)
        all_TV = torch.log_softmax(out.logits[0] / 0.8, -1)[-reply - 1 : -1]
        logprobs.append(all_TV.gather(-1, ids[-reply:, None])[:, 0])
        entropies.append(-(all_TV.exp() * all_TV).sum(-1))
        assert learner.scorer.value_head is not None
        values.append(learner.scorer.value_head(out.hidden_states[-1][0, -reply - 1 : -1])[:, 0])
    scored = Scored(torch.cat(logprobs), torch.cat(entropies), torch.cat(values), slots=0, used=0)
    loss, _ = step_loss(scored, ready, range(len(batch)), batch.mask_BT, row)
    trained = dict(learner.trainable)
    for p in trained.values():
        p.requires_grad_()
    torch.autograd.backward(loss, inputs=list(trained.values()))
    return gradients(learner), loss.item()


def assert_equal_gradients(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, tolerance: float = 1e-10) -> None:
    """Equal up to float64 rounding; a weight without gradient counts as one of zeros."""
    assert any((g != 0).any() for g in expected.values())
    for name in {*found, *expected}:
        like = found[name] if name in found else expected[name]
        one, other = (side.get(name, torch.zeros_like(like)) for side in (found, expected))
        torch.testing.assert_close(one, other, atol=tolerance, rtol=1e-7, msg=lambda text, name=name: f"{name}: {text}")


@pytest.fixture
def few_logits(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Computes log-probabilities three rows at a time."""

    def chunked(hidden: Tensor, weight: Tensor, token: Tensor, temperature: float, **more: Any) -> tuple[Tensor, Tensor]:
        return token_logprobs(hidden, weight, token, temperature, chunk_elements=3 * len(weight) + 1, **more)

    return lambda: monkeypatch.setattr(scoring, "token_logprobs", chunked)


EVERYWHERE = [(case, path) for case in CASES for path in PATHS]
CHUNKED = [(case, "chunked") for case in ("grpo", "dpo", "sft", *TERMS)]


@pytest.mark.parametrize(("case", "path"), EVERYWHERE + CHUNKED)
def test_micro_batches_of_every_path_have_the_gradient_of_plain_autograd(
    path: str, case: str, few_logits: Callable[[], None]
) -> None:
    if path == "chunked":
        few_logits()
    name, options = CASES[case]
    row = against_the_sampler(ALGORITHMS[name].configured(options))
    learner = path_of(path, micro_batch_tokens=40)
    ready = prepared(learner, near_policy(learner, batch_for()), row)
    parts = learner.scorer.parts(ready.batch, learner.scorer.budget.tokens, pairs="pairs" in row.needs)
    assert len(parts) >= 3
    found, loss = by_learner(learner, ready, row)
    expected, plain_loss = by_autograd(learner, ready, row)
    assert loss == pytest.approx(plain_loss, abs=1e-10)
    if row.name != "dpo" or path != "roles":
        assert len(found) >= len(learner.trainable) - 1
    assert_equal_gradients(found, expected)


@pytest.mark.parametrize("case", ["entropy bonus", "value head and entropy", "dpo"])
def test_a_model_whose_head_is_not_plain_has_the_gradient_of_plain_autograd(case: str) -> None:
    """In float32, as `agents.models.forward` computes the logits of such models."""
    name, options = CASES[case]
    row = against_the_sampler(ALGORITHMS[name].configured(options))
    learner = Learner(build_gpt2(), LearnerConfig(micro_batch_tokens=40), temperature=0.8)
    learner.keep_reference()
    learner._set_value_head(True)
    moved(learner.model, 3, 0.02)
    ready = prepared(learner, near_policy(learner, batch_for()), row)
    found, loss = by_learner(learner, ready, row)
    expected, plain_loss = by_autograd(learner, ready, row)
    assert loss == pytest.approx(plain_loss, abs=1e-5)
    assert_equal_gradients(found, expected, tolerance=2e-5)


SLOPES = [(case, "packed") for case in CASES if case != "cispo"] + [("dpo", path) for path in PATHS if path != "packed"]


@pytest.mark.parametrize(("case", "path"), SLOPES)
def test_the_gradient_is_the_slope_of_the_loss(path: str, case: str) -> None:
    """Central differences along one direction. cispo stops gradients on purpose."""
    name, options = CASES[case]
    row = against_the_sampler(ALGORITHMS[name].configured(options))
    learner = path_of(path)
    ready = prepared(learner, near_policy(learner, batch_for()), row)
    found, _ = by_learner(learner, ready, row)
    generator = torch.Generator().manual_seed(5)
    direction = {n: torch.randn(p.shape, generator=generator, dtype=torch.float64) for n, p in learner.trainable.items()}
    sides: list[float] = []
    for step in (1e-6, -2e-6):
        with torch.no_grad():
            for n, p in learner.trainable.items():
                p += step * direction[n]
        sides.append(by_learner(learner, ready, row)[1])
    slope = sum(float((g * direction[n]).sum()) for n, g in found.items())
    assert abs(slope) > 1e-3
    assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", [name for name, row in ALGORITHMS.items() if row.loss is clipped_surrogate])
def test_on_policy_the_clipped_gradient_is_that_of_reinforce(name: str, path: str) -> None:
    """Whatever the sampler rounded: ratios are taken against the learner's own, here far from the sampler's."""
    learner = path_of(path)
    row = ALGORITHMS[name]
    ready = prepared(learner, near_policy(learner, batch_for()), row)
    assert ready.old_BT is None
    plain = replace(row, loss=policy_gradient, defaults={k: v for k, v in row.defaults.items() if "clip" not in k})
    assert_equal_gradients(by_learner(learner, ready, row)[0], by_learner(learner, ready, plain)[0])


@pytest.mark.parametrize("name", ["trr++", "lsp", "grpo"])
def test_each_roles_adapter_gets_the_gradient_that_it_would_get_alone(name: str) -> None:
    row = ALGORITHMS[name].configured({"entropy_coef": 0.1})
    learner = path_of("roles", micro_batch_tokens=40)
    ready = prepared(learner, near_policy(learner, batch_for()), row)
    together, _ = by_learner(learner, ready, row)
    for role in ROLES:
        alone = path_of("lora", micro_batch_tokens=40)
        with torch.no_grad():
            for weight_name, p in alone.trainable.items():
                if ".lora_" in weight_name:
                    p.copy_(learner.trainable[weight_name.replace(".default.", f".{role}.")])
        rows = [i for i, tag in enumerate(ready.batch.tags) if tag.role == role]
        parts = [("default", rows[: len(rows) // 2]), ("default", rows[len(rows) // 2 :])]
        add_gradients(alone.scorer, ready, row, parts)
        own = {n.replace(".default.", f".{role}."): g for n, g in gradients(alone).items()}
        assert own
        assert_equal_gradients({n: g for n, g in together.items() if f".{role}." in n}, own)


@pytest.mark.parametrize("path", PATHS)
def test_gradient_checkpointing_gives_the_same_gradients(path: str) -> None:
    row = ALGORITHMS["grpo"].configured({"entropy_coef": 0.1})
    plain, saving = path_of(path), path_of(path, gradient_checkpointing=True)
    ready = prepared(plain, near_policy(plain, batch_for()), row)
    seen: list[bool] = []
    [layer] = [module for name, module in saving.model.named_modules() if name.endswith("layers.0")]
    layer.self_attn.register_forward_hook(lambda module, *_: seen.append(module.training))
    assert_equal_gradients(by_learner(saving, ready, row)[0], by_learner(plain, ready, row)[0])
    # once forwards and once again for the gradient
    assert seen == [True, True] * len(saving.scorer.parts(ready.batch, saving.scorer.budget.tokens))
    assert not saving.model.training


@pytest.mark.parametrize("name", ["grpo", "trr++", "rloo", "dr_grpo"])
def test_a_group_of_equal_returns_changes_nothing_but_the_denominator(name: str) -> None:
    row = ALGORITHMS[name].configured({"group_by": "prompt"})
    learner = path_of("packed")
    batch = near_policy(learner, batch_for())
    kept = [i for i, tag in enumerate(batch.tags) if tag.prompt_id != "2"]
    whole, rest = prepared(learner, batch, row), prepared(learner, batch.rows(kept), row)
    dropping = prepared(learner, batch, row.configured({"constant_groups": "drop"}))
    assert dropping.metrics["dropped"] == 4
    assert list(dropping.batch.tags) == [batch.tags[i] for i in kept]
    # tokens of the step, or messages: what the loss divides by counts the messages that train
    count = (batch.num_tokens, batch.rows(kept).num_tokens) if row.objective.aggregate == "token" else (18, 14)
    by_whole, by_rest, by_drop = (by_learner(learner, ready, row)[0] for ready in (whole, rest, dropping))
    assert_equal_gradients(by_drop, by_rest, tolerance=0)
    assert_equal_gradients({n: g * (count[0] / count[1]) for n, g in by_whole.items()}, by_rest, tolerance=1e-9)


def test_a_batch_of_equal_returns_has_gradient_zero_and_dropping_it_skips_the_step() -> None:
    learner = path_of("packed")
    flat = batch_for().with_returns(torch.full((18,), 0.1))
    before = {name: p.detach().clone() for name, p in learner.trainable.items()}
    for name in ("grpo", "trr++", "reinforce++", "rloo", "dr_grpo", "gspo", "cispo"):
        row = ALGORITHMS[name].configured({"constant_groups": "keep"})
        found, loss = by_learner(learner, prepared(learner, flat, row), row)
        assert loss == 0
        assert all((g == 0).all() for g in found.values())
    metrics = learner.update(flat, ALGORITHMS["grpo"].configured({"constant_groups": "drop"}))
    assert metrics == {"tokens": 0.0, "dropped": 18.0, "no_signal": 1.0}
    assert learner.policy_version == 0
    learner.update(flat, ALGORITHMS["grpo"])
    assert all(torch.equal(p, before[name]) for name, p in learner.trainable.items())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ["grpo", "dpo"])
def test_where_memory_runs_out_halved_micro_batches_have_the_same_gradient(
    path: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ALGORITHMS[name].configured({"entropy_coef": 0.1})
    learner = path_of(path, micro_batch_tokens=400)
    ready = prepared(learner, near_policy(learner, batch_for()), row)
    expected, loss = by_learner(learner, ready, row)
    asked: list[int] = []

    def short_of_memory(model: Any, part: TokenBatch, *rest: Any, **more: Any) -> Scored:
        asked.append(part.attention_BT.numel())
        if asked[-1] > 80:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return scoring.score(model, part, *rest, **more)

    monkeypatch.setattr(scorer_module, "score", short_of_memory)
    found, halved_loss = by_learner(learner, ready, row)
    assert max(asked) > 80 >= asked[-1]
    assert learner.scorer.budget.tokens in (100, 50, 25)
    assert halved_loss == pytest.approx(loss, abs=1e-12)
    assert_equal_gradients(found, expected)


@pytest.mark.parametrize("path", ["packed", "roles"])
def test_looks_are_halved_too_and_a_resumed_run_remembers_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = path_of(path, micro_batch_tokens=400)
    batch = batch_for()
    own, reference = learner.logprobs(batch), learner.reference_logprobs(batch)

    def short_of_memory(model: Any, part: TokenBatch, *rest: Any, **more: Any) -> Scored:
        if part.attention_BT.numel() > 80:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(model, part, *rest, **more)

    real = scoring.score
    monkeypatch.setattr(scoring, "score", short_of_memory)
    torch.testing.assert_close(learner.logprobs(batch), own, atol=1e-6, rtol=0)
    torch.testing.assert_close(learner.reference_logprobs(batch), reference, atol=1e-6, rtol=0)
    found = learner.scorer.budget.tokens
    assert found in (100, 50, 25)
    for settings, expected in (
        ({"micro_batch_tokens": 400}, found),
        ({"micro_batch_tokens": 10}, 10),
        ({"micro_batch_tokens": 500}, 500),  # whoever resumes with other settings has found more room
        ({"micro_batch_tokens": 400, "gradient_checkpointing": True}, 400),
    ):
        other = path_of(path, **settings)
        other.load_state_dict(learner.state_dict())
        assert other.scorer.budget.tokens == expected
    older = learner.state_dict()
    del older["budget"]
    other = path_of(path, micro_batch_tokens=400)
    other.load_state_dict(older)
    assert other.scorer.budget.tokens == 400


@pytest.mark.parametrize("path", PATHS)
def test_where_not_one_message_fits_the_step_stops_and_leaves_no_gradient(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = path_of(path, micro_batch_tokens=64)
    ready = prepared(learner, near_policy(learner, batch_for()), ALGORITHMS["grpo"])

    def no_memory(*_: Any, **__: Any) -> Scored:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(scorer_module, "score", no_memory)
    with pytest.raises(OutOfMemory, match=r"a single message of 16 tokens"):
        learner._accumulate(ready, ALGORITHMS["grpo"])
    assert learner.scorer.budget.tokens == 64  # smaller pieces are no help, so a resumed run does not start with them
    assert all(p.grad is None for p in learner.trainable.values())


def test_another_error_is_not_taken_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = path_of("packed")
    ready = prepared(learner, near_policy(learner, batch_for()), ALGORITHMS["grpo"])

    def broken(*_: Any, **__: Any) -> Scored:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(scorer_module, "score", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        learner._accumulate(ready, ALGORITHMS["grpo"])


def test_a_second_epoch_keeps_the_old_log_probabilities() -> None:
    """Two steps on one batch: the ratios of the second are taken against the sampler, not against the first step."""
    learner = path_of("packed", epochs=2, lr=1e-2, warmup_steps=0)
    batch = batch_for()
    batch = replace(batch, logprobs_BT=learner.logprobs(batch))
    metrics = learner.update(batch, ALGORITHMS["grpo"])
    assert metrics["ratio_max"] > 1.01
    assert learner.policy_version == 1
    once = path_of("packed", lr=1e-2, warmup_steps=0)
    once.update(batch, ALGORITHMS["grpo"])
    moved_by_one = (once.logprobs(batch) - batch.logprobs_BT)[batch.mask_BT].exp()
    assert metrics["ratio_max"] == pytest.approx(float(moved_by_one.max()), rel=1e-5)
