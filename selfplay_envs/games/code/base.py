"""Base of deduction, abduction and induction: proposals are checked by execution, and rewarded by the solve rate.

After Zhao et al., Absolute Zero, arXiv 2505.03335, sections 3.2-3.3. Deviations, each a repair of a measured fault:
gold values come from the sandbox untruncated and must pass their own verifier in a fresh process; answers are parsed
as literals, never evaluated; non-determinism really rejects; helper functions and classes are allowed; the panel that
estimates the solve rate also trains.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from ...core.arguments import credit_number
from ...core.errors import UsageError
from ...core.game import Judging, Request, Verdict
from ...core.messages import Message, Slot
from ...replies.parsing import Parsed
from ...rewards.learnability import SolveStats, find_learnability
from ...tasks.code_task import IDENTITY, CodeTask
from ...tasks.duplicates import task_key
from ...tasks.programs import program_key
from ...verifiers.code_tasks import validate
from ...verifiers.findings import RIGHT, VOID, VOID_TASK, WRONG, Checking
from ..panel import PanelGame
from .old_names import OldNames
from .prompts import STYLES, CodePrompts
from .samples import sample_pair


class CodeGame(OldNames, PanelGame[CodeTask]):
    """A game of one proposal about a program, and a panel that solves it.

    Reasons of a proposal: those of `read_reply`, of `propose` and of `selfplay_envs.verifiers.code_tasks.validate`. Reasons of
    an answer: `ok`, `wrong`, those of `read_reply` and of the game's check. Reasons why either is void:
    `selfplay_envs.verifiers.findings.VOID`.

    Args:
        attempts: Size of the solver panel, 1 to 1024. AZR: 8.
        style: Prompt wording, `full` or `terse`.
        learnability: Proposer reward by name, or `module:NAME`; see `selfplay_envs.rewards.learnability`.
        extreme_credit: Credit of a proposer whose task was always or never solved. AZR's code: -0.5, its paper: 0.
        wrong_credit: Credit of a well-formed wrong answer.
        malformed_credit: Credit of a message that breaks the format, and of an invalid proposal.
        malformed: `punish` trains on malformed messages, `mask` leaves them out.
        equality: When two values are the same: `python` is `==`, as in AZR; `strict` also tells `True`, `1` and `1.0` apart.
    """

    roles = ("proposer", "solver")
    styles = STYLES
    style: CodePrompts

    def __init__(
        self,
        *,
        attempts: int = 8,
        style: str = "full",
        learnability: str = "one_minus",
        extreme_credit: float = -0.5,
        wrong_credit: float = -0.5,
        malformed_credit: float = -1.0,
        malformed: str = "punish",
        equality: str = "python",
    ) -> None:
        super().__init__(attempts=attempts, style=style, malformed_credit=malformed_credit)
        if malformed not in ("punish", "mask"):
            raise UsageError(f"malformed={malformed!r} is not known; choose punish or mask.")
        if equality not in ("python", "strict"):
            raise UsageError(f"equality={equality!r} is not known; choose python or strict.")
        self.learnability = find_learnability(learnability)
        self.extreme_credit = credit_number(extreme_credit, "extreme_credit")
        self.wrong_credit = credit_number(wrong_credit, "wrong_credit")
        self.train_malformed = malformed == "punish"
        self.strict = equality == "strict"
        self.references: tuple[CodeTask, ...] = (IDENTITY,)

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Starts at the proposer, or at the solvers of `options["task"]`; `options["references"]` are shown to the proposer.

        Raises:
            UsageError: A task or reference is not a code task.
        """
        references = options.get("references") or (IDENTITY.to_json(),)
        self.references = tuple(CodeTask.from_json(data, "options['references'][...]") for data in references)
        super().reset(rng, options)
        if self.task is not None:
            self.task = self.check_task(self.task)
        self._solved = 0

    def judge_proposal(self, reply: Parsed) -> Judging:
        """A proposal must parse and survive `validate`."""
        task = yield from self.propose(reply)
        return self._unchecked(task) if isinstance(task, str) else Verdict(valid=True, data=task.to_json())

    def judge_answer(self, task: CodeTask, reply: Parsed) -> Judging:
        """An answer is checked against execution."""
        finding = yield from self.check(task, reply)
        if finding in (RIGHT, WRONG):
            return Verdict(valid=True, reason="ok" if finding == RIGHT else "wrong", score=float(finding == RIGHT))
        return self._unchecked(finding)

    def _unchecked(self, reason: str) -> Verdict:
        return Verdict.nothing(reason) if reason in VOID else self.refuse(reason)

    def credit_answer(self, slot: Slot, verdict: Verdict) -> None:
        """1 for a right answer, `wrong_credit` or `malformed_credit` for another."""
        right = verdict.score == 1.0
        self._solved += right
        self.outcome[slot.role, slot.attempt] = verdict.score
        self.credit[slot] = self.malformed_credit if not verdict.valid else 1.0 if right else self.wrong_credit

    def settle_panel(self) -> None:
        """The proposer's credit: the learnability of its task, by the solve rate among the attempts that count."""
        if not self.fresh:
            return
        judged = self.attempts - len(self.void_attempts)
        if self._void_task or not judged:
            self.void[self.proposer] = self._void_task or self.void_attempts[0]
            credit = 0.0
        else:
            value = self.learnability(SolveStats(self._solved, judged))
            credit = value if value > 0 else self.extreme_credit
        self.credit[self.proposer] = self.outcome[self.proposer.role, 0] = credit

    @property
    def task_id(self) -> str:
        """The task's content hash, empty before there is one."""
        return "" if self.task is None else self.task.task_id

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        """The validated proposal of a fresh episode, unless an answer has shown that it is none."""
        return None if self._void_task else super().proposed

    def proposal_key(self, task: Mapping[str, Any]) -> str:
        """The syntax tree of the task's program."""
        return task_key(task)

    @property
    def _void_task(self) -> str:
        """The reason why the task is no task, as answers have shown, or nothing."""
        return next((reason for reason in self.void_attempts if reason in VOID_TASK), "")

    def read_task(self, data: Any) -> CodeTask:
        """A code task; whether this game can pose it, `check_task` says of a given one and `propose` of a proposed one."""
        return CodeTask.from_json(data)

    def write_task(self, task: CodeTask) -> Mapping[str, Any]:
        """Program, inputs, outputs and message."""
        return task.to_json()

    def check_task(self, task: CodeTask) -> CodeTask:
        """The task of `options["task"]` if this game can pose it; proposals do not come here.

        Raises:
            UsageError: It cannot; the sentence names the field.
        """
        return task

    @abstractmethod
    def propose(self, reply: Parsed) -> Generator[list[Request], list[Any], CodeTask | str]:
        """Validates a proposal: the task, or the reason why not."""

    @abstractmethod
    def check(self, task: CodeTask, reply: Parsed) -> Checking:
        """Checks an answer: `right`, `wrong`, the reason why it is malformed, or one of `VOID`."""


class PairGame(CodeGame):
    """Deduction and abduction: the proposal is a program and one input.

    Reasons of a proposal, in the order they are looked for: `no_program_block`, `no_input_block`, `copied_reference`.
    """

    proposes = "programs"

    def propose_prompt(self) -> tuple[Message, ...]:
        """References, and the request for a new program."""
        return self.style.propose_pair(self.task_type, self.references)

    def propose(self, reply: Parsed) -> Generator[list[Request], list[Any], CodeTask | str]:
        """First `python` block and first `input` block; a program equal to a reference's is refused."""
        programs, inputs = reply.bodies("python"), reply.bodies("input")
        if not programs:
            return "no_program_block"
        if not inputs:
            return "no_input_block"
        if program_key(programs[0]) in {program_key(reference.program) for reference in self.references}:
            return "copied_reference"
        return (yield from validate(programs[0], inputs[:1], strict=self.strict))

    def sample_proposal(self, rng: np.random.Generator) -> str | None:
        """A small program with an input, other than the references."""
        return sample_pair(self.references, rng)


def __getattr__(name: str) -> Any:
    """The slot of every proposal by its name of before, with a warning."""
    if name != "PROPOSER":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn("PROPOSER is now the attribute `proposer` of the game.", DeprecationWarning, stacklevel=2)
    return Slot("proposer", 0, 0)
