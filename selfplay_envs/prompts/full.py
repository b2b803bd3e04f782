"""The `full` style: prompts for real instruction-following models; they may think first, and answer in tagged fences."""

from __future__ import annotations

from collections.abc import Sequence

from ..game import Message
from ..parsing import fence
from ..tasks import CodeTask

SYSTEM = Message(
    "system",
    "You are a careful programmer. Think step by step if you need to, inside <think> and </think>. Then write your "
    "final answer between <answer> and </answer>, with every part in a fenced block that carries the requested label.",
)

PROGRAM_RULES = """Rules for the program:
- Its entry point is a function named `f` with at least one parameter; it returns a value.
- Helper functions, classes and imports of pure standard modules are welcome, at the top.
- The same input must always give the same output: no randomness, clocks, files, network, environment or printing.
- It runs in under a second, and returns plain Python values: numbers, strings, None, lists, tuples, sets, dicts."""

GOAL = {
    "deduction": "The solver will see the program and the input and must work out the output.",
    "abduction": "The solver will see the program and the output and must find an input that produces it.",
}


def _ask(*parts: str) -> tuple[Message, ...]:
    return (SYSTEM, Message("user", "\n\n".join(parts)))


def _example(number: int, task: CodeTask) -> str:
    blocks = (fence("python", task.program), fence("input", task.inputs[0]), fence("output", task.outputs[0]))
    return "\n".join((f"Example {number}:", *blocks))


class FullStyle:
    """Spelled-out instructions with criteria, rules and format."""

    def propose_pair(self, task_type: str, references: Sequence[CodeTask]) -> tuple[Message, ...]:
        """Goal, rules, what makes a good proposal, format, references."""
        return _ask(
            f"Invent one new Python program and one input for it. {GOAL[task_type]} "
            "A good proposal is solved sometimes but not always: it takes several steps of reasoning about changing state, "
            "and differs in substance from the examples below.",
            PROGRAM_RULES,
            "Rules for the input: the argument list of one call, written as Python literals separated by commas, such as "
            "`[3, 1], 'ab'`. Strings are quoted. Do not repeat the input inside the program.",
            f"Format:\n{fence('python', 'def f(...):' + chr(10) + '    ...')}\n{fence('input', 'arguments')}",
            "\n\n".join(_example(number, task) for number, task in enumerate(references, 1)),
        )

    def propose_induction(self, program: str, num_inputs: int) -> tuple[Message, ...]:
        """The program, and what the inputs and the message are for."""
        return _ask(
            f"Here is a program:\n{fence('python', program)}",
            f"Write {num_inputs} different inputs for it, and a message. A solver will see the message and some of the "
            "input-output pairs, and must write a program that also reproduces the hidden pairs. Choose inputs that "
            "together reveal what the program does; the message gives a fair hint in words and contains no code.",
            f"Format: {num_inputs} blocks, each the argument list of one call as Python literals, then the message.\n"
            f"{fence('input', 'arguments')}\n{fence('message', 'one or two sentences')}",
        )

    def solve_deduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and input."""
        return _ask(
            "What does this call return?",
            f"{fence('python', task.program)}\n{fence('input', task.inputs[0])}",
            "The input is the argument list of `f`. Answer with the returned value as a Python literal:\n"
            + fence("output", "value"),
        )

    def solve_abduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Program and output."""
        return _ask(
            "Find an input for which this program returns the given output. Any input that does is right.",
            f"{fence('python', task.program)}\n{fence('output', task.outputs[0])}",
            f"Answer with the argument list of `f` as Python literals:\n{fence('input', 'arguments')}",
        )

    def solve_induction(self, shown: CodeTask) -> tuple[Message, ...]:
        """Pairs and message."""
        pairs = zip(shown.inputs, shown.outputs, strict=True)
        blocks = "\n".join(f"{fence('input', given)}\n{fence('output', out)}" for given, out in pairs)
        return _ask(
            "Write the program that produced these input-output pairs; it is also tried on hidden ones.",
            blocks,
            fence("message", shown.message),
            PROGRAM_RULES,
            f"Format:\n{fence('python', 'def f(...):' + chr(10) + '    ...')}",
        )

    def challenge(self) -> tuple[Message, ...]:
        """The clauses that the rules judge can check."""
        return _ask(
            "Write one instruction that tests how precisely an assistant follows instructions. It may be easy or hard, "
            "but it must be possible to satisfy, and it must not contain the answer.",
            "It consists of one to four different clauses, separated by semicolons, each of exactly one of these forms:\n"
            "use exactly N words; include the word W; avoid the letter L; start with the word W; end with the word W; "
            "use only lowercase; use only uppercase",
            f"Format:\n{fence('instruction', 'clause; clause')}",
        )

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """The instruction and the format."""
        return _ask(f"Follow this instruction with a short text:\n{instruction}", f"Format:\n{fence('answer', 'your text')}")

    def kuhn(self, card: str, history: Sequence[str], legal: Sequence[str]) -> tuple[Message, ...]:
        """The rules in three sentences, then the situation."""
        return _ask(
            "You play Kuhn poker: the deck is J, Q, K (K is highest), both players ante 1 chip and hold one card. "
            "A player may check or bet 1; a bet can be called or folded to. At a showdown the higher card takes the pot.",
            f"Your card: {card}\nActions so far: {', '.join(history) or 'none'}\nLegal actions: {', '.join(legal)}",
            f"Format:\n{fence('action', 'one legal action')}",
        )
