"""The `terse` style: as few tokens as a game needs. The tiny lab model was trained on exactly this wording."""

from __future__ import annotations

from collections.abc import Sequence

from ..game import Message
from ..parsing import fence
from ..tasks import CodeTask


def _ask(*blocks: str) -> tuple[Message, ...]:
    return (Message("user", "\n".join(blocks)),)


def _pairs(task: CodeTask) -> list[str]:
    return [
        block
        for given, out in zip(task.inputs, task.outputs, strict=True)
        for block in (fence("input", given), fence("output", out))
    ]


class TerseStyle:
    """One line that names the task, then labelled blocks."""

    def propose_pair(self, task_type: str, references: Sequence[CodeTask]) -> tuple[Message, ...]:
        """`propose deduction` and the references."""
        blocks = [block for task in references for block in (fence("python", task.program), *_pairs(task)[:2])]
        return _ask(f"propose {task_type}", *blocks)

    def propose_induction(self, program: str, num_inputs: int) -> tuple[Message, ...]:
        """`propose induction` and the program; the number of inputs goes without saying."""
        return _ask("propose induction", fence("python", program))

    def solve_deduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and input."""
        return _ask("solve deduction", fence("python", task.program), fence("input", task.inputs[0]))

    def solve_abduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and output."""
        return _ask("solve abduction", fence("python", task.program), fence("output", task.outputs[0]))

    def solve_induction(self, shown: CodeTask) -> tuple[Message, ...]:
        """Pairs and message."""
        return _ask("solve induction", *_pairs(shown), fence("message", shown.message))

    def challenge(self) -> tuple[Message, ...]:
        """Two words."""
        return _ask("challenge instruction")

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """The instruction in a block."""
        return _ask("answer instruction", fence("instruction", instruction))

    def kuhn(self, card: str, history: Sequence[str], legal: Sequence[str]) -> tuple[Message, ...]:
        """Card, history and legal words, a line each."""
        return _ask("kuhn poker", f"card {card}", f"history {' '.join(history) or 'none'}", f"legal {' '.join(legal)}")
