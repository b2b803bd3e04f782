from __future__ import annotations

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.batching.batch import Sample, Tag, collate
from agents.config.sampling import Sampling
from agents.learner.learner import Learner
from agents.models.chat import render_prompt
from agents.models.weights import weights_of
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.stats import SamplerStats
from selfplay_envs import Message

SHORT = Sampling(max_new_tokens=12)


def prompt(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def test_scripted_sampler_replies_in_order_and_by_function() -> None:
    scripted = ScriptedSampler(["x", "y", "z"])
    answers = scripted.generate([prompt("a"), prompt("b")], SHORT, [(1, 2), (3,)])
    assert [[reply.text for reply in replies] for replies in answers] == [["x", "y"], ["z"]]
    with pytest.raises(ValueError, match="the script is over"):
        scripted.generate([prompt("a")], SHORT, [(1,)])
    [[reply]] = ScriptedSampler(lambda messages, seed: f"{messages[0].content}{seed}").generate([prompt("a")], SHORT, [(4,)])
    assert reply.text == "a4"


def test_with_a_tokenizer_its_replies_can_be_learnt_from(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = ScriptedSampler(["ab", "c"], tokenizer)
    sampler.load_weights(weights_of(model, 5))
    [[first, second]] = sampler.generate([prompt("hi")], SHORT, [(1, 2)])
    a, b, c = (tokenizer.convert_tokens_to_ids(letter) for letter in "abc")
    assert first.prompt_ids == tuple(render_prompt(tokenizer, prompt("hi")))
    assert (first.token_ids, first.logprobs) == ((a, b, 1), (0.0, 0.0, 0.0))
    assert (second.token_ids, second.text, second.policy_version) == ((c, 1), "c", 5)
    assert sampler.stats == SamplerStats(prompt_tokens=8, prompt_slots=8, reply_tokens=5, reply_slots=5)
    batch = collate([Sample(reply, 1.0, Tag(role="solver")) for reply in (first, second)])
    assert (Learner(model).logprobs(batch)[batch.mask_BT] < 0).all()


def test_without_a_tokenizer_they_carry_none() -> None:
    [[reply]] = ScriptedSampler(["ab"]).generate([prompt("hi")], SHORT, [(1,)])
    assert (reply.prompt_ids, reply.token_ids, reply.logprobs) == ((), (), ())


def test_its_views_go_on_in_one_script(model: PreTrainedModel) -> None:
    sampler = ScriptedSampler(["x", "y", "z"])
    proposer, solver = sampler.with_adapter("proposer"), sampler.with_adapter("solver")
    texts = [policy.generate([prompt("q")], SHORT, [(1,)])[0][0].text for policy in (proposer, sampler, solver)]
    assert texts == ["x", "y", "z"]
    assert sampler.adapters == ["proposer", None, "solver"]
    proposer.load_weights(weights_of(model, 2))
    assert solver.policy_version == 2
    solver.policy_version = 3
    assert sampler.policy_version == 3
    for policy in (proposer, sampler):
        policy.close()
        policy.close()
