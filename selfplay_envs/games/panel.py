"""Games of a proposer and a panel: one proposal, then K answers at once, then the proposer's credit.

A game says how proposals and answers are judged (`judge_proposal`, `judge_answer`), the credit of an answer (`credit_answer`),
and that of the proposer once the panel has answered (`settle_panel`). This base knows whose turn it is, when the episode is
over, and what follows a refused proposal or an answer that nothing is known of.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from ..core.arguments import credit_number
from ..core.game import Game, Judging, Settling, Verdict, settled
from ..core.messages import Message, Slot
from ..replies.parsing import Parsed, read_reply
from .style import find_style

Task = TypeVar("Task")


class PanelGame(Game, Generic[Task]):
    """One proposal, then a panel of `attempts` answers, then `settle_panel`; `roles` are the proposer's and the panel's.

    With `options["task"]` the episode starts at the panel, without a proposal. Besides `roles` and `styles` (wordings of the
    prompts by name; the chosen one is `self.style`) a game defines:

    - `read_task`, `write_task`: the task from plain JSON types, and back.
    - `propose_prompt`, `answer_prompt`: the chats that the proposer and every member of the panel are shown.
    - `judge_proposal`: the verdict on a proposal. The data of a valid one are the task, as `read_task` takes it.
    - `judge_answer`: the verdict on an answer; `self.refuse(reason)` is that on a message that breaks the format.
    - `credit_answer`: sets `credit` and `outcome` of an answer that is not void.
    - `settle_panel`: gives the proposer its credit, only if `self.fresh`, since in other episodes nobody has proposed.
      Means are over the `self.attempts - len(self.void_attempts)` answers that count; without any the proposal is void too.
    - `sample_proposal`, `sample_answer`: legal messages for `selfplay check`; without them it sees hardly anything.
    - `gold_answer`: a right reply, where tasks have one, for algorithms that imitate.

    Args:
        attempts: Size of the panel, 1 to 1024.
        style: Prompt wording, one of `styles`.
        malformed_credit: Credit of a proposal that is refused.
    """

    train_malformed: bool = True
    """Whether messages that break the format train; a game may set it as it is made."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Sets `answers` of a game that names its roles alone: the second one answers."""
        if "roles" in cls.__dict__ and "answers" not in cls.__dict__:
            cls.answers = cls.roles[1:]
        super().__init_subclass__(**kwargs)

    def __init__(self, *, attempts: int, style: str, malformed_credit: float) -> None:
        super().__init__(attempts=attempts)
        self.style: Any = find_style(self.styles, style)
        self.malformed_credit = credit_number(malformed_credit, "malformed_credit")
        self.proposer = Slot(self.roles[0], 0, 0)
        """The slot of the proposal."""
        self.task: Task | None = None
        """The task that is posed, once there is one."""
        self.fresh = True
        """Whether the task is proposed in this episode."""
        self.void_attempts: list[str] = []
        """Why nothing is known of some attempts."""
        self._over = False

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        """Starts at the proposer, or at the panel with `options["task"]`.

        Raises:
            UsageError: It is no task of this game.
        """
        data = options.get("task")
        self.task = None if data is None else self.read_task(data)
        self.fresh = data is None
        self.void_attempts = []
        self._over = False

    def pending(self) -> tuple[Slot, ...]:
        """The proposer first, then the whole panel at once."""
        if self._over:
            return ()
        if self.task is None:
            return (self.proposer,)
        return tuple(Slot(self.roles[1], attempt, 1) for attempt in range(self.attempts))

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        """The role's prompt in the game's style."""
        return self.propose_prompt() if slot.role == self.proposer.role else self.answer_prompt(self.posed)

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Verdict | Judging:
        """Refuses a reply without an answer; else the game judges a proposal or an answer."""
        reply = read_reply(text, finish_reason)
        if reply.fault:
            return self.refuse(reply.fault)
        return self.judge_proposal(reply) if slot.role == self.proposer.role else self.judge_answer(self.posed, reply)

    def refuse(self, reason: str) -> Verdict:
        """The verdict on a message that breaks the format."""
        return Verdict(valid=False, reason=reason, train=self.train_malformed)

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        """A valid proposal becomes the task, another ends the episode; an answer has its credit at once."""
        if slot.role != self.proposer.role:
            self.credit_answer(slot, verdict)
            self._over = True
        elif verdict.valid:
            self.task = self.read_task(verdict.data)
        else:
            self.credit[slot] = self.malformed_credit
            self.outcome[slot.role, 0] = 0.0 if self.zero_sum else self.malformed_credit
            self._over = True

    def skip(self, slot: Slot, verdict: Verdict) -> bool:
        """A panel goes on without an attempt of which nothing is known; without a proposal there is nothing to go on with."""
        if slot.role == self.proposer.role:
            return False
        self.void_attempts.append(verdict.reason)
        self.outcome[slot.role, slot.attempt] = 0.0
        self._over = True
        return True

    def settle(self) -> Settling | None:
        """Assigns the credits that depend on the whole panel, once it has answered; has done so when it returns."""
        if self._over and self.task is not None:
            self.settle_panel()
        return settled()

    @property
    def posed(self) -> Task:
        """The task that the panel answers."""
        assert self.task is not None, "a panel answers only once there is a task"
        return self.task

    @property
    def proposed(self) -> Mapping[str, Any] | None:
        """The accepted proposal of a fresh episode."""
        return self.write_task(self.task) if self.fresh and self.task is not None else None

    def gold_reply(self, slot: Slot) -> str | None:
        """A right answer to the task; of a proposal there is none."""
        return None if slot.role == self.proposer.role else self.gold_answer(self.posed)

    def gold_answer(self, task: Task) -> str | None:
        """A right answer in the form and wording that the prompt asks for, or None where the game knows none."""
        return None

    def sample_action(self, slot: Slot, rng: np.random.Generator) -> str | None:
        """A small proposal, or an answer that is right or wrong."""
        return self.sample_proposal(rng) if slot.role == self.proposer.role else self.sample_answer(self.posed, rng)

    def sample_proposal(self, rng: np.random.Generator) -> str | None:
        """A legal proposal, or None where the game offers none."""
        return None

    def sample_answer(self, task: Task, rng: np.random.Generator) -> str | None:
        """A legal answer, or None where the game offers none."""
        return None

    @abstractmethod
    def read_task(self, data: Any) -> Task:
        """The task in `options["task"]`, or in the data of a valid proposal's verdict, which it must accept.

        Raises:
            UsageError: It is none; the sentence names the field.
        """

    @abstractmethod
    def write_task(self, task: Task) -> Mapping[str, Any]:
        """The task as plain JSON types; `read_task` is the inverse."""

    @abstractmethod
    def propose_prompt(self) -> tuple[Message, ...]:
        """Prompt of the proposer."""

    @abstractmethod
    def answer_prompt(self, task: Task) -> tuple[Message, ...]:
        """Prompt of every member of the panel."""

    @abstractmethod
    def judge_proposal(self, reply: Parsed) -> Verdict | Judging:
        """The verdict on a proposal; the data of a valid one are its task."""

    @abstractmethod
    def judge_answer(self, task: Task, reply: Parsed) -> Verdict | Judging:
        """The verdict on an answer."""

    @abstractmethod
    def credit_answer(self, slot: Slot, verdict: Verdict) -> None:
        """Sets credit and outcome of an answer."""

    @abstractmethod
    def settle_panel(self) -> None:
        """Sets what depends on the whole panel, such as the proposer's credit; there is no proposal unless `fresh`."""
