"""Players without a model: scripted ones for tests and replays, a mumbling one for conformance checks. Public doubles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .errors import UsageError
from .play import Ask
from .records import Reply
from .spaces import UnicodeText


class ScriptedPlayer:
    """Says the given texts in order, or what a function makes of each ask.

    Raises:
        UsageError: Asked more often than there are texts.
    """

    def __init__(self, script: Iterable[str] | Callable[[Ask], str]) -> None:
        self._say: Callable[[Ask], str]
        if callable(script):
            self._say = script
        else:
            texts = iter(script)
            self._say = lambda ask: self._next(texts)

    @staticmethod
    def _next(texts: Iterable[str]) -> str:
        for text in texts:
            return text
        raise UsageError("the script is over but another message is awaited; give ScriptedPlayer more texts.")

    def __call__(self, asks: Sequence[Ask]) -> list[Reply]:
        """One reply per ask, in order."""
        return [Reply(text=self._say(ask)) for ask in asks]


class RandomTextPlayer:
    """Says random Unicode: what an untrained model might, and more; every game must survive it."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._space = UnicodeText(seed=rng)

    def __call__(self, asks: Sequence[Ask]) -> list[Reply]:
        """One reply per ask, in order."""
        return [Reply(text=self._space.sample()) for _ in asks]
