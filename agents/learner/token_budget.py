"""The tokens of a micro-batch: halved, for good, where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ..core.errors import OutOfMemory
from ..hardware.memory import free_cached_memory, is_out_of_memory

T = TypeVar("T")
Part = tuple[str | None, list[int]]
"""An adapter (None: the one that is active) and the rows of a micro-batch that it scores."""


class TokenBudget:
    """The tokens that a micro-batch may hold: at first as many as the config says.

    Args:
        tokens: Padded ones.
        settings: Those that a halved budget depends on: with any others a resumed run begins anew.
    """

    def __init__(self, tokens: int, settings: Mapping[str, Any] | None = None) -> None:
        self.tokens = tokens
        self._settings = dict(settings or {})

    def state_dict(self) -> dict[str, Any]:
        """The tokens, and the settings that they were found with."""
        return {**self._settings, "tokens": self.tokens}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes the tokens over from a state with the same settings; leaves a state without them, which is older, alone."""
        if state and state.items() >= self._settings.items():
            self.tokens = state["tokens"]

    def fit(
        self, cut: Callable[[int], Sequence[Part]], work: Callable[[Sequence[Part]], T], *, longest: int, unit: int = 1
    ) -> T:
        """Gives `work` the parts that `cut` cuts by the budget, and returns its result; again by half where memory runs out.

        Args:
            cut: Given the tokens of a micro-batch.
            work: Must leave nothing behind where it fails.
            longest: Tokens of the longest message, for the error.
            unit: Messages that cannot be parted.

        Raises:
            OutOfMemory: Not even one unit fits.
        """
        before = self.tokens
        while True:
            parts = cut(self.tokens)
            try:
                return work(parts)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if all(len(rows) <= unit for _, rows in parts) or self.tokens < 2:
                    self.tokens = before  # what helps now is something else
                    raise OutOfMemory(f"memory does not suffice for a single message of {longest} tokens") from error
            self.tokens //= 2
            free_cached_memory()
