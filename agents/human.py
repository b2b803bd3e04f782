"""A person at the terminal as a player, and the loop that lets a person and a model play one game together."""

from __future__ import annotations

import contextlib
import copy
import importlib
import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape

from selfplay_envs import Ask, Episode, Match, Message, Referee, Reply, Slot, advance
from selfplay_envs.gym_view import CreditLedger
from selfplay_envs.parsing import fences
from selfplay_envs.prompts import STYLES, find_style
from selfplay_envs.render import printable
from selfplay_envs.spaces import clean_text

from .show import print_outcome, print_prompt, print_text, print_verdict, slot_name

Player = Callable[[Sequence[Ask]], Sequence[Reply]]


class Quit(Exception):
    """Raised when the person has had enough: Ctrl-D, or the end of a pipe."""


class HumanPlayer:
    """Asks a person, one message at a time.

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

    def __call__(self, asks: Sequence[Ask]) -> list[Reply]:
        """One reply per ask, in order.

        Raises:
            Quit: The person left.
        """
        return [Reply(text=self._answer(ask)) for ask in asks]

    def _answer(self, ask: Ask) -> str:
        messages = reworded(ask.match, ask.slot, self._style)
        label = wanted_label(messages)
        # how a model should mark its answer, which system messages tell, is no news for a person
        print_prompt(self._console, ask.slot, tuple(message for message in messages if message.role != "system"))
        block = f" A bare answer goes into a block labelled {label} for you." if label else ""
        self._console.print(f"You are {slot_name(ask.slot)}. End with an empty line or a single dot; Ctrl-D quits.{block}")
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
            fenced = sum(one.strip().startswith("```") for one in lines) % 2 == 1
            if line.strip() == "." or (not line.strip() and lines and not fenced):
                return "\n".join(lines)
            if line.strip() or lines:
                lines.append(line)


def reworded(match: Match, slot: Slot, style: str | None) -> tuple[Message, ...]:
    """The prompt of a waiting slot in another style, where the game has our styles; else as the game asks it."""
    if style is None or getattr(match.game, "style", None) not in STYLES.values():
        return match.waiting[slot]
    twin = copy.copy(match.game)
    twin.style = find_style(style)  # type: ignore[attr-defined]
    return twin.prompt(slot)


def wanted_label(messages: tuple[Message, ...]) -> str | None:
    """The label of the one block that the prompt's last paragraph asks for; None where it asks for several, or none."""
    blocks = fences(messages[-1].content.rpartition("\n\n")[2]) if messages else []
    return blocks[0].label or None if len(blocks) == 1 else None


def play_match(
    match: Match, players: dict[str, Player], referee: Referee, console: Console, *, human_role: str | None = None
) -> Episode | None:
    """Plays one game to its end, showing messages, verdicts and credits as they become known.

    Args:
        match: A fresh match.
        players: Who answers each role.
        referee: Whose sandbox and judge answer the game.
        console: Where it is shown.
        human_role: The role whose messages need not be shown again; prompts of the others are shown only without one.

    Returns:
        The record, or None where the person quit.
    """
    ledger = CreditLedger()
    while not match.done:
        asks = match.asks()
        try:
            replies = _collect(asks, players, console, human_role)
        except Quit:
            console.print("\nYou left the game; nothing is lost but this episode. Bye.")
            return None
        said = [(ask.match, ask.slot, reply) for ask, reply in zip(asks, replies, strict=True)]
        verdicts = advance(said, referee)
        news = dict(ledger.news(match))
        for (_, slot, reply), verdict in zip(said, verdicts, strict=True):
            if slot.role != human_role:
                print_text(console, f"said: {slot_name(slot)}", reply.text, "magenta")
            print_verdict(console, slot, verdict, news.pop(slot, None))
        for slot, credit in news.items():
            console.print(f"  => {slot_name(slot)} now earns credit {credit:+.3f}")
    print_outcome(console, match.game.outcome)
    truth = (match.game.proposed or {}).get("outputs")
    if truth:
        console.print(f"What the program really returns: {escape(printable('; '.join(truth)))}")
    return match.episode(referee.backend)


def _collect(asks: list[Ask], players: dict[str, Player], console: Console, human_role: str | None) -> list[Reply]:
    """One reply per ask: each role's asks go to its player in one batch."""
    replies: dict[Slot, Reply] = {}
    for role in dict.fromkeys(ask.slot.role for ask in asks):
        mine = [ask for ask in asks if ask.slot.role == role]
        if human_role is None:
            print_prompt(console, mine[0].slot, mine[0].messages)
        if role == human_role:
            answers = players[role](mine)
        else:
            with console.status(f"{role} is thinking ..."):
                answers = players[role](mine)
        replies |= {ask.slot: reply for ask, reply in zip(mine, answers, strict=True)}
    return [replies[ask.slot] for ask in asks]
