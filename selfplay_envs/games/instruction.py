"""Instruction challenge: a challenger writes an instruction, a panel follows it, a judge scores the answers.

Kuba et al., Language Self-Play, arXiv 2509.07414, equations 1-5. LSP-Zero: the solver's credit is the judge's value
R(q, a), the challenger's is -V(q), the negated mean over the panel. LSP, with `quality_weight` w = 1: a second judge, the
frozen model itself, scores request and answer for quality, R_Q(q, a) in 0..7; the solver's credit is R + w R_Q, the
challenger's -V + w V_Q with V_Q the mean of R_Q over the panel. Credits are then no zero-sum game any more; the payoffs
(`outcome`) still are, on R alone. A malformed answer counts in V, as in its own credit, with R = `malformed_credit` and
R_Q = 0: V is the mean of what the panel was paid. Centring by group is the advantage function's. Deviation: instructions that
the judge cannot score earn `malformed_credit` instead of -V = 0, which would pay better than any that is well answered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ..arguments import credit_number
from ..errors import UsageError
from ..game import Game, JudgeItem, Judging, Message, Settling, Slot, Verdict, short_hash
from ..judges import SELF
from ..parsing import fence, read_reply
from ..prompts import find_style

CHALLENGER = Slot("challenger", 0, 0)
MAX_INSTRUCTION_CHARS = 2_000


class InstructionChallenge(Game):
    """Challenger against solvers, zero-sum: the challenger loses what the panel earns on average.

    Reasons of an instruction: `no_instruction_block`, `instruction_too_long`, and the judge's (`unknown_clause`, ...).
    Reasons of an answer: `no_answer_block`. Of both: those of `read_reply`. `Verdict.data` of a scored answer holds `quality`
    and `quality_reason` (`ok`, or why the judge gave 0).

    Args:
        attempts: Answers per instruction (G in the paper).
        style: Prompt wording, `full` or `terse`.
        malformed_credit: Paid for a malformed message, which is not judged for quality either; R of a malformed answer. With
            -1 and the `rules` judge no other credit is lower: a solver's lies in [0, 1 + 7 w], and a challenger's in
            [-1, 1 + 7 w], above 7 w only where the panel's answers are malformed.
        quality_weight: w above; with 0 nobody is asked for quality.
    """

    roles = ("challenger", "solver")
    task_type = "instruction"
    zero_sum = True
    credit_keywords = MappingProxyType({"quality_weight": 0.0})

    def __init__(
        self, *, attempts: int = 8, style: str = "full", malformed_credit: float = -1.0, quality_weight: float = 0.0
    ) -> None:
        super().__init__(attempts=attempts)
        if type(quality_weight) not in (int, float) or not 0 <= quality_weight < math.inf:
            raise UsageError(
                f"quality_weight={quality_weight!r} is not a finite number of at least 0; pass 0 for LSP-Zero, 1 for LSP."
            )
        self.style = find_style(style)
        self.malformed_credit = credit_number(malformed_credit, "malformed_credit")
        self.quality_weight = float(quality_weight)
        self.judges = (SELF,) if quality_weight else ()
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
        self._values: dict[int, float] = {}
        self._qualities: dict[int, float] = {}
        self._void: list[str] = []

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
        """An instruction must be one that the judge can score; an answer is worth what the judges say."""
        reply = read_reply(text, finish_reason)
        if reply.fault:
            return Verdict(valid=False, reason=reply.fault)
        if slot.role == "challenger":
            found = reply.bodies("instruction")
            if not found or not found[-1].strip():
                return Verdict(valid=False, reason="no_instruction_block")
            instruction = found[-1].strip()
            if len(instruction) > MAX_INSTRUCTION_CHARS:
                return Verdict(valid=False, reason="instruction_too_long")
            [score] = yield [JudgeItem(messages=(Message("user", instruction),))]
            if score.reason != "ok":
                return Verdict(valid=False, reason=score.reason)
            return Verdict(valid=True, data={"instruction": instruction})
        answers = reply.bodies("answer")
        if not answers:
            return Verdict(valid=False, reason="no_answer_block")
        assert self.instruction is not None
        item = JudgeItem(messages=(Message("user", self.instruction),), answers=(answers[-1],))
        if not self.quality_weight:
            [score] = yield [item]
            return Verdict(valid=True, score=float(score.values[0]))
        [score, quality] = yield [item, replace(item, judge=SELF)]
        data = {"quality": float(quality.values[0]), "quality_reason": quality.reason}
        return Verdict(valid=True, score=float(score.values[0]), data=data)

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """A valid instruction is posed; an answer is paid its value, and for its quality."""
        if slot.role == "challenger":
            if verdict.valid:
                self.instruction = verdict.data["instruction"]
            else:
                self.credit[slot] = self.malformed_credit
                self.outcome["challenger", 0] = 0.0
                self._over = True
            return
        value = verdict.score if verdict.valid else self.malformed_credit
        quality = verdict.data.get("quality", 0.0)
        self._values[slot.attempt], self._qualities[slot.attempt] = value, quality
        self.credit[slot] = value + self.quality_weight * quality
        self._over = True

    def skip(self, slot: Slot, verdict: Verdict) -> bool:
        """A panel goes on without an answer of which nothing is known; without an instruction there is nothing to follow."""
        if slot.role == "challenger":
            return False
        self._void.append(verdict.reason)
        self._over = True
        return True

    def settle(self) -> Settling:
        """Once the panel has answered: -V + w V_Q for the challenger, and payoffs that sum to 0."""
        if self._over and self.instruction is not None:
            judged = max(1, len(self._values))
            mean, quality = (sum(values.values()) / judged for values in (self._values, self._qualities))
            for attempt in range(self.attempts):
                self.outcome["solver", attempt] = self._values.get(attempt, 0.0) / judged
            self.outcome["challenger", 0] = -mean
            if self._fresh:
                self.credit[CHALLENGER] = -mean + self.quality_weight * quality
                if not self._values:
                    self.void[CHALLENGER] = self._void[0]
        return
        yield []

    def sample_action(self, slot: Slot, rng: np.random.Generator) -> str:
        """An instruction that the `rules` judge can score, or an answer."""
        if slot.role == "challenger":
            return fence("instruction", str(rng.choice(["use exactly 3 words", "use only uppercase"])))
        return fence("answer", str(rng.choice(["one two three", "LOUD", "no"])))

    @property
    def task_id(self) -> str:
        """The instruction's hash, empty before there is one."""
        return "" if self.instruction is None else short_hash(self.instruction)

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        """The accepted instruction of a fresh episode."""
        return {"instruction": self.instruction} if self._fresh and self.instruction is not None else None
