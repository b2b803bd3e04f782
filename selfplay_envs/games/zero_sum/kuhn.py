"""Kuhn poker: two seats, three cards, hidden information; the value of the game is -1/18 chips for the first seat.

See: Kuhn, A simplified two-person poker, 1950; played by language models in Liu et al., SPIRAL, arXiv 2506.24119.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ...core.game import Game, Verdict
from ...core.messages import Message, Slot
from ...replies.parsing import fence, read_reply
from ..style import find_style
from .prompts import STYLES

CARDS = ("J", "Q", "K")
LEGAL: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("check", "bet"),
    ("check",): ("check", "bet"),
    ("bet",): ("call", "fold"),
    ("check", "bet"): ("call", "fold"),
}
"""Legal actions after each history that is not over."""


@dataclass(slots=True)
class Hand:
    """One play of the deal: its actions so far, and whether somebody forfeited."""

    history: tuple[str, ...] = ()
    forfeited: int | None = None

    @property
    def over(self) -> bool:
        """Whether the play is finished."""
        return self.forfeited is not None or self.history not in LEGAL

    @property
    def seat(self) -> int:
        """The seat to act: 0 or 1."""
        return len(self.history) % 2

    def payoff(self, cards: tuple[str, str]) -> float:
        """Chips that seat 0 wins; the negative of what seat 1 wins."""
        if self.forfeited is not None:
            return -1.0 if self.forfeited == 0 else 1.0
        if self.history[-1] == "fold":
            return -1.0 if len(self.history) % 2 == 1 else 1.0
        stake = 2.0 if self.history[-1] == "call" else 1.0
        return stake if CARDS.index(cards[0]) > CARDS.index(cards[1]) else -stake


class KuhnPoker(Game):
    """Kuhn poker, `attempts` independent plays of one deal.

    Every message of a seat has that seat's chips of its play as credit, -2 to 2. A message that is not exactly one legal action
    in an `action` block forfeits the ante. Reasons: `no_action_block`, `illegal_action`,
    and those of `read_reply`.

    Args:
        attempts: Plays of the same deal; they form the groups of group-relative algorithms.
        style: Prompt wording, `full` or `terse`.
    """

    roles = ("first", "second")
    task_type = "kuhn"
    zero_sum = True
    styles = STYLES

    def __init__(self, *, attempts: int = 1, style: str = "full") -> None:
        super().__init__(attempts=attempts)
        self.style = find_style(self.styles, style)
        self.cards: tuple[str, str] = ("J", "Q")
        self.hands: list[Hand] = []

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Deals from `rng`, or the cards of `options["task"]`, such as `{"cards": ["J", "K"]}`.

        Raises:
            UsageError: The cards are not two different ones of J, Q, K.
        """
        task: Mapping[str, Any] | None = options.get("task")
        dealt = [CARDS[i] for i in rng.permutation(3)[:2]]
        cards = dealt if task is None else task.get("cards")
        if not isinstance(cards, list | tuple) or sorted(map(str, cards)) not in (["J", "K"], ["J", "Q"], ["K", "Q"]):
            raise UsageError(
                f"options['task']={task!r:.80} is no deal; pass {{'cards': ['J', 'K']}}: two different cards of J, Q, K."
            )
        self.cards = (cards[0], cards[1])
        self.hands = [Hand() for _ in range(self.attempts)]
        self._acted: list[Slot] = []

    def pending(self) -> tuple[Slot, ...]:
        """The seat to act in every play that is not over."""
        return tuple(
            Slot(self.roles[hand.seat], attempt, len(hand.history)) for attempt, hand in enumerate(self.hands) if not hand.over
        )

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        """The seat's own card, the actions so far, the legal ones."""
        history = self.hands[slot.attempt].history
        return self.style.kuhn(self.cards[self.roles.index(slot.role)], history, LEGAL[history])

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Verdict:
        """Exactly one legal action in the last `action` block."""
        reply = read_reply(text, finish_reason)
        actions = reply.bodies("action")
        if not actions:
            return Verdict(valid=False, reason=reply.fault or "no_action_block")
        action = actions[-1].strip().lower()
        if action not in LEGAL[self.hands[slot.attempt].history]:
            return Verdict(valid=False, reason="illegal_action")
        return Verdict(valid=True, data={"action": action})

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """Appends the action; a finished play sets the credit of both seats."""
        hand = self.hands[slot.attempt]
        self._acted.append(slot)
        if verdict.valid:
            hand.history = (*hand.history, verdict.data["action"])
        else:
            hand.forfeited = hand.seat
        if hand.over:
            chips = hand.payoff(self.cards)
            payoffs = {self.roles[0]: chips, self.roles[1]: -chips}
            for earlier in self._acted:
                if earlier.attempt == slot.attempt:
                    self.credit[earlier] = payoffs[earlier.role]
            for role, payoff in payoffs.items():
                self.outcome[role, slot.attempt] = payoff

    def sample_action(self, slot: Slot, rng: np.random.Generator) -> str:
        """One of the legal actions."""
        return fence("action", str(rng.choice(LEGAL[self.hands[slot.attempt].history])))

    @property
    def task_id(self) -> str:
        """The deal."""
        return "-".join(self.cards)
