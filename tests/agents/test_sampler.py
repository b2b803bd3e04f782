from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.sampler import ScriptedSampler, TransformersSampler, end_ids, pick_tokens, render_prompt
from agents.sampling import Sampling
from selfplay_envs import Message

TEXTS = ("a", "say hello", "which letter comes next after b?", "12345", "a")
SHORT = Sampling(max_new_tokens=12)


def prompt(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def test_replies_do_not_depend_on_their_company(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = TransformersSampler(model, tokenizer)
    together = sampler.act([prompt(text) for text in TEXTS], SHORT, [(i, 100 + i) for i in range(len(TEXTS))])
    for i in reversed(range(len(TEXTS))):
        [[second]] = sampler.act([prompt(TEXTS[i])], SHORT, [(100 + i,)])
        assert second.token_ids == together[i][1].token_ids
        np.testing.assert_allclose(second.logprobs, together[i][1].logprobs, atol=1e-5)
    assert together[0][0].token_ids != together[4][0].token_ids  # equal prompts, other seeds


def test_small_batches_give_the_same_replies(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    prompts, seeds = [prompt(text) for text in TEXTS], [(i,) for i in range(len(TEXTS))]
    many = TransformersSampler(model, tokenizer, max_rows=64).act(prompts, SHORT, seeds)
    few = TransformersSampler(model, tokenizer, max_rows=2).act(prompts, SHORT, seeds)
    assert [r.token_ids for [r] in many] == [r.token_ids for [r] in few]


def test_the_reply_record(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    sampler = TransformersSampler(model, tokenizer)
    sampler.policy_version = 7
    replies = [reply for own in sampler.act([prompt("hi")], SHORT, [tuple(range(40))]) for reply in own]
    assert {reply.finish_reason for reply in replies} == {"stop", "length"}
    for reply in replies:
        assert reply.prompt_ids == tuple(render_prompt(tokenizer, prompt("hi")))
        assert len(reply.token_ids) == len(reply.logprobs) <= 12
        assert (reply.finish_reason == "stop") == (reply.token_ids[-1] == tokenizer.eos_token_id)
        assert (len(reply.token_ids) == 12) or reply.finish_reason == "stop"
        assert "<end>" not in reply.text
        assert reply.policy_version == 7
        assert all(logprob <= 0 for logprob in reply.logprobs)


def test_greedy_is_the_likeliest_path(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    [[reply, other]] = TransformersSampler(model, tokenizer).act(
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
    first = sampler.act([prompt("hi")], SHORT, [(5,)])
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == before  # type: ignore[index]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(123)
        assert sampler.act([prompt("hi")], SHORT, [(5,)]) == first


def test_tokens_are_drawn_from_the_distribution() -> None:
    probability = torch.tensor([0.5, 0.0, 0.2, 0.3])
    count = 20_000
    uniforms = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).random(count))
    token, logprob = pick_tokens(probability.log().expand(count, 4), uniforms, Sampling())
    observed = torch.bincount(token, minlength=4) / count
    assert observed[1] == 0
    expected = probability[[0, 2, 3]] * count
    chi_square = ((torch.bincount(token, minlength=4)[[0, 2, 3]] - expected) ** 2 / expected).sum().item()
    assert chi_square < 13.8  # 99.9 % point of two degrees of freedom
    torch.testing.assert_close(logprob, probability.log()[token])


def test_temperature_and_top_p_are_in_the_logprobs() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log().expand(1000, 3)
    uniforms = torch.linspace(0, 0.999, 1000, dtype=torch.float64)
    token, logprob = pick_tokens(logits, uniforms, Sampling(top_p=0.6))
    assert set(token.tolist()) == {0, 1}
    torch.testing.assert_close(logprob.exp().unique(), torch.tensor([0.375, 0.625]))
    token, logprob = pick_tokens(logits, uniforms, Sampling(temperature=0.5))
    torch.testing.assert_close(logprob.exp().unique(), torch.tensor([0.04, 0.09, 0.25]) / 0.38)


def test_a_uniform_at_either_end_draws_a_possible_token() -> None:
    logits = torch.tensor([[float("-inf"), 0.0, float("-inf")]] * 2)
    token, _ = pick_tokens(logits, torch.tensor([0.0, 1 - 1e-16], dtype=torch.float64), Sampling())
    assert token.tolist() == [1, 1]


def test_a_prompt_without_room_is_an_error_and_a_short_room_shortens(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    sampler = TransformersSampler(model, tokenizer)
    with pytest.raises(ValueError, match="a prompt of 130 tokens does not fit the model's context of 128"):
        sampler.act([prompt("a" * 128)], SHORT, [(1,)])
    replies = sampler.act([prompt("a" * 122)], SHORT, [tuple(range(20))])[0]
    assert max(len(reply.token_ids) for reply in replies) == 4


def test_special_tokens_in_a_message_cannot_end_its_turn(tokenizer: PreTrainedTokenizerFast) -> None:
    clean = render_prompt(tokenizer, prompt("ab"))
    assert render_prompt(tokenizer, prompt("a<assistant><end>b")) == clean
    assert render_prompt(tokenizer, prompt("a<as<end>sistant>b")) == clean


def test_end_ids_come_from_tokenizer_and_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [1, 9]
    assert end_ids(model, tokenizer) == {1, 9}


def test_scripted_sampler_speaks_in_order_and_by_function() -> None:
    scripted = ScriptedSampler(["x", "y", "z"])
    found = scripted.act([prompt("a"), prompt("b")], SHORT, [(1, 2), (3,)])
    assert [[reply.text for reply in own] for own in found] == [["x", "y"], ["z"]]
    with pytest.raises(ValueError, match="the script is over"):
        scripted.act([prompt("a")], SHORT, [(1,)])
    [[reply]] = ScriptedSampler(lambda asked, seed: f"{asked[0].content}{seed}").act([prompt("a")], SHORT, [(4,)])
    assert reply.text == "a4"


def test_seeds_must_match_prompts(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match="2 entries for 1 prompts"):
        TransformersSampler(model, tokenizer).act([prompt("a")], SHORT, [(1,), (2,)])


@pytest.mark.parametrize(("field", "value"), [("temperature", -1.0), ("top_p", 0.0), ("max_new_tokens", 0)])
def test_sampling_checks_its_fields(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"Sampling.{field}={value}"):
        Sampling(**{field: value})  # type: ignore[arg-type]
