"""Instruction challenge: a challenger writes an instruction, a panel follows it, a judge scores the answers.

Kuba et al., Language Self-Play, arXiv 2509.07414, equations 1-5. LSP-Zero: the solver's credit is the judge's value
R(q, a), the challenger's is -V(q), the negated mean over the panel. LSP, with `quality_weight` w = 1: a second judge, in the
paper the frozen model itself, scores request and answer for quality, R_Q(q, a) in 0..7; the solver's credit is R + w R_Q, the
challenger's -V + w V_Q with V_Q the mean of R_Q over the panel. `reward_weight` u multiplies R, and so V: the paper adds a
reward model's unbounded score and 0..7 as they are (u = w = 1). Credits are then no zero-sum game any more; the payoffs
(`outcome`) still are, on u R alone. A malformed answer counts in V, as in its own credit, with u R = `malformed_credit` and
R_Q = 0: V is the panel's mean credit. Centring by group is the advantage function's. Deviation: an instruction that the judge
cannot score has `malformed_credit` instead of -V = 0, which would be more than any that is well answered has.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ...core.game import Judging, Verdict
from ...core.hashing import short_hash
from ...core.judging import SELF, JudgeItem, Score
from ...core.messages import Message, Slot
from ...replies.parsing import Parsed, fence
from ..panel import PanelGame
from .prompts import LABEL, MARKERS, STYLES, InstructionPrompts, OpenInstructionPrompts

MAX_INSTRUCTION_CHARS = 2_000
MAX_SUBJECT_CHARS = 200
UNSCORABLE_TEXTS = ("too_long", "empty")
"""Reasons of a judge that are about the answer, which its player could have written otherwise."""


class InstructionChallenge(PanelGame[str]):
    """Challenger against solvers, zero-sum: the challenger loses what the panel earns on average.

    Reasons of an instruction: `no_instruction_block`, `instruction_too_long`, and the judge's (`unknown_clause`, ...).
    Reasons of an answer: `no_answer_block`, in the styles `ifeval` and `open` `no_answer`; `answer_too_long`, `answer_empty`,
    where a judge says so. Of both: those of `read_reply`. An answer that the judge cannot score for any other reason is void.
    `Verdict.data` of a scored answer holds `quality` and `quality_reason` (`ok`, or why the judge gave 0).

    Args:
        attempts: Answers per instruction (G in the paper).
        style: Prompt wording: `full` and `terse` ask for clauses that the `rules` judge can check, and for answers in a block;
            `ifeval` for clauses of `rules:vocabulary=ifeval`, and takes the whole reply for the answer, as the benchmark does;
            `open` asks for any request, shows it to the solver as it is, and takes the whole reply for the answer, as the paper
            does, which goes with a reward model.
        task: What the challenger's requests are to be about, such as `Pure & Applied Mathematics`; empty: left to it. A line
            of at most 200 characters. Style `open` alone.
        template: A form with names in braces that the challenger copies and fills in, such as `Instruction: {instruction}`;
            empty: none. At most 2,000 characters. Style `open` alone.
        malformed_credit: Credit of a malformed message, which is not judged for quality either; u R of a malformed answer. With
            -1 and the `rules` judge no other credit is lower: a solver's lies in [0, u + 7 w], and a challenger's in
            [-u, 1 + 7 w], above 7 w only where the panel's answers are malformed. Where a judge's scores have no bounds, choose
            one below them.
        reward_weight: u above.
        quality_weight: w above; with 0 no quality is requested.
        quality_judge: Text of the judge of quality: `self`, the frozen model, or another whose values are meant as R_Q is, such
            as `criteria`.
    """

    roles = ("challenger", "solver")
    task_type = "instruction"
    zero_sum = True
    asks_judge = True
    credit_keywords = MappingProxyType({"reward_weight": 1.0, "quality_weight": 0.0, "quality_judge": SELF})
    styles = STYLES
    style: InstructionPrompts

    def __init__(
        self,
        *,
        attempts: int = 8,
        style: str = "full",
        task: str = "",
        template: str = "",
        malformed_credit: float = -1.0,
        reward_weight: float = 1.0,
        quality_weight: float = 0.0,
        quality_judge: str = SELF,
    ) -> None:
        super().__init__(attempts=attempts, style=style, malformed_credit=malformed_credit)
        self.subject, self.template = _checked_wording(self.style, task, template)
        self.reward_weight = _weight("reward_weight", reward_weight, "pass 1 as in the paper, or 0 for quality alone")
        self.quality_weight = _weight("quality_weight", quality_weight, "pass 0 for LSP-Zero, 1 for LSP")
        if not self.reward_weight and not self.quality_weight:
            raise UsageError("reward_weight=0 with quality_weight=0 would reward nothing; pass more for one of them.")
        if not isinstance(quality_judge, str) or not quality_judge:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"quality_judge={quality_judge!r} is no text of a judge; pass self, criteria, or module:NAME.")
        self.quality_judge = quality_judge
        self.judges = (quality_judge,) if quality_weight else ()

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Starts at the challenger, or at the solvers of `options["task"]`, an object with an `instruction`.

        Raises:
            UsageError: The task has no instruction.
        """
        super().reset(rng, options)
        self._values: dict[int, float] = {}
        self._qualities: dict[int, float] = {}

    def propose_prompt(self) -> tuple[Message, ...]:
        """The challenge, the same in every episode."""
        return self.style.challenge(self.subject, self.template)

    def answer_prompt(self, task: str) -> tuple[Message, ...]:
        """The instruction."""
        return self.style.answer(task)

    def judge_proposal(self, reply: Parsed) -> Judging:
        """An instruction must be one that the judge can score."""
        blocks = reply.bodies(LABEL)
        if not blocks or not blocks[-1].strip():
            return self.refuse("no_instruction_block")
        instruction = blocks[-1].strip()
        if len(instruction) > MAX_INSTRUCTION_CHARS:
            return self.refuse("instruction_too_long")
        [score] = yield [JudgeItem(messages=(Message("user", instruction),))]
        if score.reason != "ok":
            return self.refuse(score.reason)
        return Verdict(valid=True, data={"instruction": instruction})

    def judge_answer(self, task: str, reply: Parsed) -> Judging:
        """An answer has the judge's value."""
        answer, fault = self.style.read_answer(reply)
        if fault:
            return self.refuse(fault)
        item = JudgeItem(messages=(Message("user", task),), answers=(answer,))
        [score, *quality] = yield [item, *([replace(item, judge=self.quality_judge)] if self.quality_weight else [])]
        data = {"quality": float(quality[0].values[0]), "quality_reason": quality[0].reason} if quality else {}
        return self._scored(score, data)

    def _scored(self, score: Score, data: Mapping[str, Any]) -> Verdict:
        """The verdict on an answer with that score: malformed where its text is why there is none, void where it is not."""
        if score.reason in UNSCORABLE_TEXTS:
            return self.refuse(f"answer_{score.reason}")
        if score.reason != "ok":  # the judge has nothing to say, for which nobody is charged
            return Verdict.nothing(score.reason)
        return Verdict(valid=True, score=float(score.values[0]), data=dict(data))

    def credit_answer(self, slot: Slot, verdict: Verdict) -> None:
        """The credit u R + w R_Q; the payoffs follow in `settle_panel`."""
        value = self.reward_weight * verdict.score if verdict.valid else self.malformed_credit
        quality = verdict.data.get("quality", 0.0)
        self._values[slot.attempt], self._qualities[slot.attempt] = value, quality
        self.credit[slot] = value + self.quality_weight * quality

    def settle_panel(self) -> None:
        """-V + w V_Q for the challenger, and payoffs that sum to 0."""
        judged = max(1, len(self._values))
        mean, quality = (sum(values.values()) / judged for values in (self._values, self._qualities))
        for attempt in range(self.attempts):
            self.outcome["solver", attempt] = self._values.get(attempt, 0.0) / judged
        self.outcome["challenger", 0] = -mean
        if self.fresh:
            self.credit[self.proposer] = -mean + self.quality_weight * quality
            if not self._values:
                self.void[self.proposer] = self.void_attempts[0]

    def sample_proposal(self, rng: np.random.Generator) -> str:
        """An instruction that the `rules` judge can score."""
        return fence("instruction", str(rng.choice(["use exactly 3 words", "use only uppercase"])))

    def sample_answer(self, task: str, rng: np.random.Generator) -> str:
        """An answer that fits one of those, or none."""
        return fence("answer", str(rng.choice(["one two three", "LOUD", "no"])))

    @property
    def task_id(self) -> str:
        """The instruction's hash, empty before there is one."""
        return "" if self.task is None else short_hash(self.task)

    @property
    def instruction(self) -> str | None:
        """Deprecated name of `task`."""
        warnings.warn("InstructionChallenge.instruction is now task.", DeprecationWarning, stacklevel=2)
        return self.task

    @instruction.setter
    def instruction(self, value: str | None) -> None:
        warnings.warn("InstructionChallenge.instruction is now task.", DeprecationWarning, stacklevel=2)
        self.task = value

    def read_task(self, data: Any) -> str:
        """The instruction of `{"instruction": ...}`."""
        if not isinstance(instruction := data.get("instruction") if isinstance(data, Mapping) else None, str):
            raise UsageError(f"options['task']={data!r:.80} has no instruction; pass {{'instruction': '...'}}.")
        return instruction

    def write_task(self, task: str) -> Mapping[str, Any]:
        """`{"instruction": ...}`."""
        return {"instruction": task}


def _weight(name: str, value: object, remedy: str) -> float:
    """A weight of a reward.

    Raises:
        UsageError: It is none.
    """
    if type(value) not in (int, float) or not 0 <= value < math.inf:  # pyright: ignore[reportOperatorIssue]
        raise UsageError(f"{name}={value!r} is not a finite number of at least 0; {remedy}.")
    return float(value)  # pyright: ignore[reportArgumentType]


def _checked_wording(style: InstructionPrompts, task: str, template: str) -> tuple[str, str]:
    """What a person adds to the challenger's prompt.

    Raises:
        UsageError: It is no text, too long, holds what frames the template, or the style shows none.
    """
    for name, text, most in (("task", task, MAX_SUBJECT_CHARS), ("template", template, MAX_INSTRUCTION_CHARS)):
        if not isinstance(text, str) or len(text) > most:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"{name}={text!r:.60} is no text of at most {most:,} characters; say it in fewer.")
        if text and not isinstance(style, OpenInstructionPrompts):
            raise UsageError(f"{name}={text!r:.60} is shown in the style open alone; pass style=open too, or leave it out.")
        for marker in MARKERS:
            if marker in text:
                raise UsageError(f"{name}={text!r:.60} holds {marker!r}, which frames the template; write it otherwise.")
    if len(task.splitlines()) > 1:
        raise UsageError(f"task={task!r:.60} has several lines; name the subject in one, and put a form into template.")
    return task.strip(), template.strip()
