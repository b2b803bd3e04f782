"""A match as text for people: every prompt, reply, verdict and credit."""

from __future__ import annotations

from ..core.game import Verdict
from ..core.messages import Message
from ..core.text import printable
from .match import Match


def render_messages(messages: tuple[Message, ...]) -> str:
    """A chat prompt, one block per message."""
    return "\n".join(f"[{message.role}]\n{printable(message.content)}" for message in messages)


def render_verdict(verdict: Verdict, credit: float | None) -> str:
    """One line: valid or why not, the score, and the credit where it is known."""
    earned = "credit later" if credit is None else f"credit {credit:+.3f}"
    if verdict.void:
        return f"void, charged to nobody: {verdict.reason}"
    return f"{'valid' if verdict.valid else 'invalid: ' + verdict.reason}, score {verdict.score:g}, {earned}"


def render_match(match: Match) -> str:
    """The whole match so far."""
    lines = [f"{match.start.env_id} seed {match.start.seed}"]
    for message in match.applied:
        lines.append(f"--- {message.slot.role} {message.slot.attempt} (turn {message.slot.turn}) was asked")
        lines.append(render_messages(message.messages))
        lines.append("--- and said")
        lines.append(printable(message.reply.text))
        lines.append("=> " + render_verdict(message.verdict, match.game.credit.get(message.slot)))
    for slot in match.waiting:
        lines.append(f"... waiting for {slot.role} {slot.attempt}")
    if match.done and match.game.outcome:
        payoffs = ", ".join(f"{role} {attempt}: {value:+g}" for (role, attempt), value in match.game.outcome.items())
        lines.append(f"=== over; outcome {payoffs}")
    return "\n".join(lines)
