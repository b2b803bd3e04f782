"""Wording of the code games: spelled out in full for models that follow instructions, terse for the tiny one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ...core.messages import Message
from ...replies.parsing import fence
from ...tasks.code_task import CodeTask
from ..style import full_prompt, terse_prompt

PROGRAM_RULES = """Rules for the program:
- Its entry point is a function named `f` with at least one parameter; it returns a value.
- Helper functions, classes and imports of pure standard modules are welcome, at the top.
- The same input must always give the same output: no randomness, clocks, files, network, environment or printing.
- It runs in under a second, and returns plain Python values: numbers, strings, None, lists, tuples, sets, dicts."""

PROGRAM_FORMAT = fence("python", "def f(...):\n    ...")

GOAL = {
    "deduction": "The solver will see the program and the input and must work out the output.",
    "abduction": "The solver will see the program and the output and must find an input that produces it.",
}


class CodePrompts(Protocol):
    """Wording of the prompts of deduction, abduction and induction."""

    def propose_pair(self, task_type: str, references: Sequence[CodeTask]) -> tuple[Message, ...]:
        """Prompt for a program and one input (deduction, abduction)."""
        ...

    def propose_induction(self, program: str, num_inputs: int) -> tuple[Message, ...]:
        """Prompt for inputs of a given program, and a message about it."""
        ...

    def solve_deduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Prompt for the output."""
        ...

    def solve_abduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Prompt for an input that gives the output."""
        ...

    def solve_induction(self, shown: CodeTask) -> tuple[Message, ...]:
        """Prompt for the program; `shown` holds only the pairs that may be seen, its program is not used."""
        ...

    def reply(self, label: str, body: str) -> str:
        """A reply of one labelled block in the form that the prompts ask for."""
        ...


class FullCodePrompts:
    """Spelled-out instructions with criteria, rules and format; the model may think first."""

    def propose_pair(self, task_type: str, references: Sequence[CodeTask]) -> tuple[Message, ...]:
        """Goal, rules, criteria of a good proposal, format, references."""
        return full_prompt(
            f"Invent one new Python program and one input for it. {GOAL[task_type]} "
            "A good proposal is solved sometimes but not always: it takes several steps of reasoning about changing state, "
            "and differs in substance from the examples below.",
            PROGRAM_RULES,
            "Rules for the input: the argument list of one call, written as Python literals separated by commas, such as "
            "`[3, 1], 'ab'`. Strings are quoted. Do not repeat the input inside the program.",
            f"Format:\n{PROGRAM_FORMAT}\n{fence('input', 'arguments')}",
            "\n\n".join(_example(number, task) for number, task in enumerate(references, 1)),
        )

    def propose_induction(self, program: str, num_inputs: int) -> tuple[Message, ...]:
        """The program, and the purpose of the inputs and the message."""
        return full_prompt(
            f"Here is a program:\n{fence('python', program)}",
            f"Write {num_inputs} different inputs for it, and a message. A solver will see the message and some of the "
            "input-output pairs, and must write a program that also reproduces the hidden pairs. Choose inputs that "
            "together reveal what the program does; the message gives a fair hint in words and contains no code.",
            f"Format: {num_inputs} blocks, each the argument list of one call as Python literals, then the message.\n"
            f"{fence('input', 'arguments')}\n{fence('message', 'one or two sentences')}",
        )

    def solve_deduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and input."""
        return full_prompt(
            "What does this call return?",
            f"{fence('python', task.program)}\n{fence('input', task.inputs[0])}",
            "The input is the argument list of `f`. Answer with the returned value as a Python literal:\n"
            + fence("output", "value"),
        )

    def solve_abduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and output."""
        return full_prompt(
            "Find an input for which this program returns the given output. Any input that does is right.",
            f"{fence('python', task.program)}\n{fence('output', task.outputs[0])}",
            f"Answer with the argument list of `f` as Python literals:\n{fence('input', 'arguments')}",
        )

    def solve_induction(self, shown: CodeTask) -> tuple[Message, ...]:
        """Pairs and message."""
        return full_prompt(
            "Write the program that produced these input-output pairs; it is also tried on hidden ones.",
            "\n".join(_pairs(shown)),
            fence("message", shown.message),
            PROGRAM_RULES,
            f"Format:\n{PROGRAM_FORMAT}",
        )

    def reply(self, label: str, body: str) -> str:
        """The block as the final answer, without a thought: nobody has written one."""
        return f"<answer>\n{fence(label, body)}\n</answer>"


class TerseCodePrompts:
    """One line that names the task, then labelled blocks. The tiny lab model was trained on exactly this wording."""

    def propose_pair(self, task_type: str, references: Sequence[CodeTask]) -> tuple[Message, ...]:
        """`propose deduction` and the references."""
        blocks = [block for task in references for block in (fence("python", task.program), *_pairs(task)[:2])]
        return terse_prompt(f"propose {task_type}", *blocks)

    def propose_induction(self, program: str, num_inputs: int) -> tuple[Message, ...]:
        """`propose induction` and the program; the number of inputs goes without saying."""
        return terse_prompt("propose induction", fence("python", program))

    def solve_deduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and input."""
        return terse_prompt("solve deduction", fence("python", task.program), fence("input", task.inputs[0]))

    def solve_abduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and output."""
        return terse_prompt("solve abduction", fence("python", task.program), fence("output", task.outputs[0]))

    def solve_induction(self, shown: CodeTask) -> tuple[Message, ...]:
        """Pairs and message."""
        return terse_prompt("solve induction", *_pairs(shown), fence("message", shown.message))

    def reply(self, label: str, body: str) -> str:
        """The block alone."""
        return fence(label, body)


STYLES: Mapping[str, CodePrompts] = {"full": FullCodePrompts(), "terse": TerseCodePrompts()}


def _example(number: int, task: CodeTask) -> str:
    return "\n".join((f"Example {number}:", fence("python", task.program), *_pairs(task)[:2]))


def _pairs(task: CodeTask) -> list[str]:
    """Blocks of every input with its output."""
    return [
        block
        for argument_list, output in zip(task.inputs, task.outputs, strict=True)
        for block in (fence("input", argument_list), fence("output", output))
    ]
