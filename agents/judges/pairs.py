"""Which of two answers is better: judges that compare, by the names of the judges that score.

A judge that has a method `compare`, such as one that asks a model, is asked for its choice; of every other one the scores of
the two answers are compared. A pair is asked in the one order in which it is given. Judges prefer the place of an answer as
well as its content, so whoever counts wins asks both orders.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from selfplay_envs import JudgeItem, Message
from selfplay_envs.core.errors import UsageError
from selfplay_envs.core.judging import Judge
from selfplay_envs.judges.registry import Judges

Choice = Literal["first", "second", "tie", ""]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one prompt."""

    messages: tuple[Message, ...]
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Preference:
    """What a judge says of a pair."""

    choice: Choice
    """`first`, `second`, `tie`; empty where nothing is known."""
    reason: str = "ok"
    """`ok`, or why nothing is known: `unreadable`, `cut_off`, `too_long`, or a judge's own word."""


class PairJudge(Protocol):
    """Compares two answers to a prompt."""

    name: str
    """For people: the judge's text."""

    def compare(self, pairs: Sequence[Pair]) -> list[Preference]:
        """One preference per pair, in order; every pair is asked once, as it is given."""
        ...


class ByChoice:
    """A judge that compares, under its text.

    Args:
        judge: Is asked for its choice.
        name: Its text.
    """

    def __init__(self, judge: PairJudge, name: str) -> None:
        self.judge, self.name = judge, name

    def compare(self, pairs: Sequence[Pair]) -> list[Preference]:
        """One preference per pair, as the judge says."""
        return self.judge.compare(pairs)


class ByScore:
    """A judge that scores, as one that compares: the higher score wins, and equal scores are a tie.

    Args:
        judge: Scores both answers of a pair in one item.
        name: Of the judge.
    """

    def __init__(self, judge: Judge, name: str) -> None:
        self.judge, self.name = judge, name

    def compare(self, pairs: Sequence[Pair]) -> list[Preference]:
        """One preference per pair; its reason is the score's.

        Raises:
            UsageError: The judge does not give two finite values per item.
        """
        items = [JudgeItem(messages=pair.messages, answers=(pair.first, pair.second)) for pair in pairs]
        scores = self.judge.score(items) if items else []
        if len(scores) != len(items):
            raise UsageError(f"judge={self.name!r} gave {len(scores)} scores for {len(items)} items; see selfplay_envs.Judge.")
        return [self._preference(score.values, score.reason) for score in scores]

    def _preference(self, values: Sequence[float], reason: str) -> Preference:
        if reason != "ok":
            return Preference("", reason)
        if len(values) != 2 or not all(map(math.isfinite, values)):
            raise UsageError(f"judge={self.name!r} gave {values!r:.80} for two answers; a judge gives one number for each.")
        first, second = values
        return Preference("tie" if first == second else "first" if first > second else "second")


def open_pair_judge(text: str, *, bound: Mapping[str, Judge] | None = None) -> PairJudge:
    """The judge of that text, made to compare: its own `compare` where it has one, else by its scores.

    Args:
        text: As `--judge` takes it: `rules`, `reward-model:id=...`, `endpoint:url=...,model=...`, `self`, `module:NAME`.
        bound: Judges by text that are at hand already, such as `self`; they come before the registry's.

    Raises:
        UsageError: There is no such judge, it does not open, or it is `self` and is not bound.
    """
    judge: Any = Judges(text, bound)[""]
    return ByChoice(judge, text) if callable(getattr(judge, "compare", None)) else ByScore(judge, text)
