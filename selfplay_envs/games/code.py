"""Deduction and abduction: a proposer writes a program and an input, a panel of solvers finds the output, or an input.

After Zhao et al., Absolute Zero, arXiv 2505.03335, sections 3.2-3.3. Deviations, each a repair of a measured fault:
gold values come from the sandbox untruncated and must pass their own verifier in a fresh process; answers are parsed
as literals, never evaluated; non-determinism really rejects; helper functions and classes are allowed; the panel that
estimates the solve rate also trains.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from ..arguments import credit_number
from ..errors import UsageError
from ..findings import RIGHT, VOID, VOID_TASK, WRONG, Finding
from ..game import Game, Judging, Message, Request, Settling, Slot, Verdict
from ..learnability import SolveStats, find_learnability
from ..parsing import Parsed, read_reply
from ..programs import program_key
from ..prompts import find_style
from ..tasks import IDENTITY, CodeTask
from ..verify import check_input, check_output, validate
from .samples import sample_block, sample_pair

PROPOSER = Slot("proposer", 0, 0)


class CodeGame(Game):
    """What the three code games share: one proposal, then a panel, then the proposer is paid by the solve rate.

    Args:
        attempts: Size of the solver panel, 1 to 1024. AZR: 8.
        style: Prompt wording, `full` or `terse`.
        learnability: Proposer reward by name, or `module:NAME`; see `selfplay_envs.learnability`.
        extreme_credit: Paid to a proposer whose task was always or never solved. AZR's code: -0.5, its paper: 0.
        wrong_credit: Paid to a solver for a well-formed wrong answer.
        malformed_credit: Paid for a message that breaks the format, and for an invalid proposal.
        malformed: `punish` trains on malformed messages, `mask` leaves them out.
        equality: When two values are the same: `python` is `==`, as in AZR; `strict` also tells `True`, `1` and `1.0` apart.
    """

    roles = ("proposer", "solver")

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
        super().__init__(attempts=attempts)
        if malformed not in ("punish", "mask"):
            raise UsageError(f"malformed={malformed!r} is not known; choose punish or mask.")
        if equality not in ("python", "strict"):
            raise UsageError(f"equality={equality!r} is not known; choose python or strict.")
        self.style = find_style(style)
        self.learnability = find_learnability(learnability)
        self.extreme_credit = credit_number(extreme_credit, "extreme_credit")
        self.wrong_credit = credit_number(wrong_credit, "wrong_credit")
        self.malformed_credit = credit_number(malformed_credit, "malformed_credit")
        self.masks = malformed == "mask"
        self.strict = equality == "strict"
        self.task: CodeTask | None = None
        self.references: tuple[CodeTask, ...] = (IDENTITY,)
        self._fresh = True
        self._over = False

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Starts at the proposer, or at the solvers of `options["task"]`; `options["references"]` are shown to the proposer.

        Raises:
            UsageError: A task or reference is not a code task.
        """
        given = options.get("task")
        references = options.get("references") or (IDENTITY.to_json(),)
        self.references = tuple(CodeTask.from_json(one, "options['references'][...]") for one in references)
        self.task = None if given is None else self.check_task(CodeTask.from_json(given))
        self._fresh = given is None
        self._over = False
        self._solved = [False] * self.attempts
        self._void: list[str] = []

    def pending(self) -> tuple[Slot, ...]:
        """The proposer first, then the whole panel at once."""
        if self._over:
            return ()
        if self.task is None:
            return (PROPOSER,)
        return tuple(Slot("solver", attempt, 1) for attempt in range(self.attempts))

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        """The role's prompt in the game's style."""
        return self.propose_prompt() if slot.role == "proposer" else self.solve_prompt(self._task())

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        """A proposal must parse and survive `validate`; an answer is checked against execution.

        Reasons of a proposal: those of `read_reply`, of `propose` and of `selfplay_envs.verify.validate`, and
        `copied_reference`. Reasons of an answer: `ok`, `wrong`, those of `read_reply` and of the game's check. Reasons why
        either is void: `selfplay_envs.findings.VOID`.
        """
        reply = read_reply(text, finish_reason)
        if reply.fault:
            return Verdict(valid=False, reason=reply.fault, train=not self.masks)
        if slot.role == "proposer":
            found = yield from self.propose(reply)
            if isinstance(found, CodeTask):
                return Verdict(valid=True, data=found.to_json())
        else:
            found = yield from self.check(self._task(), reply)
            if found in (RIGHT, WRONG):
                return Verdict(valid=True, reason="ok" if found == RIGHT else "wrong", score=float(found == RIGHT))
        return Verdict.nothing(found) if found in VOID else Verdict(valid=False, reason=found, train=not self.masks)

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """A valid proposal becomes the task; an answer is paid at once."""
        if slot.role == "proposer":
            if verdict.valid:
                self.task = CodeTask.from_json(verdict.data)
                return
            self.credit[slot] = self.outcome["proposer", 0] = self.malformed_credit
            self._over = True
            return
        self._solved[slot.attempt] = verdict.score == 1.0
        self.outcome["solver", slot.attempt] = verdict.score
        right_or_wrong = 1.0 if verdict.score == 1.0 else self.wrong_credit
        self.credit[slot] = right_or_wrong if verdict.valid else self.malformed_credit
        self._over = True

    def skip(self, slot: Slot, verdict: Verdict) -> bool:
        """A panel goes on without an attempt of which nothing is known; without a proposal there is nothing to go on with."""
        if slot.role == "proposer":
            return False
        self._void.append(verdict.reason)
        self.outcome["solver", slot.attempt] = 0.0
        self._over = True
        return True

    def settle(self) -> Settling:
        """Once the panel has answered, pays the proposer by its solve rate among the attempts that count."""
        if self._over and self._fresh and PROPOSER not in self.credit:
            judged = self.attempts - len(self._void)
            if self._void_task or not judged:
                self.void[PROPOSER] = self._void_task or self._void[0]
                self.credit[PROPOSER] = self.outcome["proposer", 0] = 0.0
            else:
                value = self.learnability(SolveStats(sum(self._solved), judged))
                self.credit[PROPOSER] = self.outcome["proposer", 0] = value if value > 0 else self.extreme_credit
        return
        yield []

    @property
    def task_id(self) -> str:
        """The task's content hash, empty before there is one."""
        return "" if self.task is None else self.task.task_id

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        """The validated proposal of a fresh episode, unless an answer has shown that it is none."""
        return self.task.to_json() if self._fresh and self.task is not None and not self._void_task else None

    @property
    def _void_task(self) -> str:
        """Why the task is fit for nobody, as answers have shown, or nothing."""
        return next((reason for reason in self._void if reason in VOID_TASK), "")

    def _task(self) -> CodeTask:
        assert self.task is not None, "solvers are asked only once there is a task"
        return self.task

    def sample_action(self, slot: Slot, rng: np.random.Generator) -> str | None:
        """A small proposal, or an answer that is right or wrong."""
        return self.sample_proposal(rng) if slot.role == "proposer" else self.sample_answer(self._task(), rng)

    def sample_proposal(self, rng: np.random.Generator) -> str | None:
        """A legal proposal, or None where the game offers none."""
        return None

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str | None:
        """A legal answer, or None where the game offers none."""
        return None

    def check_task(self, task: CodeTask) -> CodeTask:
        """The task if this game can pose it.

        Raises:
            UsageError: It cannot; the sentence names the field.
        """
        return task

    @abstractmethod
    def propose_prompt(self) -> tuple[Message, ...]:
        """What the proposer is shown."""

    @abstractmethod
    def propose(self, reply: Parsed) -> Generator[list[Request], list[Any], CodeTask | str]:
        """Validates a proposal: the task, or the reason why not."""

    @abstractmethod
    def solve_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """What every solver is shown."""

    @abstractmethod
    def check(self, task: CodeTask, reply: Parsed) -> Finding:
        """Checks an answer: `right`, `wrong`, the reason why it is malformed, or one of `VOID`."""


class PairGame(CodeGame):
    """Deduction and abduction: the proposal is a program and one input.

    Reasons of a proposal, in the order they are looked for: `no_program_block`, `no_input_block`, `copied_reference`.
    """

    def propose_prompt(self) -> tuple[Message, ...]:
        """References, and what to invent."""
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


class Deduction(PairGame):
    """Predict the output: given program and input, answer with the returned value in an `output` block.

    Reasons of a malformed answer: `no_output_block`, `not_literal`.
    """

    task_type = "deduction"

    def solve_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and input."""
        return self.style.solve_deduction(task)

    def check(self, task: CodeTask, reply: Parsed) -> Finding:
        """The last `output` block against the gold value."""
        answers = reply.bodies("output")
        return (yield from check_output(task, answers[-1], strict=self.strict)) if answers else "no_output_block"

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str:
        """The gold value, or another."""
        return sample_block("output", task.outputs[0], rng)


class Abduction(PairGame):
    """Find an input: given program and output, answer with any argument list that returns it, in an `input` block.

    Reasons of a malformed answer: `no_input_block`, `not_literal`, `input_too_long`.
    """

    task_type = "abduction"

    def solve_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and output."""
        return self.style.solve_abduction(task)

    def check(self, task: CodeTask, reply: Parsed) -> Finding:
        """The last `input` block, run through the program."""
        answers = reply.bodies("input")
        return (yield from check_input(task, answers[-1], strict=self.strict)) if answers else "no_input_block"

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str:
        """The input that was proposed, or another."""
        return sample_block("input", task.inputs[0], rng)
