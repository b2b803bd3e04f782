from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.batching.batch import Sample, Tag, collate
from agents.config.learner import LearnerConfig
from agents.config.sampling import Sampling
from agents.hardware.machine import use_short_cuts
from agents.learner.learner import Learner
from agents.models.adapters import BASE, SHARED
from agents.models.chat import render_prompt
from agents.models.weights import weights_of
from agents.samplers.base import Sampler
from agents.samplers.stats import SamplerStats
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Message, Reply
from tests.helpers.toys import build_model

TEXTS = ("a", "say hello", "which letter comes next after b?", "12345", "a")
SHORT = Sampling(max_new_tokens=12)
ROLES = ("proposer", "solver")


def prompt(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def test_replies_do_not_depend_on_their_company(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = TransformersSampler(model, tokenizer)
    together = sampler.generate([prompt(text) for text in TEXTS], SHORT, [(i, 100 + i) for i in range(len(TEXTS))])
    for i in reversed(range(len(TEXTS))):
        [[second]] = sampler.generate([prompt(TEXTS[i])], SHORT, [(100 + i,)])
        assert second.token_ids == together[i][1].token_ids
        np.testing.assert_allclose(second.logprobs, together[i][1].logprobs, atol=1e-5)
    assert together[0][0].token_ids != together[4][0].token_ids  # equal prompts, other seeds


def test_small_batches_give_the_same_replies(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    prompts, seeds = [prompt(text) for text in TEXTS], [(i,) for i in range(len(TEXTS))]
    many = TransformersSampler(model, tokenizer, max_rows=64).generate(prompts, SHORT, seeds)
    few = TransformersSampler(model, tokenizer, max_rows=2).generate(prompts, SHORT, seeds)
    assert [r.token_ids for [r] in many] == [r.token_ids for [r] in few]


def test_the_reply_record(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = TransformersSampler(model, tokenizer)
    sampler.policy_version = 7
    replies = [reply for own in sampler.generate([prompt("hi")], SHORT, [tuple(range(40))]) for reply in own]
    assert {reply.finish_reason for reply in replies} == {"stop", "length"}
    for reply in replies:
        assert reply.prompt_ids == tuple(render_prompt(tokenizer, prompt("hi")))
        assert len(reply.token_ids) == len(reply.logprobs) <= 12
        assert (reply.finish_reason == "stop") == (reply.token_ids[-1] == tokenizer.eos_token_id)
        assert (len(reply.token_ids) == 12) or reply.finish_reason == "stop"
        assert "<end>" not in reply.text
        assert reply.policy_version == 7
        assert all(logprob <= 0 for logprob in reply.logprobs)


def test_the_end_of_a_turn_ends_a_reply_as_the_end_token_does(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.chat_template = (  # ends turns with <user>
        "{% for message in messages %}{{ '<' + message['role'] + '>' + message['content'] }}"
        "{% if message['role'] == 'assistant' %}{{ '<user>' }}{% endif %}{% endfor %}<assistant>"
    )
    [replies] = TransformersSampler(model, tokenizer).generate([prompt("hi")], Sampling(max_new_tokens=60), [tuple(range(60))])
    assert {reply.token_ids[-1] for reply in replies if reply.finish_reason == "stop"} == {1, 2}
    for reply in replies:
        assert not {1, 2} & set(reply.token_ids[:-1])
        assert "<end>" not in reply.text
        assert "<user>" not in reply.text
        assert reply.finish_reason == "stop" or len(reply.token_ids) == 60


def test_greedy_is_the_likeliest_path(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    [[reply, other]] = TransformersSampler(model, tokenizer).generate(
        [prompt("hi")], Sampling(temperature=0, max_new_tokens=5), [(1, 2)]
    )
    assert reply.token_ids == other.token_ids
    ids = list(reply.prompt_ids)
    with torch.no_grad():
        for token in reply.token_ids:
            assert int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()) == token
            ids.append(token)
    assert set(reply.logprobs) == {0.0}


def test_global_random_state_is_neither_read_nor_changed(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = TransformersSampler(model, tokenizer)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[index]
    first = sampler.generate([prompt("hi")], SHORT, [(5,)])
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before  # type: ignore[index]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(123)
        assert sampler.generate([prompt("hi")], SHORT, [(5,)]) == first


def test_a_prompt_without_room_is_an_error_and_a_short_room_shortens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    sampler = TransformersSampler(model, tokenizer)
    with pytest.raises(ValueError, match="a prompt of 130 tokens does not fit the model's context of 128"):
        sampler.generate([prompt("a" * 128)], SHORT, [(1,)])
    replies = sampler.generate([prompt("a" * 122)], SHORT, [tuple(range(20))])[0]
    assert max(len(reply.token_ids) for reply in replies) == 4


def test_seeds_must_match_prompts(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match="2 entries for 1 prompts"):
        TransformersSampler(model, tokenizer).generate([prompt("a")], SHORT, [(1,), (2,)])


def replies_of(sampler: Sampler, sampling: Sampling = SHORT) -> list[Reply]:
    return [
        reply
        for own in sampler.generate([prompt(text) for text in TEXTS], sampling, [(i, 9 * i) for i in range(5)])
        for reply in own
    ]


def adapted(lora: str, dtype: torch.dtype = torch.float32, temperature: float = 1.0) -> Learner:
    """A learner on the toy model whose adapters, if any, are far from zero."""
    name = "bfloat16" if dtype == torch.bfloat16 else "float32"
    if lora == "none":
        return Learner(build_model(dtype=dtype), LearnerConfig(dtype=name), temperature=temperature)
    config = LearnerConfig(dtype=name, lora_rank=4, adapters="per-role" if lora == "per-role" else "shared")
    learner = Learner(build_model(dtype=dtype), config, temperature=temperature, roles=ROLES)
    disturb(learner.model, 1)
    return learner


@torch.no_grad()
def disturb(model: PreTrainedModel, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for name, p in sorted(model.named_parameters()):
        if "lora_B" in name:
            p.add_(0.3 * torch.randn(p.shape, generator=generator).to(p.dtype))


def gap(learner: Learner, by_role: dict[str, Sequence[Reply]]) -> float:
    """Largest difference between the sampler's and the learner's log-probability of a token."""
    samples = [
        Sample(reply, 1.0, Tag(role=role, prompt_id=str(i))) for role, own in by_role.items() for i, reply in enumerate(own)
    ]
    batch = collate(samples)
    return float((learner.logprobs(batch) - batch.logprobs_BT).abs().max())


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("lora", ["none", "shared"])
def test_logprobs_are_the_learners(tokenizer: PreTrainedTokenizerFast, lora: str, temperature: float) -> None:
    learner = adapted(lora, temperature=temperature)
    sampler = TransformersSampler(learner.model, tokenizer)
    sampling = Sampling(max_new_tokens=12, temperature=temperature)
    assert gap(learner, {"solver": replies_of(sampler, sampling)}) < 1e-5
    assert gap(learner, {"solver": replies_of(sampler.with_adapter(SHARED), sampling)}) < 1e-5


def test_each_adapters_logprobs_are_the_learners_for_its_role(tokenizer: PreTrainedTokenizerFast) -> None:
    learner = adapted("per-role")
    sampler = TransformersSampler(learner.model, tokenizer)
    said = {role: replies_of(sampler.with_adapter(role)) for role in ROLES}
    assert gap(learner, said) < 1e-5
    assert gap(learner, {"proposer": said["solver"], "solver": said["proposer"]}) > 0.1


@pytest.mark.parametrize("lora", ["none", "shared", "per-role"])
def test_in_bfloat16_they_agree_up_to_its_rounding(tokenizer: PreTrainedTokenizerFast, lora: str) -> None:
    """8 bits of mantissa: a step of a logit near 8 is 0.03, and sampler and learner multiply in other orders."""
    learner = adapted(lora, torch.bfloat16)
    sampler = TransformersSampler(learner.model, tokenizer)
    policies = {role: sampler.with_adapter(role) for role in ROLES} if lora == "per-role" else {"solver": sampler}
    assert 0 < gap(learner, {role: replies_of(policy) for role, policy in policies.items()}) < 0.15


def test_views_share_version_totals_and_weights(tokenizer: PreTrainedTokenizerFast) -> None:
    learner = adapted("per-role")
    sampler = TransformersSampler(learner.model, tokenizer)
    proposer, solver = sampler.with_adapter("proposer"), sampler.with_adapter("proposer").with_adapter("solver")
    base = replies_of(sampler.with_adapter(BASE))
    assert [reply.token_ids for reply in base] == [
        r.token_ids for r in replies_of(TransformersSampler(build_model(), tokenizer))
    ]
    sampler.load_weights(weights_of(learner.model, 3))
    before = replies_of(proposer), replies_of(solver)
    assert {reply.policy_version for own in before for reply in own} == {proposer.policy_version} == {3}
    assert before[0] != before[1]
    assert proposer.stats is solver.stats is sampler.stats
    solver.load_weights(weights_of(learner.model, 4))
    assert (sampler.policy_version, proposer.policy_version) == (4, 4)
    proposer.close()
    disturb(learner.model, 2)
    assert replies_of(solver) != before[1]
    with pytest.raises(ValueError, match="adapter='judge' is not among this model's proposer, solver"):
        sampler.with_adapter("judge")
    with pytest.raises(ValueError, match="needs LoRA"):
        TransformersSampler(build_model(), tokenizer).with_adapter("solver")


@pytest.mark.parametrize("lora", ["none", "shared", "per-role"])
def test_a_copy_samples_with_old_weights_until_it_loads_new_ones(tokenizer: PreTrainedTokenizerFast, lora: str) -> None:
    learner = adapted(lora)
    sampler = TransformersSampler(learner.model, tokenizer, copy=True)
    shared = TransformersSampler(learner.model, tokenizer)
    old = replies_of(sampler)
    assert old == replies_of(shared)
    with torch.no_grad():
        for p in learner.model.parameters():
            p.mul_(1.5)
    held = {name: p.data_ptr() for name, p in sampler.model.named_parameters()}
    assert replies_of(sampler) == old
    sampler.load_weights(weights_of(learner.model, 1))
    shared.load_weights(weights_of(learner.model, 1))
    new = replies_of(sampler)
    assert new == replies_of(shared)
    assert [reply.token_ids for reply in new] != [reply.token_ids for reply in old]
    assert {name: p.data_ptr() for name, p in sampler.model.named_parameters()} == held


def test_weights_of_another_shape_are_refused_whole(tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = TransformersSampler(build_model(0), tokenizer)
    before = replies_of(sampler)
    with pytest.raises(ValueError, match=r"parameter 'base_model.*open the sampler on the learner's model"):
        sampler.load_weights(weights_of(adapted("shared").model, 1))
    other = build_model(1)
    other.resize_token_embeddings(50)
    with pytest.raises(ValueError, match=r"parameter 'model.embed_tokens.weight' is not in both models with one shape"):
        sampler.load_weights(weights_of(other, 1))
    assert replies_of(sampler) == before
    assert sampler.policy_version == 0


def test_a_bfloat16_copy_loads_float32_weights(tokenizer: PreTrainedTokenizerFast) -> None:
    source = build_model(1)
    sampler = TransformersSampler(build_model(0, torch.bfloat16), tokenizer)
    sampler.load_weights(weights_of(source, 1))
    assert replies_of(sampler) == [
        r.__class__(**{**{f: getattr(r, f) for f in r.__slots__}, "policy_version": 1})
        for r in replies_of(TransformersSampler(source.to(torch.bfloat16), tokenizer))
    ]


def test_counts_tell_padding_and_what_was_read_again(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = TransformersSampler(model, tokenizer, max_rows=2)
    sampler.ends = frozenset()
    # rendered: <user> + letters + <assistant>, 3 and 6 tokens; batches aa, ab, b
    sampler.generate([prompt("a"), prompt("bbbb")], Sampling(max_new_tokens=5), [(1, 2, 3), (4, 5)])
    assert sampler.stats == SamplerStats(
        prompt_tokens=9, reread_tokens=9, prompt_slots=3 + 2 * 6 + 6, reply_tokens=25, reply_slots=25
    )


@pytest.mark.parametrize("field", ["max_rows", "prefill_tokens"])
def test_bounds_are_checked(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, field: str) -> None:
    with pytest.raises(ValueError, match=f"{field}=0 must be at least 1"):
        TransformersSampler(model, tokenizer, **{field: 0})  # type: ignore[arg-type]


def test_workers_share_what_is_too_much_for_one_batch(
    monkeypatch: pytest.MonkeyPatch, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    sizes: list[int] = []
    real = TransformersSampler._decode
    monkeypatch.setattr(
        TransformersSampler, "_decode", lambda self, rows, *rest: (sizes.append(len(rows)), real(self, rows, *rest))
    )
    prompts = [(Message("user", "ab" * (1 + i % 3)),) for i in range(11)]
    seeds = [[i, 100 + i] for i in range(11)]
    found = []
    for workers in (1, 2, 2):
        use_short_cuts(model, f"onednn=0,blocks=0,attention=0,tables=0,threads=1,workers={workers}")
        sampler = TransformersSampler(model, tokenizer, max_rows=4)
        assert sampler.workers == workers
        replies = sampler.generate(prompts, Sampling(max_new_tokens=9), seeds)
        found.append((replies, sampler.stats))
    (one, counts), (two, shared), again = found
    assert again == (two, shared)  # the same bits
    assert counts.reply_tokens == shared.reply_tokens == sum(len(reply.token_ids) for own in one for reply in own)
    for mine, theirs in zip(chain(*one), chain(*two), strict=True):
        assert mine.token_ids == theirs.token_ids
        assert mine.logprobs == pytest.approx(theirs.logprobs, abs=1e-5)
    assert sizes[:6] == [4, 4, 4, 4, 4, 2]
    assert sizes[6:] == [2] * 22  # two workers say as many replies at a time as one
