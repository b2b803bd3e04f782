"""A match as text for people: who was asked what, what was said, what the referee found and what it earned."""

from __future__ import annotations

import re

from .game import Message, Verdict
from .play import Match

# C0 and C1 controls other than newline and tab, and the bidirectional overrides: a model's text must not move the cursor
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` with control characters written out in hexadecimal, safe to print on a terminal."""
    return CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)


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
    for done in match.applied:
        lines.append(f"--- {done.slot.role} {done.slot.attempt} (turn {done.slot.turn}) was asked")
        lines.append(render_messages(done.messages))
        lines.append("--- and said")
        lines.append(printable(done.reply.text))
        lines.append("=> " + render_verdict(done.verdict, match.game.credit.get(done.slot)))
    for slot in match.waiting:
        lines.append(f"... waiting for {slot.role} {slot.attempt}")
    if match.done and match.game.outcome:
        payoffs = ", ".join(f"{role} {attempt}: {value:+g}" for (role, attempt), value in match.game.outcome.items())
        lines.append(f"=== over; outcome {payoffs}")
    return "\n".join(lines)
