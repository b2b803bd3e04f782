"""Chats as token ids: what a model is shown, and which tokens end what it says."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Message

from .notices import notice
from .templates import find_template, in_user_turn, render, special_tokens

__all__ = ["Prompt", "end_ids", "render_prompt", "special_tokens"]

Prompt = tuple[Message, ...]


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: Prompt) -> list[int]:
    """Token ids of a chat, up to and including the marker that opens the assistant's turn.

    Where the template has no system role, what the system says stands in front of the user's first turn.

    Special tokens spelled out in a user's or an assistant's message are taken out, and a notice says so once: what another
    player wrote cannot end its own turn. A referee refuses tasks that hold one (`Referee.reserved`), so that nobody
    is asked about an altered one. System messages stay as they are: games write them and quote no player there, and
    some tokenizers have words of our own, such as `<think>`, as special tokens.

    Raises:
        UsageError: The tokenizer's template cannot show these messages.
    """
    template = find_template(tokenizer)
    chat = [message if message.role == "system" else _cleaned(tokenizer, message, template.specials) for message in messages]
    text = render(tokenizer, template.text, chat if template.takes_system else in_user_turn(chat))
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Token ids that end a reply: the tokenizer's end, those of the model's generation config, and the end of a turn.

    A notice names them where the tokenizer's own end is not the one that its chat template writes, or where it has none.

    Raises:
        UsageError: The tokenizer's template is of no use.
    """
    own = _ids(tokenizer.eos_token_id)
    turn = _ids(find_template(tokenizer).turn_end)
    found = own | turn | _ids(getattr(getattr(model, "generation_config", None), "eos_token_id", None))
    if not own:
        means = f"with {_names(tokenizer, found)}, as its chat template or generation config says"
        notice(tokenizer, "ends", f"no end token; replies end {means if found else 'at their length limit alone'}.")
    elif not turn <= own:
        notice(
            tokenizer,
            "ends",
            f"the chat template ends turns with {_names(tokenizer, turn)}, which is no end token of the tokenizer; "
            f"replies end with {_names(tokenizer, found)}.",
        )
    return found


def _names(tokenizer: PreTrainedTokenizerBase, ids: Collection[int]) -> str:
    """`'<|endoftext|>' or '<|im_end|>'`."""
    return " or ".join(repr(tokenizer.decode([one])) for one in sorted(ids))


def _ids(value: Any) -> frozenset[int]:
    """One id, several, or None."""
    values = value if isinstance(value, list | tuple) else [value]
    return frozenset(one for one in values if isinstance(one, int))


def _cleaned(tokenizer: PreTrainedTokenizerBase, message: Message, specials: Collection[str]) -> Message:
    """The message without special tokens."""
    held = next((special for special in specials if special in message.content), None)
    if held is None:
        return message
    notice(
        tokenizer,
        "special tokens",
        f"what a player wrote holds {held!r}, which the tokenizer reads as a special token; such texts are taken out.",
    )
    return Message(message.role, _without(message.content, specials))


def _without(text: str, specials: Collection[str]) -> str:
    """`text` without any of `specials`, also those whose halves a removal joins; time grows with the length alone.

    Letter by letter, as removing until nothing is left takes as many rounds as specials are written into one another.
    """
    lengths = sorted({len(special) for special in specials})
    endings = frozenset(special[-1] for special in specials)
    unwanted, kept = frozenset(specials), list[str]()
    for letter in text:
        kept.append(letter)
        if letter in endings:
            held = next((size for size in lengths if "".join(kept[-size:]) in unwanted), 0)
            del kept[len(kept) - held :]
    return "".join(kept)
