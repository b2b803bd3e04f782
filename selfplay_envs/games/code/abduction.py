"""Abduction: a proposer writes a program and an input, solvers find an input that gives the same output."""

from __future__ import annotations

import numpy as np

from ...core.messages import Message
from ...replies.parsing import Parsed
from ...tasks.code_task import CodeTask
from ...verifiers.code_tasks import check_input
from ...verifiers.findings import Checking
from .base import PairGame
from .samples import sample_block


class Abduction(PairGame):
    """Find an input: given program and output, answer with any argument list that returns it, in an `input` block.

    Reasons of a malformed answer: `no_input_block`, `not_literal`, `input_too_long`.
    """

    task_type = "abduction"

    def answer_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and output."""
        return self.style.solve_abduction(task)

    def check(self, task: CodeTask, reply: Parsed) -> Checking:
        """The last `input` block, run through the program."""
        answers = reply.bodies("input")
        return (yield from check_input(task, answers[-1], strict=self.strict)) if answers else "no_input_block"

    def gold_answer(self, task: CodeTask) -> str:
        """The input that was proposed."""
        return self.style.reply("input", task.inputs[0])

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str:
        """The input that was proposed, or another."""
        return sample_block("input", task.inputs[0], rng)
