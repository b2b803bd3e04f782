"""The tokens of a micro-batch: halved, for good, where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from .device_memory import free_cached_memory, is_out_of_memory
from .errors import OutOfMemory

T = TypeVar("T")
Part = tuple[str | None, list[int]]
"""An adapter (None: the one that is active) and the rows of a micro-batch that it speaks in."""


class TokenBudget:
    """What a micro-batch may hold: starts at what the config says.

    Args:
        tokens: Padded ones.
    """

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def fit(
        self, cut: Callable[[int], Sequence[Part]], work: Callable[[Sequence[Part]], T], *, longest: int, unit: int = 1
    ) -> T:
        """What `work` makes of the parts that `cut` cuts by the budget; where memory runs out, from the start by half of it.

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
