"""Deduction: a proposer writes a program and an input, solvers find the output."""

from __future__ import annotations

import numpy as np

from ...core.messages import Message
from ...replies.parsing import Parsed
from ...tasks.code_task import CodeTask
from ...verifiers.code_tasks import check_output
from ...verifiers.findings import Checking
from .base import PairGame
from .samples import sample_block


class Deduction(PairGame):
    """Predict the output: given program and input, answer with the returned value in an `output` block.

    Reasons of a malformed answer: `no_output_block`, `not_literal`.
    """

    task_type = "deduction"

    def answer_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and input."""
        return self.style.solve_deduction(task)

    def check(self, task: CodeTask, reply: Parsed) -> Checking:
        """The last `output` block against the gold value."""
        answers = reply.bodies("output")
        return (yield from check_output(task, answers[-1], strict=self.strict)) if answers else "no_output_block"

    def gold_answer(self, task: CodeTask) -> str:
        """The gold value."""
        return self.style.reply("output", task.outputs[0])

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str:
        """The gold value, or another."""
        return sample_block("output", task.outputs[0], rng)
