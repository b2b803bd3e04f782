"""The letters game with answers that the environment's own judge scores."""

from __future__ import annotations

import gymnasium

from selfplay_envs import JudgeItem, Judging, Slot, Verdict, register_game
from tests.helpers.toys import Letters

SCORED = "Test/ScoredLetters-v0"


class ScoredLetters(Letters):
    """A solver's verdict has the judge's score; nothing is known of an answer of which the judge knows nothing."""

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        if slot.role == "proposer":
            return (yield from super().judge(slot, text, finish_reason))
        [score] = yield [JudgeItem(messages=self.prompt(slot), answers=(text,))]
        return Verdict.nothing(score.reason) if score.reason != "ok" else Verdict(valid=True, score=score.values[0])

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        super().apply(slot, text, verdict)
        if slot.role != "proposer":
            self.credit[slot] = verdict.score

    def skip(self, slot: Slot, verdict: Verdict) -> bool:
        self.over = slot.role != "proposer"
        return self.over


def register() -> str:
    """Its id, which is registered then."""
    if SCORED not in gymnasium.registry:
        register_game(SCORED, f"{__name__}:ScoredLetters")
    return SCORED
