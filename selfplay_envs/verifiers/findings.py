"""Findings, which checks return: `right`, `wrong`, or a named reason why it is neither; and reports on many parts."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..core.game import Request

T = TypeVar("T")

RIGHT, WRONG = "right", "wrong"
WORKER_LOST = "worker_lost"
"""The sandbox failed: nothing is known."""
NONDETERMINISTIC = "nondeterministic"
"""The task's program does not always return the same for this input."""
GOLD_CHANGED = "gold_changed"
"""The task's program no longer returns the outputs of the task."""
GOLD_UNREADABLE = "gold_unreadable"
"""The task's gold answer is not in the form that its verifier reads."""
VOID_TASK = frozenset((NONDETERMINISTIC, GOLD_CHANGED, GOLD_UNREADABLE))
"""Findings about the task, which is fit for nobody, and not about the answer."""
NEEDS_JUDGE = "needs_judge"
"""No verifier can say whether the answer is right; see `verifiers.answers.chat.FreeText`."""
VOID = VOID_TASK | {WORKER_LOST, NEEDS_JUDGE}
"""Findings that give nobody credit, neither good nor bad."""
Checking = Generator[list[Request], list[Any], str]
"""A check under way: yields jobs, is sent their outcomes, returns a finding."""


def settled(finding: str) -> Checking:
    """A check that asks for nothing."""
    return finding
    yield []


@dataclass(frozen=True, slots=True)
class Report:
    """The findings of a check of several tests or cases, one about each, in order."""

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
        """Number of parts that are right; divided by `len(parts)` it is partial credit."""
        return self.parts.count(RIGHT)


def growing_batches(items: Sequence[T], most: int = 4) -> Iterator[Sequence[T]]:
    """The items one, then two, then four at a time, up to `most`: a check that stops at the first that hangs loses little."""
    start, size = 0, 1
    while start < len(items):
        yield items[start : start + size]
        start, size = start + size, min(2 * size, most)
