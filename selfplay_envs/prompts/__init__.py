"""Prompt wording by name: `full` for real models, `terse` for the tiny one. Both ask for the same fenced answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..errors import UsageError
from ..game import Message
from ..tasks import CodeTask
from .full import FullStyle
from .terse import TerseStyle

__all__ = ["STYLES", "PromptStyle", "find_style"]


class PromptStyle(Protocol):
    """Wording of every prompt of the built-in games."""

    def propose_pair(self, task_type: str, references: Sequence[CodeTask]) -> tuple[Message, ...]:
        """Asks a proposer for a program and one input (deduction, abduction)."""
        ...

    def propose_induction(self, program: str, num_inputs: int) -> tuple[Message, ...]:
        """Asks a proposer for inputs of a given program, and a message about it."""
        ...

    def solve_deduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Asks a solver for the output."""
        ...

    def solve_abduction(self, task: CodeTask) -> tuple[Message, ...]:
        """Asks a solver for an input that gives the output."""
        ...

    def solve_induction(self, shown: CodeTask) -> tuple[Message, ...]:
        """Asks a solver for the program; `shown` holds only the pairs that may be seen, its program is not used."""
        ...

    def challenge(self) -> tuple[Message, ...]:
        """Asks a challenger for one instruction."""
        ...

    def answer(self, instruction: str) -> tuple[Message, ...]:
        """Asks a solver to follow an instruction."""
        ...

    def kuhn(self, card: str, history: Sequence[str], legal: Sequence[str]) -> tuple[Message, ...]:
        """Asks a poker player for an action."""
        ...


STYLES: dict[str, PromptStyle] = {"full": FullStyle(), "terse": TerseStyle()}


def find_style(name: str) -> PromptStyle:
    """The style of that name.

    Raises:
        UsageError: There is none.
    """
    if name not in STYLES:
        raise UsageError(f"style={name!r} is not known; choose one of {', '.join(STYLES)}.")
    return STYLES[name]
