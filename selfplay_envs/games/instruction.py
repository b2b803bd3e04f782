"""Instruction challenge: a challenger writes an instruction, a panel follows it, a judge scores the answers.

The LSP-Zero form of Kuba et al., Language Self-Play, arXiv 2509.07414, equations 1-5: the solver's credit is the
judge's value R(q, a), the challenger's is -V(q), the negated mean over the panel. Centring by group is the advantage
function's. Deviation: instructions that the judge cannot score earn `malformed_credit` instead of -V = 0, which would
be the best possible payoff for asking nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import UsageError
from ..game import Game, JudgeItem, Judging, Message, Settling, Slot, Verdict, no_requests, short_hash
from ..parsing import bodies
from ..prompts import find_style

CHALLENGER = Slot("challenger", 0, 0)
MAX_INSTRUCTION_CHARS = 2_000


class InstructionChallenge(Game):
    """Challenger against solvers, zero-sum: the challenger loses what the panel earns on average.

    Reasons of an instruction: `no_instruction_block`, `instruction_too_long`, and the judge's (`unknown_clause`, ...).
    Reasons of an answer: `no_answer_block`.

    Args:
        attempts: Answers per instruction (G in the paper).
        style: Prompt wording, `full` or `terse`.
        malformed_credit: Paid for a malformed message; below every judged value, which lie in [-1, 1].
    """

    roles = ("challenger", "solver")
    task_type = "instruction"
    zero_sum = True

    def __init__(self, *, attempts: int = 8, style: str = "full", malformed_credit: float = -1.0) -> None:
        super().__init__(attempts=attempts)
        self.style = find_style(style)
        self.malformed_credit = malformed_credit
        self.instruction: str | None = None

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Starts at the challenger, or at the solvers of `options["task"]`, an object with an `instruction`.

        Raises:
            UsageError: The task has no instruction.
        """
        task = options.get("task")
        if task is not None and not isinstance(task.get("instruction") if isinstance(task, Mapping) else None, str):
            raise UsageError(f"options['task']={task!r:.80} has no instruction; pass {{'instruction': '...'}}.")
        self.instruction = None if task is None else task["instruction"]
        self._fresh = task is None
        self._over = False
        self._values = [0.0] * self.attempts

    def pending(self) -> tuple[Slot, ...]:
        """The challenger first, then the whole panel at once."""
        if self._over:
            return ()
        if self.instruction is None:
            return (CHALLENGER,)
        return tuple(Slot("solver", attempt, 1) for attempt in range(self.attempts))

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        """The role's prompt in the game's style."""
        return self.style.challenge() if self.instruction is None else self.style.answer(self.instruction)

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        """An instruction must be one that the judge can score; an answer is worth what the judge says."""
        if slot.role == "challenger":
            found = bodies(text, "instruction")
            if not found or not found[-1].strip():
                return (yield from no_requests(Verdict(valid=False, reason="no_instruction_block")))
            instruction = found[-1].strip()
            if len(instruction) > MAX_INSTRUCTION_CHARS:
                return Verdict(valid=False, reason="instruction_too_long")
            [score] = yield [JudgeItem(messages=(Message("user", instruction),))]
            if score.reason != "ok":
                return Verdict(valid=False, reason=score.reason)
            return Verdict(valid=True, data={"instruction": instruction})
        answers = bodies(text, "answer")
        if not answers:
            return Verdict(valid=False, reason="no_answer_block")
        assert self.instruction is not None
        [score] = yield [JudgeItem(messages=(Message("user", self.instruction),), answers=(answers[-1],))]
        return Verdict(valid=True, score=float(score.values[0]))

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """A valid instruction is posed; an answer is paid its value."""
        if slot.role == "challenger":
            if verdict.valid:
                self.instruction = verdict.data["instruction"]
            else:
                self.credit[slot] = self.malformed_credit
                self.outcome["challenger", 0] = 0.0
                self._over = True
            return
        self._values[slot.attempt] = verdict.score
        self.credit[slot] = verdict.score if verdict.valid else self.malformed_credit
        self._over = True

    def settle(self) -> Settling:
        """Once the panel has answered: -V for the challenger, and payoffs that sum to 0."""
        if self._over and self.instruction is not None:
            mean = sum(self._values) / self.attempts
            for attempt, value in enumerate(self._values):
                self.outcome["solver", attempt] = value / self.attempts
            self.outcome["challenger", 0] = -mean
            if self._fresh:
                self.credit[CHALLENGER] = -mean
        return
        yield []

    @property
    def task_id(self) -> str:
        """The instruction's hash, empty before there is one."""
        return "" if self.instruction is None else short_hash(self.instruction)

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        """The accepted instruction of a fresh episode."""
        return {"instruction": self.instruction} if self._fresh and self.instruction is not None else None
