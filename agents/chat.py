"""Chats as token ids: what a model is shown, and which tokens end what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Message

Prompt = tuple[Message, ...]


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: Prompt) -> list[int]:
    """Token ids of a chat, up to and including the marker that opens the assistant's turn.

    Special tokens spelled out inside a message are removed first: what another player wrote cannot end its own turn.
    """
    specials = special_tokens(tokenizer)
    chat = [{"role": message.role, "content": _without(message.content, specials)} for message in messages]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    return tokenizer(cast(str, text), add_special_tokens=False)["input_ids"]


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Texts that the tokenizer reads as special tokens, also those that it has no name for, such as Llama 3's header marks."""
    unnamed = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return sorted({*tokenizer.all_special_tokens, *unnamed} - {""})


def _without(text: str, specials: Sequence[str]) -> str:
    """`text` without any of `specials`; repeated, since a removal may join the halves of another."""
    while any(special in text for special in specials):
        for special in specials:
            text = text.replace(special, "")
    return text


def end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Token ids that end a reply: the tokenizer's and those of the model's generation config."""
    generation: Any = getattr(model, "generation_config", None)
    found: list[Any] = []
    for value in (tokenizer.eos_token_id, getattr(generation, "eos_token_id", None)):
        found += value if isinstance(value, list) else [value]
    return frozenset(one for one in found if isinstance(one, int))
