"""Chat messages, and the slots that name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Slot(NamedTuple):
    """Names one message of an episode; no two messages of an episode have the same."""

    role: str
    """Its author's role."""
    attempt: int
    """Which of the role's parallel tries, 0 to `attempts` - 1: a member of a panel, or one of several plays of one deal."""
    turn: int
    """When, 0 to 4095: the game's own count. Whoever acts at the same time may be at different turns, as plays of different
    lengths are; one (role, attempt) acts at rising turns."""


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `role` is `system`, `user` or `assistant`, as chat templates expect."""

    role: str
    content: str
