"""Plays games: a `Match` is one game in progress, `advance` moves many by one message each, `play_episodes` runs them out.

The three views and the trainer's collector all drive games through `advance`; there is no second rule for who acts
when, when `settle` runs, or how credit is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import protocol
from .arguments import check_options, seed_number
from .errors import GameError, ResetNeeded
from .game import Game, Judging, Message, Request, Result, Slot, Verdict, short_hash
from .records import Episode, Played, Reply
from .referee import Referee
from .registration import make_game
from .spaces import clean_text


@dataclass(frozen=True, slots=True)
class Start:
    """How an episode begins: which game, with which keywords, seed and options."""

    env_id: str
    seed: int
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt that waits for a reply."""

    match: Match
    slot: Slot
    messages: tuple[Message, ...]


@dataclass(slots=True)
class _Applied:
    slot: Slot
    task_id: str
    messages: tuple[Message, ...]
    reply: Reply
    verdict: Verdict


class Match:
    """One game in progress, with the record of what was said so far."""

    def __init__(self, start: Start, game: Game | None = None) -> None:
        """Resets the game (made from `start` unless given) with a generator of its own.

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
        """Asks the game who may act now and what they are shown."""
        self.waiting = protocol.prompts(self.game)

    @property
    def done(self) -> bool:
        """Whether nobody is to act any more."""
        return not self.waiting

    def asks(self) -> list[Ask]:
        """Every prompt that waits for a reply, in slot order."""
        return [Ask(self, slot, messages) for slot, messages in self.waiting.items()]

    def apply(self, slot: Slot, reply: Reply, verdict: Verdict) -> None:
        """Records the message and lets the game change its state, or go on without the message where its verdict is void."""
        messages = self.waiting.pop(slot)
        self.applied.append(_Applied(slot, self.game.task_id, messages, reply, verdict))
        if verdict.void:
            self._skip(slot, verdict)
        elif not self.abandoned:
            self.game.apply(slot, clean_text(reply.text), verdict)

    def unsay(self, reason: str) -> None:
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
        """Ends the match: everything said in it is void."""
        self.abandoned = reason
        self.waiting = {}
        self.game.outcome.clear()
        for done in self.applied:
            self.game.void.setdefault(done.slot, reason)
            self.game.credit[done.slot] = 0.0

    def _skip(self, slot: Slot, verdict: Verdict) -> None:
        self.game.void[slot] = verdict.reason
        self.game.credit[slot] = 0.0
        if self.abandoned or not self.game.skip(slot, verdict):
            self.abandoned = self.abandoned or verdict.reason

    def episode(self, backend: Mapping[str, str]) -> Episode:
        """The record of a finished match.

        Raises:
            GameError: The match is not over, or the game paid nothing, or no number, for a message.
        """
        if not self.done:
            raise GameError(f"{self.start.env_id} is not over: {len(self.waiting)} messages are still awaited.")
        protocol.check_payment(self.game, [done.slot for done in self.applied], self.start.env_id)
        played = tuple(
            Played(
                slot=done.slot,
                task_type=self.game.task_type,
                prompt_id=short_hash([self.start.env_id, done.messages]),
                task_id=done.task_id,
                messages=done.messages,
                reply=done.reply,
                verdict=done.verdict,
                credit=self.game.credit[done.slot],
                masked=done.slot in self.game.void,
                void=self.game.void.get(done.slot, ""),
            )
            for done in self.applied
        )
        return Episode(
            env_id=self.start.env_id,
            kwargs=self.start.kwargs,
            seed=self.start.seed,
            options=self.start.options,
            messages=played,
            outcome=dict(self.game.outcome),
            settled=tuple(self.settled),
            proposed=None if self.abandoned else self.game.proposed,
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
            match.unsay(referee.caught(error))
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
    """The game's verdict on a message; refused where others would have to be shown what cannot be shown."""
    verdict = yield from protocol.judging(match.game, slot, clean_text(reply.text), reply.finish_reason)
    if verdict.valid and not referee.can_be_shown(verdict.data):
        return Verdict(valid=False, reason="special_token", train=verdict.train)
    return verdict


def _settle(match: Match) -> Generator[list[Request], list[Any], str | None]:
    """Settles a turn; returns why the match is over without a result, if it is."""
    if match.abandoned:
        return match.abandoned
    yield from protocol.settling(match.game)
    return None


def play_episodes(
    starts: Sequence[Start],
    act: Callable[[list[Ask]], Sequence[Reply]],
    referee: Referee,
    on_round: Callable[[int, int], None] | None = None,
) -> list[Episode]:
    """Plays every start to its end; each round asks `act` once for all pending slots of all games.

    Args:
        starts: One per episode.
        act: Answers a list of asks, in order; the collector routes roles to policies here.
        referee: Whose sandbox and judge answer the games.
        on_round: Called with (finished, total) episodes after each round, for a progress display.

    Returns:
        One episode per start, in order.
    """
    matches = [Match(start) for start in starts]
    while asks := [ask for match in matches for ask in match.asks()]:
        replies = act(asks)
        advance([(ask.match, ask.slot, reply) for ask, reply in zip(asks, replies, strict=True)], referee)
        if on_round is not None:
            on_round(sum(match.done for match in matches), len(matches))
    return [match.episode(referee.backend) for match in matches]


def play_episode(start: Start, act: Callable[[list[Ask]], Sequence[Reply]], referee: Referee) -> Episode:
    """Plays one game to its end; `play_episodes` for one start."""
    return play_episodes([start], act, referee)[0]
