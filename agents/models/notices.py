"""Notices on standard error: facts about a model that a person should know before trusting its replies, one sentence each."""

from __future__ import annotations

import logging
from weakref import WeakKeyDictionary

from transformers import PreTrainedTokenizerBase

_LOG = logging.getLogger(__name__)
_LOGGED: WeakKeyDictionary[PreTrainedTokenizerBase, set[str]] = WeakKeyDictionary()


def notice(tokenizer: PreTrainedTokenizerBase, topic: str, sentence: str) -> None:
    """Logs a sentence as a warning, unless one on that topic was logged for this tokenizer; nothing need be set up to see it.

    Args:
        tokenizer: Of the model that it is about; a copy counts as another.
        topic: Names the notice, which is logged once.
        sentence: Ends with a full stop; the model's name is put in front.
    """
    topics = _LOGGED.setdefault(tokenizer, set())
    if topic not in topics:
        topics.add(topic)
        _LOG.warning("note: %s: %s", name_of(tokenizer), sentence)


def name_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """The folder or id that a tokenizer was loaded from, for sentences."""
    return str(tokenizer.name_or_path or "this model")
