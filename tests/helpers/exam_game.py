"""A game of a proposer and a panel whose roles have other names: an examiner names a letter, students repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from selfplay_envs import Message, Slot, UsageError, Verdict, register_game
from selfplay_envs.games.panel import PanelGame
from selfplay_envs.games.style import terse_prompt
from selfplay_envs.replies.parsing import Parsed

EXAM = "Test/Exam-v0"


class Exam(PanelGame[str]):
    """The letters `q` and `Q` are one task; the examiner earns the share of students who are wrong."""

    roles = ("examiner", "student")
    task_type = "exam"
    styles: Mapping[str, Any] = {"terse": terse_prompt}

    def __init__(self, *, attempts: int = 2, style: str = "terse", malformed_credit: float = -1.0) -> None:
        super().__init__(attempts=attempts, style=style, malformed_credit=malformed_credit)

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().reset(rng, options)
        self.right: list[bool] = []

    def read_task(self, data: Any) -> str:
        if not isinstance(data, Mapping) or "letter" not in data:
            raise UsageError(f"options['task']={data!r} has no letter.")
        return str(data["letter"])  # pyright: ignore[reportUnknownArgumentType]

    def write_task(self, task: str) -> Mapping[str, Any]:
        return {"letter": task}

    def proposal_key(self, task: Mapping[str, Any]) -> str:
        return task["letter"].lower()

    def propose_prompt(self) -> tuple[Message, ...]:
        return self.style("name a letter")

    def answer_prompt(self, task: str) -> tuple[Message, ...]:
        return self.style(f"say {task}")

    def judge_proposal(self, reply: Parsed) -> Verdict:
        letter = reply.answer.strip()[:1]
        return Verdict(valid=True, data={"letter": letter}) if letter.isalpha() else self.refuse("no_letter")

    def judge_answer(self, task: str, reply: Parsed) -> Verdict:
        return Verdict(valid=True, score=float(reply.answer.strip()[:1].lower() == task.lower()))

    def credit_answer(self, slot: Slot, verdict: Verdict) -> None:
        self.right.append(verdict.score == 1.0)
        self.credit[slot] = self.outcome[slot.role, slot.attempt] = verdict.score

    def settle_panel(self) -> None:
        if self.fresh:
            share = self.right.count(False) / max(1, len(self.right))
            self.credit[self.proposer] = self.outcome[self.proposer.role, 0] = share


register_game(EXAM, f"{__name__}:Exam")
