"""Wording of the instruction challenge, in full and terse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ...core.messages import Message
from ...replies.parsing import fence
from ..style import full_prompt, terse_prompt


class InstructionPrompts(Protocol):
    """Wording of the prompts of the instruction challenge."""

    def challenge(self) -> tuple[Message, ...]:
        """Prompt for one instruction."""
        ...

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """Prompt to follow an instruction."""
        ...


class FullInstructionPrompts:
    """Spelled-out instructions with criteria and format."""

    def challenge(self) -> tuple[Message, ...]:
        """The clauses that the rules judge can check."""
        return full_prompt(
            "Write one instruction that tests how precisely an assistant follows instructions. It may be easy or hard, "
            "but it must be possible to satisfy, and it must not contain the answer.",
            "It consists of one to four different clauses, separated by semicolons, each of exactly one of these forms:\n"
            "use exactly N words; include the word W; avoid the letter L; start with the word W; end with the word W; "
            "use only lowercase; use only uppercase",
            f"Format:\n{fence('instruction', 'clause; clause')}",
        )

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """The instruction and the format."""
        return full_prompt(
            f"Follow this instruction with a short text:\n{instruction}", f"Format:\n{fence('answer', 'your text')}"
        )


class TerseInstructionPrompts:
    """One line that names the task, then a labelled block, as the tiny model was trained."""

    def challenge(self) -> tuple[Message, ...]:
        """Two words."""
        return terse_prompt("challenge instruction")

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """The instruction in a block."""
        return terse_prompt("answer instruction", fence("instruction", instruction))


STYLES: Mapping[str, InstructionPrompts] = {"full": FullInstructionPrompts(), "terse": TerseInstructionPrompts()}
