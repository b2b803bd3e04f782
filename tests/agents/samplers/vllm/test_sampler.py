"""The sampler on vLLM, with a stand-in for it: prompts, replies, totals, options."""

from __future__ import annotations

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.config.sampling import Sampling
from agents.samplers.registry import open_sampler
from agents.samplers.stats import SamplerStats
from agents.samplers.vllm.sampler import VllmSampler
from selfplay_envs import Message
from tests.helpers.vllm_engine import PROMPTS, SHORT


def test_order_ends_texts_versions_and_counts(sampler: VllmSampler) -> None:
    sampler.policy_version = 3
    first, second = sampler.generate([*PROMPTS, (Message("user", "bb"),)], SHORT, [(0, 1), (2,)])
    assert [reply.token_ids for reply in first] == [(4, 5, 6), (5, 6, 1)]
    assert [reply.text for reply in first] == ["abc", "bc"]
    assert [reply.finish_reason for reply in first] == ["length", "stop"]
    assert [len(reply.prompt_ids) for reply in (*first, *second)] == [3, 3, 4]
    assert {reply.policy_version for reply in (*first, *second)} == {3}
    assert sampler.stats == SamplerStats(prompt_tokens=7, prompt_slots=10, reread_tokens=3, reply_tokens=9, reply_slots=9)
    assert sampler.generate([], SHORT, []) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("vllm:dtype=float8", "dtype='float8' is not known"),
        ("vllm:max_rows=0", "max_rows=0 must be at least 1"),
        ("vllm:kv_cache_gib=-2", "kv_cache_gib=-2.0 must be at least 0"),
        ("vllm:kv_cache_gib=inf", "kv_cache_gib=inf must be at least 0, and finite"),
        ("vllm:hang_s=0", "hang_s=0.0 must be above 0"),
        ("vllm:gpu_memory_utilization=1.5", "gpu_memory_utilization=1.5 is no share from 0 to 1"),
        ("vllm:python=/nowhere/python", "python='/nowhere/python' is no program here"),
        ("vllm:gpus=2", "option 'gpus' is not known"),
    ],
)
def test_wrong_options(text: str, sentence: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match=sentence):
        open_sampler(text, model, tokenizer)


def test_what_cannot_be_sampled_is_refused(sampler: VllmSampler) -> None:
    with pytest.raises(ValueError, match="2 entries for 1 prompts"):
        sampler.generate(PROMPTS, SHORT, [(1,), (2,)])
    with pytest.raises(ValueError, match="a prompt of 130 tokens does not fit the model's context of 128"):
        sampler.generate([(Message("user", "a" * 128),)], SHORT, [(1,)])
    with pytest.raises(ValueError, match=r"Sampling.temperature=0.001 is below 0.01"):
        sampler.generate(PROMPTS, Sampling(temperature=0.001), [(1,)])
    [[reply]] = sampler.generate([(Message("user", "a" * 124),)], SHORT, [(0,)])
    assert len(reply.token_ids) == 2  # the context ends
