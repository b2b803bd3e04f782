"""A person at the terminal as a player: what the person reads, and how typed lines become a message."""

from __future__ import annotations

import contextlib
import copy
import importlib
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from selfplay_envs import Match, Message, PendingPrompt, Reply, Slot
from selfplay_envs.core.text import clean_text
from selfplay_envs.replies.parsing import fences

from .episodes import print_prompt, slot_name


class Quit(Exception):
    """Raised when the person leaves: Ctrl-D, or the end of a pipe."""


class HumanPlayer:
    """A player that reads a person's messages, one at a time.

    A message ends with a line that holds a single `.`, or with an empty line outside a fenced block. Where the prompt
    asks for exactly one block, a bare answer is put into it, so that nobody has to type fences.

    Args:
        console: Where prompts appear.
        style: Wording of what the person reads; None shows what the game asks. The record holds the game's wording.
        read_line: Returns one line, without its end, or raises EOFError; `input` by default.
    """

    def __init__(self, console: Console, style: str | None = "full", read_line: Callable[[str], str] | None = None) -> None:
        self._console = console
        self._style = style
        self._read_line = read_line or input

    def __call__(self, prompts: Sequence[PendingPrompt]) -> list[Reply]:
        """One reply per prompt, in order.

        Raises:
            Quit: The person left.
        """
        return [Reply(text=self._answer(prompt)) for prompt in prompts]

    def _answer(self, prompt: PendingPrompt) -> str:
        messages = reworded(prompt.match, prompt.slot, self._style)
        label = block_label(messages)
        # how a model should mark its answer, which system messages tell, is no news for a person
        print_prompt(self._console, prompt.slot, tuple(message for message in messages if message.role != "system"))
        block = f" A bare answer goes into a block labelled {label} for you." if label else ""
        self._console.print(f"You are {slot_name(prompt.slot)}. End with an empty line or a single dot; Ctrl-D quits.{block}")
        text = clean_text(self._read_message())
        return f"```{label}\n{text.strip()}\n```" if label and text.strip() and "```" not in text else text

    def _read_message(self) -> str:
        if sys.stdin.isatty():
            with contextlib.suppress(ImportError):
                importlib.import_module("readline")  # arrow keys and history for `input`
        lines: list[str] = []
        while True:
            try:
                line = self._read_line("> " if sys.stdin.isatty() else "")
            except EOFError:
                if lines:  # the pipe ended without a last empty line
                    return "\n".join(lines)
                raise Quit from None
            fenced = sum(text.strip().startswith("```") for text in lines) % 2 == 1
            if line.strip() == "." or (not line.strip() and lines and not fenced):
                return "\n".join(lines)
            if line.strip() or lines:
                lines.append(line)


def reworded(match: Match, slot: Slot, style: str | None) -> tuple[Message, ...]:
    """The prompt of a waiting slot in another style, where the game has that; else as the game words it."""
    styles = match.game.styles
    if style not in styles or getattr(match.game, "style", None) not in styles.values():
        return match.waiting[slot]
    game = copy.copy(match.game)
    game.style = styles[style]  # type: ignore[attr-defined]
    return game.prompt(slot)


def block_label(messages: tuple[Message, ...]) -> str | None:
    """The label of the one block that the prompt's last paragraph asks for; None where it asks for several, or none."""
    blocks = fences(messages[-1].content.rpartition("\n\n")[2]) if messages else []
    return blocks[0].label or None if len(blocks) == 1 else None
