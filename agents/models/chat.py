"""Chats as token ids: the prompt of a model, and the tokens that end its replies."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfplay_envs import Message

from .chat_templates import find_template, in_user_turn, render
from .notices import notice

Prompt = tuple[Message, ...]


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: Prompt) -> list[int]:
    """Token ids of a chat, up to and including the marker that opens the assistant's turn; see `render_text`.

    Raises:
        UsageError: The tokenizer's template cannot show these messages.
    """
    return tokenizer(render_text(tokenizer, messages), add_special_tokens=False)["input_ids"]


def render_text(tokenizer: PreTrainedTokenizerBase, messages: Prompt, *, open_reply: bool = True) -> str:
    """A chat as the tokenizer's template writes it; `open_reply` adds the marker that opens the assistant's turn.

    Where the template has no system role, the system message stands in front of the user's first turn.

    Special tokens spelled out in a user's or an assistant's message are taken out, and a notice says so once: the text of
    another player cannot end its own turn. A referee refuses tasks that hold one (`Referee.reserved`), so that no prompt
    shows an altered one. System messages stay as they are: games write them and quote no player there, and
    some tokenizers have words of our own, such as `<think>`, as special tokens.

    Raises:
        UsageError: The tokenizer's template cannot show these messages.
    """
    template = find_template(tokenizer)
    chat = [message if message.role == "system" else _cleaned(tokenizer, message, template.specials) for message in messages]
    return render(tokenizer, template.text, chat if template.takes_system else in_user_turn(chat), open_reply=open_reply)


def end_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Token ids that end a reply: the tokenizer's end, those of the model's generation config, and the end of a turn.

    A notice names them where the tokenizer's own end is not the one that its chat template writes, or where it has none.

    Raises:
        UsageError: The tokenizer's template is of no use.
    """
    end = _ids(tokenizer.eos_token_id)
    turn = _ids(find_template(tokenizer).turn_end)
    ends = end | turn | _ids(getattr(getattr(model, "generation_config", None), "eos_token_id", None))
    if not end:
        means = f"with {_names(tokenizer, ends)}, as its chat template or generation config says"
        notice(tokenizer, "ends", f"no end token; replies end {means if ends else 'at their length limit alone'}.")
    elif not turn <= end:
        notice(
            tokenizer,
            "ends",
            f"the chat template ends turns with {_names(tokenizer, turn)}, which is no end token of the tokenizer; "
            f"replies end with {_names(tokenizer, ends)}.",
        )
    return ends


def _names(tokenizer: PreTrainedTokenizerBase, ids: Collection[int]) -> str:
    """`'<|endoftext|>' or '<|im_end|>'`."""
    return " or ".join(repr(tokenizer.decode([number])) for number in sorted(ids))


def _ids(value: Any) -> frozenset[int]:
    """One id, several, or None."""
    values = value if isinstance(value, list | tuple) else [value]
    return frozenset(number for number in values if isinstance(number, int))


def _cleaned(tokenizer: PreTrainedTokenizerBase, message: Message, specials: Collection[str]) -> Message:
    """The message without special tokens."""
    special = next((special for special in specials if special in message.content), None)
    if special is None:
        return message
    notice(
        tokenizer,
        "special tokens",
        f"what a player wrote holds {special!r}, which the tokenizer reads as a special token; such texts are taken out.",
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
            length = next((size for size in lengths if "".join(kept[-size:]) in unwanted), 0)
            del kept[len(kept) - length :]
    return "".join(kept)
