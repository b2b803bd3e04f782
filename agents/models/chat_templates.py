"""The abilities of a tokenizer's chat template, found out by rendering marked messages; and rendering with a plain error.

A template is a program that somebody else wrote. It may refuse a system message or forget it without a word, and it alone
knows which token ends a reply.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from transformers import PreTrainedTokenizerBase

from selfplay_envs import Message, UsageError

from .notices import name_of, notice

FALLBACK_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
"""For base models whose tokenizer brings no chat template: one `role: content` line per message."""

_RULES, _QUESTION, _ANSWER = (
    Message("system", "marked5127rules"),
    Message("user", "marked5127question"),
    Message("assistant", "marked5127answer"),
)
"""Words that no template has of its own, and that survive one which strips or escapes texts."""


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """A template and what is known of it."""

    text: str
    specials: tuple[str, ...]
    """Texts that the tokenizer reads as special tokens."""
    takes_system: bool
    """Whether a system message is shown."""
    turn_end: int | None
    """Id of the first special token behind an assistant's message; None where plain text or nothing ends its turn."""


_KNOWN: WeakKeyDictionary[PreTrainedTokenizerBase, tuple[object, ChatTemplate]] = WeakKeyDictionary()


def find_template(tokenizer: PreTrainedTokenizerBase) -> ChatTemplate:
    """The template that a tokenizer's chats are rendered with; looked at once, and again only after the tokenizer was changed.

    Raises:
        UsageError: There are several and none is the default, or it cannot show a user's message.
    """
    text, specials = _text(tokenizer), special_tokens(tokenizer)
    state = (text, specials, dict(tokenizer.special_tokens_map))
    known = _KNOWN.get(tokenizer)
    if known is None or known[0] != state:
        takes_system, turn_end = _takes_system(tokenizer, text), _turn_end(tokenizer, text, specials)
        known = _KNOWN[tokenizer] = (state, ChatTemplate(text, specials, takes_system, turn_end))
    if text == FALLBACK_TEMPLATE:
        notice(
            tokenizer,
            "template",
            "no chat template; every message is shown as a plain line `role: content`, and the reply follows `assistant:`.",
        )
    return known[1]


def render(tokenizer: PreTrainedTokenizerBase, text: str, messages: Sequence[Message], *, open_reply: bool = True) -> str:
    """Messages as the template `text` writes them; `open_reply` adds the marker that opens the assistant's turn.

    Raises:
        UsageError: It refuses them.
    """
    chat = [{"role": message.role, "content": message.content} for message in messages]
    try:
        return cast(
            str, tokenizer.apply_chat_template(chat, chat_template=text, add_generation_prompt=open_reply, tokenize=False)
        )
    except Exception as error:  # whatever a program of somebody else may raise
        roles = ", ".join(message.role for message in messages)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _unfit(tokenizer, f"refuses messages of the roles {roles} ({reason[:200]})") from error


def special_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """Texts that the tokenizer reads as special tokens, also those that it has no name for, such as Llama 3's header marks."""
    unnamed = [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]
    return tuple(sorted({*tokenizer.all_special_tokens, *unnamed} - {""}))


def in_user_turn(messages: Sequence[Message]) -> list[Message]:
    """The messages with those of the system in front of the user's first one, a blank line between them."""
    rules = [message.content for message in messages if message.role == "system" and message.content]
    others = [message for message in messages if message.role != "system"]
    first = next((place for place, message in enumerate(others) if message.role == "user"), None)
    if first is None:
        return [Message("user", "\n\n".join(rules)), *others]
    others[first] = Message("user", "\n\n".join([*rules, others[first].content]))
    return others


def _text(tokenizer: PreTrainedTokenizerBase) -> str:
    """The default one of a tokenizer's templates; the plain one where there is none."""
    template: Any = tokenizer.chat_template or FALLBACK_TEMPLATE
    if isinstance(template, str):
        return template
    named: Mapping[str, str] = (
        template if isinstance(template, Mapping) else {entry["name"]: entry["template"] for entry in template}
    )
    if "default" not in named and len(named) > 1:
        raise UsageError(
            f"chat_template of {name_of(tokenizer)!r} names {', '.join(sorted(named))} and no default; "
            "set tokenizer.chat_template to the text of one of them, and save the tokenizer."
        )
    return named["default"] if "default" in named else next(iter(named.values()))


def _takes_system(tokenizer: PreTrainedTokenizerBase, text: str) -> bool:
    """Whether both system and user are shown; False where they are only with the system's words in the user's turn."""
    if _shows(tokenizer, text, [_RULES, _QUESTION]):
        return True
    render(tokenizer, text, [_QUESTION])  # its sentence names the reason where not even that goes
    if not _shows(tokenizer, text, in_user_turn([_RULES, _QUESTION])):
        raise _unfit(tokenizer, "does not show what a user says")
    return False


def _shows(tokenizer: PreTrainedTokenizerBase, text: str, messages: Sequence[Message]) -> bool:
    try:
        shown = render(tokenizer, text, messages)
    except UsageError:
        return False
    return _RULES.content in shown and _QUESTION.content in shown


def _turn_end(tokenizer: PreTrainedTokenizerBase, text: str, specials: Collection[str]) -> int | None:
    try:
        shown = render(tokenizer, text, [_QUESTION, _ANSWER], open_reply=False)
    except UsageError:  # a template for prompts alone
        return None
    _, there, tail = shown.rpartition(_ANSWER.content)
    ids: list[int] = tokenizer(tail, add_special_tokens=False)["input_ids"] if there and tail else []
    ends = set(specials) - {str(tokenizer.unk_token)}  # which stands for letters that the tokenizer does not know
    return next((number for number in ids if tokenizer.convert_ids_to_tokens(number) in ends), None)


def _unfit(tokenizer: PreTrainedTokenizerBase, what: str) -> UsageError:
    return UsageError(
        f"chat_template of {name_of(tokenizer)!r} {what}; take another model, or set "
        "tokenizer.chat_template to a template that shows the roles system, user and assistant, and save the tokenizer."
    )
