"""Messages of players while a game is checked: legal moves, from the game or from a file, and random text between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import GameError, UsageError
from ..core.game import Game
from ..core.json_lines import read_json_lines
from ..core.messages import Slot
from ..core.records import Reply
from ..core.spaces import UnicodeText
from ..play.match import Match, PendingPrompt
from ..replies.parsing import fence

MAX_MESSAGES = 10_000
"""An episode of a check that is longer than this is taken for one that never ends."""
RANDOM_SHARES = (0.0, 0.0, 0.25, 1.0)
"""Share of random text among the messages of an episode, by its seed: half of the episodes hold legal moves alone."""
PHRASES = (
    *(
        fence(label, body)
        for label, body in (("action", "check"), ("action", "bet"), ("output", "1"), ("answer", "red"), ("input", "1"))
    ),
    "🙂",
    "",
)
"""Text that is well-formed in some games; half of the random text is one of these."""


@dataclass(frozen=True, slots=True)
class Move:
    """A text to play."""

    text: str
    promised: bool
    """Whether the game itself offered it as legal."""


@dataclass(frozen=True, slots=True)
class Moves:
    """Draws the message of a slot: a function of seed, episode seed, slot and state, not of the order of slots."""

    seed: int = 0
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict[str, "Sequence[str]"])
    """Texts by role, which come before the game's own; see `read_moves`."""

    def draw(self, match: Match, slot: Slot) -> Move:
        """The next text of a slot of a match.

        Raises:
            GameError: The game offers something else than a text, or its episode does not end.
        """
        if len(match.applied) >= MAX_MESSAGES:
            raise GameError(f"the episode of seed {match.start.seed} is not over after {MAX_MESSAGES} messages.")
        role, attempt, turn = slot
        rng = np.random.default_rng([self.seed, match.start.seed, attempt, turn, *role.encode()])
        if rng.random() < RANDOM_SHARES[match.start.seed % len(RANDOM_SHARES)]:
            return Move(random_text(rng), promised=False)
        return self.legal(match, slot, rng)

    def legal(self, match: Match, slot: Slot, rng: np.random.Generator) -> Move:
        """A text of the file or of the game; random text where neither has one."""
        listed = self.lines.get(slot.role, ())
        if listed:
            in_order = match.start.seed % 2 == 0
            number = (
                sum(message.slot[:2] == slot[:2] for message in match.applied) if in_order else int(rng.integers(len(listed)))
            )
            return Move(listed[number % len(listed)], promised=False)
        text: Any = match.game.sample_action(slot, rng)
        if text is not None and not isinstance(text, str):
            raise GameError(f"sample_action gave {text!r:.40}, of type {type(text).__name__}; return a str, or None.")
        return Move(random_text(rng), promised=False) if text is None else Move(text, promised=True)


def random_text(rng: np.random.Generator) -> str:
    """Text as an untrained model might write it."""
    if rng.random() < 0.5:
        return PHRASES[int(rng.integers(len(PHRASES)))]
    return UnicodeText(seed=rng).sample()


def read_moves(path: Path, game: Game) -> dict[str, list[str]]:
    r"""The moves of a file of JSON lines, `{"role": "first", "text": "..."}`, by role.

    A player plays those of its role one after another, in every second episode, and in the others one at random.

    Raises:
        UsageError: The file is missing, or a line is not such a move; names the line.
    """
    if not path.is_file():
        raise UsageError(f'moves={str(path)!r} is not a file; pass one of lines {{"role": ROLE, "text": TEXT}}.')

    def read(row: Any) -> tuple[str, str]:
        role, text = row["role"], row["text"]
        if role not in game.roles or not isinstance(text, str):
            raise ValueError(f"role is one of {', '.join(game.roles)}, text a str")
        return role, text

    moves: dict[str, list[str]] = {}
    for role, text in read_json_lines(path, read, 'a move {"role": ROLE, "text": TEXT}'):
        moves.setdefault(role, []).append(text)
    return moves


class MovesPlayer:
    """Plays the moves of `Moves`, and remembers in which slots the game had promised that the move is legal."""

    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        self.promised: set[tuple[int, Slot]] = set()
        """(Seed of the episode, slot)."""

    def __call__(self, prompts: Sequence[PendingPrompt]) -> list[Reply]:
        """One reply per prompt, in order; raises as `Moves.draw`."""
        moves = [self._moves.draw(prompt.match, prompt.slot) for prompt in prompts]
        for prompt, move in zip(prompts, moves, strict=True):
            if move.promised:
                self.promised.add((prompt.match.start.seed, prompt.slot))
        return [Reply(text=move.text) for move in moves]


class MovesSpace(UnicodeText):
    """Action space whose samples are the moves of `Moves` for the slot that is to act: for checks that play by themselves."""

    def __init__(self, moves: Moves, match: Callable[[], Match | None]) -> None:
        super().__init__()
        self._moves = moves
        self._match = match

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Legal, three times out of four, where somebody is to act; else random text."""
        match = self._match()
        slot = next(iter(match.waiting), None) if match is not None else None
        if match is None or slot is None or self.np_random.random() < 0.25:
            return random_text(self.np_random)
        return self._moves.legal(match, slot, self.np_random).text
