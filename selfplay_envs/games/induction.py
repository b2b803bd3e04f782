"""Induction: a proposer chooses inputs of a given program and a message; solvers write the program from some pairs.

After Zhao et al., Absolute Zero, arXiv 2505.03335, section 3.3. The first half of the pairs (rounded down) is shown,
the rest is hidden, and an answer is right when it reproduces every hidden pair.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import UsageError
from ..findings import Finding
from ..game import Message, Request
from ..parsing import Parsed
from ..tasks import CodeTask
from ..verify import check_program, repeats_input, validate
from .code import CodeGame
from .samples import sample_inputs, sample_program

MAX_MESSAGE_CHARS = 1_000
_CODE = re.compile(r"\bdef[\s\\]|\blambda\b[^\n:]{0,80}:")


class Induction(CodeGame):
    """Write the program: given input-output pairs and a message, answer with a `python` block.

    The program that the proposer is given is the first of `options["references"]`.

    Reasons of a proposal: `too_few_inputs`, `no_message`, `message_too_long`, `message_has_code`, `repeated_input`,
    and those of `validate`. Reasons of a malformed answer: `no_program_block`, and those of `program_fault`.

    Args:
        num_inputs: Pairs of a task, at least 2. AZR: 10.
        **kwargs: As for `CodeGame`.
    """

    task_type = "induction"

    def __init__(
        self,
        *,
        attempts: int = 8,
        num_inputs: int = 10,
        style: str = "full",
        learnability: str = "one_minus",
        extreme_credit: float = -0.5,
        wrong_credit: float = -0.5,
        malformed_credit: float = -1.0,
        malformed: str = "punish",
        equality: str = "python",
    ) -> None:
        super().__init__(
            attempts=attempts,
            style=style,
            learnability=learnability,
            extreme_credit=extreme_credit,
            wrong_credit=wrong_credit,
            malformed_credit=malformed_credit,
            malformed=malformed,
            equality=equality,
        )
        if type(num_inputs) is not int or not 2 <= num_inputs <= 64:
            raise UsageError(
                f"num_inputs={num_inputs!r} is not a whole number from 2 to 64; half of them are shown, half are hidden."
            )
        self.num_inputs = num_inputs

    def check_task(self, task: CodeTask) -> CodeTask:
        """A task needs at least one pair to show and one to hide."""
        if len(task.inputs) < 2:
            raise UsageError(
                f"options['task'] has {len(task.inputs)} input; an induction task needs at least 2, to show and to hide."
            )
        return task

    def propose_prompt(self) -> tuple[Message, ...]:
        """The program of the first reference."""
        return self.style.propose_induction(self.references[0].program, self.num_inputs)

    def propose(self, reply: Parsed) -> Generator[list[Request], list[Any], CodeTask | str]:
        """The last `num_inputs` input blocks and the last message block."""
        inputs, messages = reply.bodies("input")[-self.num_inputs :], reply.bodies("message")
        if len(inputs) < self.num_inputs:
            return "too_few_inputs"
        if not messages or not messages[-1].strip():
            return "no_message"
        if len(messages[-1]) > MAX_MESSAGE_CHARS:
            return "message_too_long"
        program = self.references[0].program
        if _CODE.search(messages[-1]) or program.strip() in messages[-1]:
            return "message_has_code"
        task = yield from validate(program, inputs, messages[-1].strip(), strict=self.strict)
        if isinstance(task, CodeTask) and repeats_input(task, strict=self.strict):
            return "repeated_input"
        return task

    def sample_proposal(self, rng: np.random.Generator) -> str | None:
        """Inputs of the zero triplet's program, which takes anything; none of another program's."""
        return sample_inputs(self.references[0], self.num_inputs, rng)

    def solve_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """The shown half of the pairs, and the message."""
        half = len(task.inputs) // 2
        return self.style.solve_induction(replace(task, program="", inputs=task.inputs[:half], outputs=task.outputs[:half]))

    def check(self, task: CodeTask, reply: Parsed) -> Finding:
        """The last `python` block against the hidden half."""
        answers = reply.bodies("python")
        if not answers:
            return "no_program_block"
        half = len(task.inputs) // 2
        hidden = replace(task, inputs=task.inputs[half:], outputs=task.outputs[half:])
        return (yield from check_program(hidden, answers[-1], strict=self.strict))

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str:
        """The task's own program, or another."""
        return sample_program(task, rng)
