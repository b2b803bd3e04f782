"""Groups: which messages of a batch share a baseline, numbered once for everything that compares within them.

Legend of shape suffixes: B messages.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from .batch import Tag


def _prompt(tag: Tag) -> tuple[str, ...]:
    return tag.env_id, tag.role, tag.prompt_id


GROUPINGS: dict[str, Callable[[Tag], tuple[str, ...]]] = {
    "batch": lambda tag: (),
    "role": lambda tag: (tag.role,),
    "role+task_type": lambda tag: (tag.role, tag.task_type),
    "prompt": _prompt,
    "query": lambda tag: (*_prompt(tag), tag.query),
    "task": lambda tag: (tag.env_id, tag.role, tag.task_id),
    "game+role": lambda tag: (tag.env_id, tag.role),
}
"""Which messages share a baseline, by name. `prompt`: all that were given the same words, in whatever episode. `query`: a panel
that answered one task in one episode, whatever others were given; messages of no panel as by `prompt`."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of every message of a batch."""

    number_B: Tensor
    """0.. in order of first appearance, int64."""
    size_B: Tensor
    """Messages in the group, int64."""
    constant_B: Tensor
    """True where all returns of the group are equal, as they came in: before penalties on length or KL."""

    @classmethod
    def of(cls, tags: Sequence[Tag], group_by: str, returns_B: Tensor) -> Self:
        """The groups of messages under a grouping.

        Raises:
            ValueError: No grouping has that name.
        """
        return cls._numbered(group_numbers(tags, group_by), returns_B)

    def rows(self, index: Sequence[int], returns_B: Tensor) -> Groups:
        """The groups of some messages alone, numbered anew.

        Args:
            index: The messages, in their new order.
            returns_B: Of all messages.
        """
        if list(index) == list(range(len(self.number_B))):
            return self
        return self._numbered(_in_order(self.number_B[list(index)].tolist()), returns_B[list(index)])

    @classmethod
    def _numbered(cls, number_B: Tensor, returns_B: Tensor) -> Self:
        size_B = torch.bincount(number_B)[number_B]
        return cls(number_B, size_B, group_is_constant(returns_B, number_B))


def group_numbers(tags: Sequence[Tag], group_by: str) -> Tensor:
    """Number of each message's group, 0.. in order of first appearance, int64 (B,).

    Raises:
        ValueError: No grouping has that name.
    """
    if group_by not in GROUPINGS:
        raise ValueError(f"group_by={group_by!r} is not known; choose one of {', '.join(GROUPINGS)}.")
    return _in_order(map(GROUPINGS[group_by], tags))


def group_is_constant(values_B: Tensor, group_B: Tensor) -> Tensor:
    """Whether all values of a sequence's group are equal, bool (B,); compares, so that rounding cannot hide it."""
    count = int(group_B.max()) + 1 if group_B.numel() else 0
    low_G = values_B.new_full((count,), torch.inf).scatter_reduce(0, group_B, values_B, "amin")
    high_G = values_B.new_full((count,), -torch.inf).scatter_reduce(0, group_B, values_B, "amax")
    return (low_G == high_G)[group_B]


def _in_order(keys: Iterable[Hashable]) -> Tensor:
    """The number of every key, 0.. in order of first appearance."""
    numbers: dict[Hashable, int] = {}
    return torch.tensor([numbers.setdefault(key, len(numbers)) for key in keys], dtype=torch.long)
