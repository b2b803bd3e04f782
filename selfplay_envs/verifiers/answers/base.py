"""The protocol of verifiers of fixed problems; `selfplay_envs.verifiers.answers.table` finds them by name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...replies.parsing import Parsed
from ...tasks.problem import Problem
from ..findings import Checking


class Extraction(NamedTuple):
    """The answer that was found in a reply, or the reason why none was."""

    answer: str = ""
    fault: str = ""
    """One snake_case word out of the verifier's documented list, such as `no_boxed_answer`; empty: there is an answer."""


class AnswerVerifier(ABC):
    """Reads, judges and writes answers of one form. Its keywords are the options of its text, as in `numeric:rel_tol=1e-3`.

    A verifier is stateless: the same problem and reply always give the same requests and, with the same results, the same
    finding.
    """

    poses: str = "question"
    """What its problems pose, which decides the wording of prompts: `question`, `program`, `deduction`, `abduction` or
    `induction`."""
    request: str = ""
    """The sentence that asks for an answer in this form, in prompts of the style `full`."""
    columns: tuple[str, ...] = ("question", "answer")
    """Names that a row of a file must have, after the option `columns` has renamed them."""
    packages: tuple[str, ...] = ()
    """Distributions that its jobs need; see `sandboxes.Job.packages`."""

    @abstractmethod
    def problem(self, row: Mapping[str, Any]) -> Problem:
        """The problem in a row of a file.

        Raises:
            UsageError: It is none; one sentence that names the column, the value and the remedy.
        """

    @abstractmethod
    def extract(self, reply: Parsed) -> Extraction:
        """Finds the answer in a reply by the verifier's one rule, which its docstring states; linear time, never raises."""

    @abstractmethod
    def check(self, problem: Problem, answer: str) -> Checking:
        """Whether an extracted answer is right: `right`, `wrong`, a documented reason, or one of `findings.VOID`.

        The answer is hostile: whatever could evaluate it runs in a yielded job.
        """

    def gold(self, problem: Problem) -> str | None:
        """A right reply in full, as a careful player would write it; None where the problem has no gold answer."""
        return None if problem.answer is None else self.write(problem.answer)

    @abstractmethod
    def write(self, answer: str) -> str:
        """A reply with that answer in the form that `extract` reads: `extract(read_reply(write(a))).answer == a`."""

    def key(self, problem: Problem) -> str:
        """What two problems share that are the same problem: its program, else its question; see `Game.proposal_key`."""
        return problem.fields.get("program") or problem.fields.get("question") or repr(problem.messages)
