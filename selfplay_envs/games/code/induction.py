"""Induction: a proposer chooses inputs of a given program and a message; solvers write the program from some pairs.

After Zhao et al., Absolute Zero, arXiv 2505.03335, section 3.3. The first half of the pairs (rounded down) is shown,
the rest is hidden, and an answer is right when it reproduces every hidden pair.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ...core.game import Request
from ...core.messages import Message
from ...replies.parsing import Parsed
from ...tasks.code_task import CodeTask
from ...tasks.duplicates import pair_key
from ...verifiers.code_tasks import check_program, repeats_input, validate
from ...verifiers.findings import Checking
from .base import CodeGame
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
        **keywords: As for `CodeGame`.
    """

    task_type = "induction"

    def __init__(self, *, num_inputs: int = 10, **keywords: Any) -> None:
        super().__init__(**keywords)
        if type(num_inputs) is not int or not 2 <= num_inputs <= 64:
            raise UsageError(
                f"num_inputs={num_inputs!r} is not a whole number from 2 to 64; half of them are shown, half are hidden."
            )
        self.num_inputs = num_inputs

    def proposal_key(self, task: Mapping[str, Any]) -> str:
        """The program's syntax tree and the inputs, as the program is given."""
        return pair_key(task)

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

    def answer_prompt(self, task: CodeTask) -> tuple[Message, ...]:
        """The shown half of the pairs, and the message."""
        return self.style.solve_induction(task.shown)

    def check(self, task: CodeTask, reply: Parsed) -> Checking:
        """The last `python` block against the hidden half."""
        answers = reply.bodies("python")
        if not answers:
            return "no_program_block"
        return (yield from check_program(task.hidden, answers[-1], strict=self.strict))

    def gold_answer(self, task: CodeTask) -> str | None:
        """The task's own program, where it is known."""
        return self.style.reply("python", task.program) if task.program else None

    def sample_answer(self, task: CodeTask, rng: np.random.Generator) -> str:
        """The task's own program, or another."""
        return sample_program(task, rng)
