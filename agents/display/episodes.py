"""Prints episodes: prompts, replies, verdicts, credits; everything from a player is made printable first."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from selfplay_envs import Episode, Message, Slot, Verdict
from selfplay_envs.core.text import printable
from selfplay_envs.play.render import render_verdict

from .tables import say


def slot_name(slot: Slot) -> str:
    """`solver 2 (turn 1)`: a slot for people."""
    return f"{slot.role} {slot.attempt} (turn {slot.turn})"


def print_text(console: Console, title: str, text: str, style: str = "none") -> None:
    """A titled box around untrusted text."""
    console.print(
        Panel(escape(printable(text)) or "[dim](nothing)[/dim]", title=escape(title), title_align="left", border_style=style)
    )


def print_prompt(console: Console, slot: Slot, messages: tuple[Message, ...]) -> None:
    """The prompt of the player in `slot`."""
    for message in messages:
        who = "" if message.role == "user" else f" [{message.role}]"
        print_text(console, f"asked: {slot_name(slot)}{who}", message.content, "cyan")


def print_verdict(console: Console, slot: Slot, verdict: Verdict, credit: float | None) -> None:
    """One line: validity of the message or the reason against it, its score, its credit; then the reason of a valid one."""
    colour = "red" if not verdict.valid else "green" if verdict.score > 0 or verdict.reason == "ok" else "yellow"
    why = f" ({verdict.reason})" if verdict.valid and verdict.reason != "ok" else ""
    console.print(
        f"  [{colour}]=> {escape(slot_name(slot))}: {escape(printable(render_verdict(verdict, credit) + why))}[/{colour}]"
    )


def print_outcome(console: Console, outcome: dict[tuple[str, int], float]) -> None:
    """The game's payoff per role and attempt."""
    payoffs = ", ".join(f"{role} {attempt}: {value:+g}" for (role, attempt), value in outcome.items())
    console.print(f"[bold]The game is over.[/bold] Payoffs: {escape(payoffs) or 'none'}")


def print_episode(console: Console, episode: Episode, number: int) -> None:
    """A whole recorded episode."""
    backend = ", ".join(f"{key} {value}" for key, value in episode.backend.items() if key != "hash_seeds")
    console.rule()
    game = f"{episode.name}, {episode.env_id}" if episode.name else episode.env_id
    say(console, f"episode {number}: {game} seed {episode.seed} ({backend})")
    shown: tuple[Message, ...] = ()
    for turn in episode.messages:
        if turn.messages != shown:  # the panel's attempts share one prompt
            print_prompt(console, turn.slot, turn.messages)
            shown = turn.messages
        print_text(console, f"said: {slot_name(turn.slot)}", turn.reply.text, "magenta")
        print_verdict(console, turn.slot, turn.verdict, turn.credit)
        if turn.void and not turn.verdict.void:
            console.print(f"  [red]=> void in the end, charged to nobody: {escape(turn.void)}[/red]")
    print_outcome(console, dict(episode.outcome))
