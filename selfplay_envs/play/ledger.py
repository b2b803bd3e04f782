"""The ledger of a match that is played step by step: each credit is reported once, when it becomes known."""

from __future__ import annotations

from ..core.messages import Slot
from .match import Match


class CreditLedger:
    """Remembers what of a match was already reported, so that each thing is reported once."""

    def __init__(self) -> None:
        self._credited: set[Slot] = set()
        self._untrained: set[Slot] = set()

    def take_new(self, match: Match) -> list[tuple[Slot, float]]:
        """Credits that became known since the last call, in slot-application order."""
        credit = match.game.credit
        slots = [turn.slot for turn in match.applied if turn.slot in credit]
        new = [(slot, credit[slot]) for slot in slots if slot not in self._credited]
        self._credited.update(slot for slot, _ in new)
        return new

    def take_untrained(self, match: Match) -> list[Slot]:
        """Messages that became known since the last call as not to train: void ones, and those that a game masks."""
        slots = [turn.slot for turn in match.applied if turn.slot in match.game.void or not turn.verdict.train]
        new = [slot for slot in slots if slot not in self._untrained]
        self._untrained.update(new)
        return new
