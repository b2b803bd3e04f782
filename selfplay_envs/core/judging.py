"""Judges: the protocol, the records that go to one and come back, and the one name that the rest must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .messages import Message

SELF = "self"
"""The run's own model with its starting weights; never opened by name, since only a run has it: see `Referee`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeItem:
    """A request to a `Judge` about answers to a prompt: one to score, several to rank or compare, none to vet the prompt."""

    messages: tuple[Message, ...]
    answers: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    judge: str = ""
    """Name of another judge than the environment's own; a game lists it in `Game.judges`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A judge's reply: one value per answer, and why the prompt could not be judged."""

    values: tuple[float, ...]
    reason: str = "ok"
    """`ok` exactly, or why the prompt could not be judged, as one snake_case word."""


class Judge(Protocol):
    """Scores answers. Named in the registry of `selfplay_envs.judges`, or bound to a run by its collector."""

    def score(self, items: list[JudgeItem]) -> list[Score]:
        """One score per item, in order."""
        ...
