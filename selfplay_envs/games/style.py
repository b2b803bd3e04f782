"""Prompt wording by name: `full` for real models, `terse` for the tiny one. Both call for the same fenced answers.

Wording lies with the games that use it. A family of games has one class per style, all with the same methods, and a table of
them that its games carry; a game of your own does the same, with names of its own if it likes:

    class Riddle(Game):
        styles = {"full": FullRiddle(), "terse": TerseRiddle()}

        def __init__(self, *, attempts: int = 8, style: str = "full"):
            super().__init__(attempts=attempts)
            self.style = find_style(self.styles, style)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ..core.errors import UsageError
from ..core.messages import Message

Wording = TypeVar("Wording")

STYLES = ("full", "terse")
"""Names of the styles that every built-in game has."""
SYSTEM = Message(
    "system",
    "You are a careful programmer. Think step by step if you need to, inside <think> and </think>. Then write your "
    "final answer between <answer> and </answer>, with every part in a fenced block that carries the requested label.",
)


def find_style(styles: Mapping[str, Wording], name: str) -> Wording:
    """The wording of that name out of a family's table.

    Raises:
        UsageError: There is none.
    """
    check_style(name, styles)
    return styles[name]


def check_style(name: str, known: Mapping[str, object] | tuple[str, ...] = STYLES) -> None:
    """Refuses the name of a style that is not known.

    Raises:
        UsageError: It is not.
    """
    if name not in known:
        raise UsageError(f"style={name!r} is not known; choose one of {', '.join(known)}.")


def full_prompt(*parts: str) -> tuple[Message, ...]:
    """A prompt of the `full` style: the system message, then the parts with an empty line between them."""
    return (SYSTEM, Message("user", "\n\n".join(parts)))


def terse_prompt(*blocks: str) -> tuple[Message, ...]:
    """A prompt of the `terse` style: the blocks, each on lines of its own."""
    return (Message("user", "\n".join(blocks)),)
