"""What a check says: `right`, `wrong`, or a named reason why it is neither; and checks that have many parts."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from .game import Request

T = TypeVar("T")

RIGHT, WRONG = "right", "wrong"
WORKER_LOST = "worker_lost"
"""The sandbox failed: nothing is known."""
NONDETERMINISTIC = "nondeterministic"
"""The task's program does not always return the same for this input."""
GOLD_CHANGED = "gold_changed"
"""The task's program no longer returns what the task says."""
VOID_TASK = frozenset((NONDETERMINISTIC, GOLD_CHANGED))
"""Findings that say something of the task, which is fit for nobody, and nothing of the answer."""
VOID = VOID_TASK | {WORKER_LOST}
"""Findings for which nobody is to be charged, nor paid."""
Finding = Generator[list[Request], list[Any], str]
"""A check: yields jobs, is sent their outcomes, returns `right`, `wrong` or a reason."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of several tests or cases found about each of them, in order."""

    parts: tuple[str, ...]
    """`right`, `wrong` or a reason, one per test or case; at least one."""

    @property
    def finding(self) -> str:
        """`right` if every part is, `wrong` if any part is, else the first reason."""
        if WRONG in self.parts:
            return WRONG
        return next((part for part in self.parts if part != RIGHT), RIGHT)

    @property
    def passed(self) -> int:
        """How many parts are right; divided by `len(parts)` it is partial credit."""
        return self.parts.count(RIGHT)


def instalments(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items one, then two, then four at a time: whoever stops at the first program that hangs has not lost much by it."""
    start, size = 0, 1
    while start < len(items):
        yield items[start : start + size]
        start, size = start + size, min(2 * size, 4)
