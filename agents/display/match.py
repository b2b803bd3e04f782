"""One game in the terminal, played to its end: messages, verdicts and credits as they become known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape

from selfplay_envs import Episode, Match, PendingPrompt, Referee, Reply, Slot, advance
from selfplay_envs.core.text import printable
from selfplay_envs.play.ledger import CreditLedger

from .episodes import print_outcome, print_prompt, print_text, print_verdict, slot_name
from .human import Quit

Player = Callable[[Sequence[PendingPrompt]], Sequence[Reply]]
"""Whoever answers prompts: one reply per prompt, in order."""


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
        prompts = match.pending_prompts()
        try:
            replies = _replies(prompts, players, console, human_role)
        except Quit:
            console.print("\nYou left the game; nothing is lost but this episode. Bye.")
            return None
        messages = [(prompt.match, prompt.slot, reply) for prompt, reply in zip(prompts, replies, strict=True)]
        verdicts = advance(messages, referee)
        new_credits = dict(ledger.take_new(match))
        for (_, slot, reply), verdict in zip(messages, verdicts, strict=True):
            if slot.role != human_role:
                print_text(console, f"said: {slot_name(slot)}", reply.text, "magenta")
            print_verdict(console, slot, verdict, new_credits.pop(slot, None))
        for slot, credit in new_credits.items():
            console.print(f"  => {slot_name(slot)} now earns credit {credit:+.3f}")
    print_outcome(console, match.game.outcome)
    outputs = (match.game.proposed or {}).get("outputs")
    if outputs:
        console.print(f"What the program really returns: {escape(printable('; '.join(outputs)))}")
    return match.episode(referee.backend)


def _replies(prompts: list[PendingPrompt], players: dict[str, Player], console: Console, human_role: str | None) -> list[Reply]:
    """One reply per prompt: each role's prompts go to its player in one batch."""
    replies: dict[Slot, Reply] = {}
    for role in dict.fromkeys(prompt.slot.role for prompt in prompts):
        batch = [prompt for prompt in prompts if prompt.slot.role == role]
        if human_role is None:
            print_prompt(console, batch[0].slot, batch[0].messages)
        if role == human_role:
            answers = players[role](batch)
        else:
            with console.status(f"{role} is thinking ..."):
                answers = players[role](batch)
        replies |= {prompt.slot: reply for prompt, reply in zip(batch, answers, strict=True)}
    return [replies[prompt.slot] for prompt in prompts]
