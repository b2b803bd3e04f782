"""Replays recorded episodes: with the recorded verdicts, or with those that sandbox and judges give now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import GameError, UsageError
from ..core.records import Episode, Reply
from . import game_calls
from .episodes import play_episode
from .match import Match, PendingPrompt, Start
from .referee import Referee


@dataclass(frozen=True, slots=True)
class Difference:
    """One message whose replay disagrees with its record."""

    message: int
    field: str
    recorded: object
    replayed: object


def replay(episode: Episode) -> Episode:
    """The episode that the game makes of the recorded replies, verdicts and settle results; no sandbox, no judge.

    Raises:
        UsageError: The game is not registered, or no longer takes its keywords or options.
        GameError: The record does not fit the game: another slot was to act.
    """
    match = Match(Start(episode.env_id, episode.seed, episode.kwargs, episode.options, episode.name))
    turns = iter(episode.settled)
    for index, turn in enumerate(episode.messages):
        if turn.slot not in match.waiting:
            raise GameError(f"message {index} of the record is by {tuple(turn.slot)}, who is not to act; was the game changed?")
        match.apply(turn.slot, turn.reply, turn.verdict)
        if not match.waiting:
            results = next(turns, ())
            if match.abandoned:
                match.abandon(match.abandoned)
            else:
                _feed(match, list(results))
            match.close_turn(results)
    return match.episode(episode.backend)


def _feed(match: Match, results: list[object]) -> None:
    """Runs the game's settle to its end, answering its requests from the record."""
    generator = game_calls.settling(match.game)
    try:
        requests = next(generator)
        while True:
            sent, results = results[: len(requests)], results[len(requests) :]
            if len(sent) < len(requests):
                raise GameError("settle asked for more than was recorded; was the game changed?")
            requests = generator.send(sent)
    except StopIteration:
        return


def rejudge(episode: Episode, referee: Referee) -> Episode:
    """The episode that the same replies give with the verdicts of sandbox and judges as they are now.

    Raises:
        UsageError: The game needs a judge that `referee` has not, such as `self`, whose model only a run holds; or the record
            ends early, because it was void then, and now the game would go on.
    """
    turns = iter(episode.messages)

    def act(prompts: list[PendingPrompt]) -> list[Reply]:
        replies = [turn.reply for _, turn in zip(prompts, turns, strict=False)]
        if len(replies) < len(prompts):
            raise UsageError(
                f"the episode of {episode.env_id} with seed {episode.seed} ended without a result "
                f"({episode.messages[-1].void or 'cut off'}) and nobody said more; play it again instead of judging it again."
            )
        return replies

    return play_episode(Start(episode.env_id, episode.seed, episode.kwargs, episode.options, episode.name), act, referee)


def _plain(value: Any) -> Any:
    """`value` as its own JSON reads: a record knows no tuples."""
    return json.loads(json.dumps(value))


def differences(recorded: Episode, replayed: Episode) -> list[Difference]:
    """Where two plays of an episode disagree: slot, verdict, credit or void of a message, their number (index -1)."""
    result: list[Difference] = []
    if len(recorded.messages) != len(replayed.messages):
        result.append(Difference(-1, "messages", len(recorded.messages), len(replayed.messages)))
    for index, (old, new) in enumerate(zip(recorded.messages, replayed.messages, strict=False)):
        pairs: Sequence[tuple[str, object, object]] = (
            ("slot", old.slot, new.slot),
            ("verdict", _plain(old.verdict.to_json()), _plain(new.verdict.to_json())),
            ("credit", old.credit, new.credit),
            ("void", old.void, new.void),
        )
        result += [Difference(index, field, a, b) for field, a, b in pairs if a != b]
    if dict(recorded.outcome) != dict(replayed.outcome):
        result.append(Difference(-1, "outcome", recorded.outcome, replayed.outcome))
    return result
