"""Players without a model: a scripted one for tests and replays, one of random text for conformance checks. Public doubles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..core.errors import UsageError
from ..core.records import Reply
from ..core.spaces import UnicodeText
from .match import PendingPrompt


class ScriptedPlayer:
    """Replies with the given texts in order, or with a function's text for each prompt.

    Raises:
        UsageError: There are more prompts than texts.
    """

    def __init__(self, script: Iterable[str] | Callable[[PendingPrompt], str]) -> None:
        self._text_for: Callable[[PendingPrompt], str]
        if callable(script):
            self._text_for = script
        else:
            texts = iter(script)
            self._text_for = lambda prompt: self._next(texts)

    @staticmethod
    def _next(texts: Iterable[str]) -> str:
        for text in texts:
            return text
        raise UsageError("the script is over but another message is awaited; give ScriptedPlayer more texts.")

    def __call__(self, prompts: Sequence[PendingPrompt]) -> list[Reply]:
        """One reply per prompt, in order."""
        return [Reply(text=self._text_for(prompt)) for prompt in prompts]


class RandomTextPlayer:
    """Replies with random Unicode, as an untrained model might, and worse; every game must survive it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._space = UnicodeText(seed=rng)

    def __call__(self, prompts: Sequence[PendingPrompt]) -> list[Reply]:
        """One reply per prompt, in order."""
        return [Reply(text=self._space.sample()) for _ in prompts]
