"""The sampler that draws no reply twice."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from agents.config.sampling import Sampling
from agents.core.errors import PromptTooLong
from agents.models.chat import Prompt
from agents.models.weights import Weights
from agents.samplers.cached import CachedSampler, policy_key
from agents.samplers.fitting import NO_ROOM
from agents.samplers.reply_store import ReplyStore
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Message, Reply

SAMPLING = Sampling()
ASK, LONGER = (Message("user", "a"),), (Message("user", "a much longer one"),)


class Counting(ScriptedSampler):
    """Answers with prompt and seed, and notes the sizes of calls."""

    def __init__(self) -> None:
        super().__init__(lambda prompt, seed: f"{prompt[0].content} {seed}")
        self.calls: list[list[tuple[str, int]]] = []

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        self.calls.append([(prompt[0].content, seed) for prompt, own in zip(prompts, seeds, strict=True) for seed in own])
        return super().generate(prompts, sampling, seeds)


@pytest.fixture
def store(tmp_path: Path) -> Generator[ReplyStore]:
    opened = ReplyStore(tmp_path / "replies.jsonl")
    yield opened
    opened.close()


def texts(replies: list[list[Reply]]) -> list[list[str]]:
    return [[reply.text for reply in of_prompt] for of_prompt in replies]


def test_only_what_is_missing_is_asked_for_in_batches_by_length(store: ReplyStore) -> None:
    inner, seen = Counting(), list[tuple[int, int]]()
    sampler = CachedSampler(inner, store, "p", batch=2, on_replies=lambda stored, drawn: seen.append((stored, drawn)))
    expected = [["a much longer one 1", "a much longer one 2"], ["a 1"]]
    assert texts(sampler.generate([LONGER, ASK], SAMPLING, [[1, 2], [1]])) == expected
    assert inner.calls == [[("a", 1), ("a much longer one", 1)], [("a much longer one", 2)]]
    assert texts(sampler.generate([LONGER, ASK], SAMPLING, [[1, 2], [1]])) == expected
    assert texts(sampler.generate([ASK], SAMPLING, [[1, 5, 5]])) == [["a 1", "a 5", "a 5"]]
    assert inner.calls[2:] == [[("a", 5)]]  # more samples: the new ones alone, and each once
    assert seen == [(0, 0), (0, 2), (0, 1), (3, 0), (2, 0), (0, 1)]


@pytest.mark.parametrize("change", [{"temperature": 0.5}, {"top_p": 0.9}, {"max_new_tokens": 7}])
def test_whatever_decides_a_reply_is_part_of_its_key(store: ReplyStore, change: dict[str, float]) -> None:
    sampler = CachedSampler(Counting(), store, "p")
    key = sampler.key(ASK, SAMPLING, 1)
    assert sampler.key(ASK, replace(SAMPLING, **change), 1) != key
    others = [
        sampler.key(LONGER, SAMPLING, 1),
        sampler.key((Message("system", "a"),), SAMPLING, 1),
        sampler.key(ASK, SAMPLING, 2),
        CachedSampler(Counting(), store, "q").key(ASK, SAMPLING, 1),
        sampler.with_adapter("proposer").key(ASK, SAMPLING, 1),
        sampler.with_adapter("solver").key(ASK, SAMPLING, 1),
    ]
    assert len({key, *others}) == 7
    assert CachedSampler(ScriptedSampler([]), store, "p", batch=9).key(ASK, SAMPLING, 1) == key


def test_greedy_replies_are_drawn_once_whatever_the_seed(store: ReplyStore) -> None:
    inner = Counting()
    greedy = Sampling(temperature=0.0)
    CachedSampler(inner, store, "p").generate([ASK], greedy, [[1, 2, 3]])
    assert [len(call) for call in inner.calls] == [1]


def test_a_batch_that_fails_loses_none_of_those_before(store: ReplyStore) -> None:
    def say(prompt: Prompt, seed: int) -> str:
        if seed == 3:
            raise RuntimeError("the power went")
        return str(seed)

    sampler = CachedSampler(ScriptedSampler(say), store, "p", batch=1)
    with pytest.raises(RuntimeError, match="the power went"):
        sampler.generate([ASK], SAMPLING, [[1, 2, 3, 4]])
    assert len(store) == 2


def test_an_adapter_answers_with_replies_of_its_own(store: ReplyStore) -> None:
    inner = Counting()
    sampler = CachedSampler(inner, store, "p")
    sampler.generate([ASK], SAMPLING, [[1]])
    sampler.with_adapter("solver").generate([ASK], SAMPLING, [[1]])
    assert inner.adapters == [None, "solver"]
    assert len(store) == 2


def test_other_weights_are_refused(store: ReplyStore) -> None:
    with pytest.raises(ValueError, match="replies of one set of weights; make another for version 3"):
        CachedSampler(Counting(), store, "p").load_weights(cast(Weights, SimpleNamespace(version=3)))


def test_the_policy_is_the_sampler_without_what_does_not_matter() -> None:
    key = policy_key("transformers", "abc")
    assert policy_key("transformers:max_rows=3,copy=1", "abc") == key
    assert policy_key("transformers", "xyz") != key
    assert policy_key("vllm", "abc") != policy_key("vllm:dtype=float16", "abc") != key
    endpoint = "endpoint:url=http://a/v1,model=m"
    assert policy_key(endpoint, "") == policy_key(endpoint + ",parallel=2,key_env=KEY", "")
    assert policy_key(endpoint, "") != policy_key("endpoint:url=http://a/v1,model=n", "")


class Narrow(Counting):
    """Has no room for a long prompt."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        if LONGER in prompts:
            raise PromptTooLong("too long", [prompts.index(LONGER)])
        return super().generate(prompts, sampling, seeds)


def test_a_prompt_that_is_too_long_is_counted_and_not_stored(store: ReplyStore) -> None:
    seen = list[tuple[int, int]]()
    sampler = CachedSampler(Narrow(), store, "p", batch=9, on_replies=lambda stored, drawn: seen.append((stored, drawn)))
    [[long_one], [short]] = sampler.generate([LONGER, ASK], SAMPLING, [[1], [1]])
    assert (long_one.text, long_one.finish_reason, short.text) == ("", NO_ROOM, "a 1")
    assert len(store) == 1
    assert seen == [(0, 0), (0, 2)]
    wider = CachedSampler(Counting(), store, "p", batch=9)  # the same model behind a server with a longer context
    assert texts(wider.generate([LONGER], SAMPLING, [[1]])) == [["a much longer one 1"]]
