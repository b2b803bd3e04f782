from __future__ import annotations

import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.batch import Sample, Tag, collate
from agents.chat import render_prompt
from agents.learner import Learner
from agents.sampler import Sampler, ScriptedSampler, TransformersSampler
from agents.sampling import Sampling
from selfplay_envs import Message

SHORT = Sampling(max_new_tokens=12)


def prompt(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def test_scripted_sampler_speaks_in_order_and_by_function() -> None:
    scripted = ScriptedSampler(["x", "y", "z"])
    found = scripted.act([prompt("a"), prompt("b")], SHORT, [(1, 2), (3,)])
    assert [[reply.text for reply in own] for own in found] == [["x", "y"], ["z"]]
    with pytest.raises(ValueError, match="the script is over"):
        scripted.act([prompt("a")], SHORT, [(1,)])
    [[reply]] = ScriptedSampler(lambda asked, seed: f"{asked[0].content}{seed}").act([prompt("a")], SHORT, [(4,)])
    assert reply.text == "a4"


def test_with_a_tokenizer_its_replies_can_be_learnt_from(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = ScriptedSampler(["ab", "c"], tokenizer)
    sampler.receive(model, 5)
    [[first, second]] = sampler.act([prompt("hi")], SHORT, [(1, 2)])
    a, b, c = (tokenizer.convert_tokens_to_ids(letter) for letter in "abc")
    assert first.prompt_ids == tuple(render_prompt(tokenizer, prompt("hi")))
    assert (first.token_ids, first.logprobs) == ((a, b, 1), (0.0, 0.0, 0.0))
    assert (second.token_ids, second.text, second.policy_version) == ((c, 1), "c", 5)
    assert sampler.counts == {"prompt_tokens": 8, "prompt_slots": 8, "reply_tokens": 5, "reply_slots": 5}
    batch = collate([Sample(reply, 1.0, Tag(role="solver")) for reply in (first, second)])
    assert (Learner(model).logprobs(batch)[batch.mask_BT] < 0).all()


def test_without_a_tokenizer_they_carry_none() -> None:
    [[reply]] = ScriptedSampler(["ab"]).act([prompt("hi")], SHORT, [(1,)])
    assert (reply.prompt_ids, reply.token_ids, reply.logprobs) == ((), (), ())


def test_its_views_go_on_in_one_script(model: PreTrainedModel) -> None:
    sampler = ScriptedSampler(["x", "y", "z"])
    proposer, solver = sampler.speaking_as("proposer"), sampler.speaking_as("solver")
    said = [voice.act([prompt("q")], SHORT, [(1,)])[0][0].text for voice in (proposer, sampler, solver)]
    assert said == ["x", "y", "z"]
    assert sampler.adapters == ["proposer", None, "solver"]
    proposer.receive(model, 2)
    assert solver.policy_version == 2
    solver.policy_version = 3
    assert sampler.policy_version == 3
    for voice in (proposer, sampler):
        voice.close()
        voice.close()


def test_all_of_them_are_samplers(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """The type checker says so too; this also runs where nobody checks types."""
    wanted = {name for name in vars(Sampler) if not name.startswith("_")}
    assert wanted == {"policy_version", "counts", "act", "receive", "speaking_as", "rest", "close"}
    for sampler in (TransformersSampler(model, tokenizer), ScriptedSampler([]), ScriptedSampler([]).speaking_as("x")):
        assert all(hasattr(sampler, name) for name in wanted)
