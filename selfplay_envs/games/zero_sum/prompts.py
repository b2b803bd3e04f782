"""Wording of Kuhn poker, in full and terse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ...core.messages import Message
from ...replies.parsing import fence
from ..style import full_prompt, terse_prompt


class PokerPrompts(Protocol):
    """Wording of the prompts of a poker game."""

    def kuhn(self, card: str, history: Sequence[str], legal: Sequence[str]) -> tuple[Message, ...]:
        """Prompt for an action."""
        ...


class FullPokerPrompts:
    """The rules spelled out, and the format."""

    def kuhn(self, card: str, history: Sequence[str], legal: Sequence[str]) -> tuple[Message, ...]:
        """The rules in three sentences, then the situation."""
        return full_prompt(
            "You play Kuhn poker: the deck is J, Q, K (K is highest), both players ante 1 chip and hold one card. "
            "A player may check or bet 1; a bet can be called or folded to. At a showdown the higher card takes the pot.",
            f"Your card: {card}\nActions so far: {', '.join(history) or 'none'}\nLegal actions: {', '.join(legal)}",
            f"Format:\n{fence('action', 'one legal action')}",
        )


class TersePokerPrompts:
    """The situation alone, as the tiny model was trained."""

    def kuhn(self, card: str, history: Sequence[str], legal: Sequence[str]) -> tuple[Message, ...]:
        """Card, history and legal words, a line each."""
        return terse_prompt("kuhn poker", f"card {card}", f"history {' '.join(history) or 'none'}", f"legal {' '.join(legal)}")


STYLES: Mapping[str, PokerPrompts] = {"full": FullPokerPrompts(), "terse": TersePokerPrompts()}
