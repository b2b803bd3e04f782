"""Wording of the instruction challenge: full, terse and ifeval, of clauses that rules check, and open, of any request.

How an answer is read belongs to the wording that asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ...core.messages import Message
from ...replies.parsing import Parsed, fence
from ..style import full_prompt, terse_prompt

LABEL = "instruction"
"""Of the block that holds the challenger's instruction."""
START, END = MARKERS = ("[start of the form]", "[end of the form]")
"""Stand around the template in the challenger's prompt."""
TESTING = (
    "Write one instruction that tests how precisely an assistant follows instructions. It may be easy or hard, "
    "but it must be possible to satisfy, and it must not contain the answer."
)


class InstructionPrompts(Protocol):
    """Wording of the prompts of the instruction challenge."""

    def challenge(self, subject: str = "", template: str = "") -> tuple[Message, ...]:
        """Prompt for one instruction, on a subject and in a form where they are not empty."""
        ...

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """Prompt to follow an instruction."""
        ...

    def read_answer(self, reply: Parsed) -> tuple[str, str]:
        """The answer in a reply, or else the reason why there is none."""
        ...


class _InBlock:
    """Answers stand in a block."""

    def read_answer(self, reply: Parsed) -> tuple[str, str]:
        """The last block of that label."""
        blocks = reply.bodies("answer")
        return (blocks[-1], "") if blocks else ("", "no_answer_block")


class FullInstructionPrompts(_InBlock):
    """Spelled-out instructions with criteria and format."""

    def challenge(self, subject: str = "", template: str = "") -> tuple[Message, ...]:
        """The clauses that the rules judge can check."""
        return full_prompt(
            TESTING,
            "It consists of one to four different clauses, separated by semicolons, each of exactly one of these forms:\n"
            "use exactly N words; include the word W; avoid the letter L; start with the word W; end with the word W; "
            "use only lowercase; use only uppercase",
            f"Format:\n{fence(LABEL, 'clause; clause')}",
        )

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """The instruction and the format."""
        return full_prompt(
            f"Follow this instruction with a short text:\n{instruction}", f"Format:\n{fence('answer', 'your text')}"
        )


class TerseInstructionPrompts(_InBlock):
    """One line that names the task, then a labelled block, as the tiny model was trained."""

    def challenge(self, subject: str = "", template: str = "") -> tuple[Message, ...]:
        """Two words."""
        return terse_prompt("challenge instruction")

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """The instruction in a block."""
        return terse_prompt("answer instruction", fence(LABEL, instruction))


class _AsItIs:
    """The instruction is shown as it is, and the whole reply is the answer."""

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """The instruction and nothing else."""
        return (Message("user", instruction),)

    def read_answer(self, reply: Parsed) -> tuple[str, str]:
        """All that counts of the reply."""
        answer = reply.answer.strip()
        return answer, "" if answer else "no_answer"


class IFEvalInstructionPrompts(_AsItIs):
    """Clauses of the benchmark IFEval, for the judge `rules:vocabulary=ifeval`; the solver is asked as the benchmark asks."""

    def challenge(self, subject: str = "", template: str = "") -> tuple[Message, ...]:
        """Every form of a clause."""
        from ...checks.ifeval.table import forms

        listed = "\n".join(f"- {form}" for form in forms())
        return full_prompt(
            TESTING,
            "It consists of one to four different clauses, separated by semicolons, each of exactly one of these forms, with "
            "numbers in the place of N, words or texts of yours in the place of those in quotes, and one of the choices that | "
            f"separates:\n{listed}",
            f"Format:\n{fence(LABEL, 'clause; clause')}",
        )


class OpenInstructionPrompts(_AsItIs):
    """Any request that text alone can answer, shown to the solver as it is; the whole reply is the answer.

    See: Kuba et al., Language Self-Play, arXiv 2509.07414, box 1: what the challenger is told; the wording is ours.
    """

    def challenge(self, subject: str = "", template: str = "") -> tuple[Message, ...]:
        """What a task is, that one input is wanted, how hard it may be, and what it must not hold."""
        about = f"The task: {subject}." if subject else "No task is named: choose one yourself."
        form = f"{START}\n{template or '{input}'}\n{END}"
        return (
            Message(
                "user",
                "A language task maps an input, the text that an assistant is given, to an output, the text that it should "
                "reply with. Write exactly one input.\n\n"
                f"{about}\n\n"
                "The input may be easy, of middling difficulty, hard, or noisy as real requests are; the best ones put an "
                "assistant to the test or ask for what it seldom meets. An assistant that reads and writes nothing but text "
                "must be able to fulfil it. It must not hold the output, parts of it, or hints at it.\n\n"
                f"Copy the form between the two lines in brackets, without them, and put text of yours in the place of every "
                f"name in braces:\n{form}\n\n"
                f"Reply with the filled form in one block, and stop there:\n{fence(LABEL, 'the filled form')}",
            ),
        )


STYLES: Mapping[str, InstructionPrompts] = {
    "full": FullInstructionPrompts(),
    "terse": TerseInstructionPrompts(),
    "ifeval": IFEvalInstructionPrompts(),
    "open": OpenInstructionPrompts(),
}
