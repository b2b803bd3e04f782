from __future__ import annotations

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.chat import end_ids, render_prompt
from selfplay_envs import Message


def prompt(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def test_special_tokens_in_a_message_cannot_end_its_turn(tokenizer: PreTrainedTokenizerFast) -> None:
    clean = render_prompt(tokenizer, prompt("ab"))
    assert render_prompt(tokenizer, prompt("a<assistant><end>b")) == clean
    assert render_prompt(tokenizer, prompt("a<as<end>sistant>b")) == clean


def test_end_ids_come_from_tokenizer_and_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    assert model.generation_config is not None
    model.generation_config.eos_token_id = [1, 9]
    assert end_ids(model, tokenizer) == {1, 9}
