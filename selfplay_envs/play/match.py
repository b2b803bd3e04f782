"""A `Match` is one game in progress; `advance` moves many of them by one message each.

The three views and the trainer's collector all drive games through `advance`; there is no second rule for who acts
when, when `settle` runs, or how credit is recorded.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.arguments import check_options, seed_number
from ..core.errors import GameError, ResetNeeded
from ..core.game import Game, Judging, Request, Result, Verdict
from ..core.hashing import short_hash
from ..core.messages import Message, Slot
from ..core.records import Episode, Reply, Turn
from ..core.text import clean_text
from ..names.registration import make_game
from . import game_calls
from .referee import Referee


@dataclass(frozen=True, slots=True)
class Start:
    """The start of an episode: its game, keywords, seed and options."""

    env_id: str
    seed: int
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    name: str = ""
    """Name of the game in a run, which is its task type in groups and metrics then; empty: it has none but its env id."""


@dataclass(frozen=True, slots=True)
class PendingPrompt:
    """One prompt that waits for a reply."""

    match: Match
    slot: Slot
    messages: tuple[Message, ...]
    episode: int = 0
    """Place of its match among those that are played together."""


@dataclass(slots=True)
class _Applied:
    """One message that was applied."""

    slot: Slot
    task_id: str
    messages: tuple[Message, ...]
    reply: Reply
    verdict: Verdict


class Match:
    """One game in progress, with the record of its messages so far."""

    def __init__(self, start: Start, game: Game | None = None) -> None:
        """Empties and resets the game (made from `start` unless given) with a generator of its own.

        Raises:
            UsageError: The id, a keyword or an option is wrong.
        """
        self.start = start
        self.game = make_game(start.env_id, **start.kwargs) if game is None else game
        self.game.credit.clear()
        self.game.outcome.clear()
        self.game.void.clear()
        options = check_options(start.options, self.game)
        self.game.reset(np.random.Generator(np.random.PCG64(seed_number(start.seed))), options)
        self.applied: list[_Applied] = []
        self.settled: list[tuple[Result, ...]] = []
        self.waiting: dict[Slot, tuple[Message, ...]] = {}
        self.abandoned = ""
        """Why the match ended without a result; nobody is charged then."""
        self.open_turn()

    def open_turn(self) -> None:
        """Reads from the game who may act now and what they are shown."""
        self.waiting = game_calls.prompts(self.game)

    @property
    def done(self) -> bool:
        """Whether nobody is to act any more."""
        return not self.waiting

    def pending_prompts(self, episode: int = 0) -> list[PendingPrompt]:
        """Every prompt that waits for a reply, in slot order; `episode` as in `PendingPrompt`."""
        return [PendingPrompt(self, slot, messages, episode) for slot, messages in self.waiting.items()]

    def asks(self) -> list[PendingPrompt]:
        """Deprecated name of `pending_prompts`."""
        warnings.warn("Match.asks is now Match.pending_prompts.", DeprecationWarning, stacklevel=2)
        return self.pending_prompts()

    def apply(self, slot: Slot, reply: Reply, verdict: Verdict) -> None:
        """Records the message and lets the game change its state, or go on without the message where its verdict is void."""
        messages = self.waiting.pop(slot)
        self.applied.append(_Applied(slot, self.game.task_id, messages, reply, verdict))
        if verdict.void:
            self._skip(slot, verdict)
        elif not self.abandoned:
            self.game.apply(slot, clean_text(reply.text), verdict)

    def void_last(self, reason: str) -> None:
        """Turns the last message, which the game could not apply, into a void one."""
        last = self.applied[-1]
        last.verdict = Verdict.nothing(reason)
        self._skip(last.slot, last.verdict)

    def close_turn(self, results: tuple[Result, ...]) -> None:
        """Ends a turn whose messages are all applied, with the results that `settle` was sent; opens the next."""
        self.settled.append(results)
        if not self.abandoned:
            self.open_turn()

    def abandon(self, reason: str) -> None:
        """Ends the match: every message of it is void."""
        self.abandoned = reason
        self.waiting = {}
        self.game.outcome.clear()
        for message in self.applied:
            self.game.void.setdefault(message.slot, reason)
            self.game.credit[message.slot] = 0.0

    def _skip(self, slot: Slot, verdict: Verdict) -> None:
        self.game.void[slot] = verdict.reason
        self.game.credit[slot] = 0.0
        if self.abandoned or not self.game.skip(slot, verdict):
            self.abandoned = self.abandoned or verdict.reason

    def episode(self, backend: Mapping[str, str]) -> Episode:
        """The record of a finished match.

        Raises:
            GameError: The match is not over, the game gave a message no credit, or one that is no number, or it proposes
                something other than a mapping of JSON types.
        """
        if not self.done:
            raise GameError(f"{self.start.env_id} is not over: {len(self.waiting)} messages are still awaited.")
        game_calls.check_credit(self.game, [message.slot for message in self.applied], self.start.env_id)
        turns = tuple(
            Turn(
                slot=message.slot,
                task_type=self.start.name or self.game.task_type,
                prompt_id=short_hash([self.start.env_id, message.messages]),
                task_id=message.task_id,
                messages=message.messages,
                reply=message.reply,
                verdict=message.verdict,
                credit=self.game.credit[message.slot],
                masked=message.slot in self.game.void,
                void=self.game.void.get(message.slot, ""),
            )
            for message in self.applied
        )
        proposed, key = (None, "") if self.abandoned else game_calls.proposal(self.game)
        return Episode(
            env_id=self.start.env_id,
            kwargs=self.start.kwargs,
            seed=self.start.seed,
            options=self.start.options,
            messages=turns,
            outcome=dict(self.game.outcome),
            settled=tuple(self.settled),
            proposed=proposed,
            proposal_key=key,
            name=self.start.name,
            backend=backend,
        )


def advance(actions: Sequence[tuple[Match, Slot, Reply]], referee: Referee) -> list[Verdict]:
    """Judges one message per (match, slot) in lock-step, applies them in order, settles the turns that are complete.

    Returns:
        One verdict per action, in order.

    Raises:
        ResetNeeded: A slot is not waiting for a message.
    """
    for match, slot, _ in actions:
        if slot not in match.waiting:
            raise ResetNeeded(
                f"slot={tuple(slot)} is not to act in {match.start.env_id}; call reset, or reply to a pending slot."
            )
    judged = referee.answer([judging(match, slot, reply, referee) for match, slot, reply in actions])
    verdicts: list[Verdict] = []
    for (match, slot, reply), answered in zip(actions, judged, strict=True):
        try:
            match.apply(slot, reply, answered.value)
        except Exception as error:
            match.void_last(referee.caught(error))
        verdicts.append(match.applied[-1].verdict)
    complete = [match for match in dict.fromkeys(match for match, _, _ in actions) if not match.waiting]
    for match, answered in zip(complete, referee.answer([_settle(match) for match in complete], str), strict=True):
        try:
            if isinstance(answered.value, str):
                match.abandon(answered.value)
            match.close_turn(answered.results)
        except Exception as error:
            match.abandon(referee.caught(error))
    return verdicts


def judging(match: Match, slot: Slot, reply: Reply, referee: Referee) -> Judging:
    """The game's verdict on a message; invalid where others would have to be shown a text that cannot be shown."""
    verdict = yield from game_calls.judging(match.game, slot, clean_text(reply.text), reply.finish_reason)
    if verdict.valid and not referee.can_be_shown(verdict.data):
        return Verdict(valid=False, reason="special_token", train=verdict.train)
    return verdict


def _settle(match: Match) -> Generator[list[Request], list[Any], str | None]:
    """Settles a turn; returns the reason where the match is over without a result."""
    if match.abandoned:
        return match.abandoned
    yield from game_calls.settling(match.game)
    return None
