"""Gold replies under test, through the real game: each is right, and exchanged for an unequal one it is not.

Unequal ones are the gold replies of other tasks, and those of `Game.sample_action`, which are of the right form. Some may be
right as well: other tasks have the same answer in other words, and another input may give the same output. So a verifier fails
that finds every one of them right, and how many it did is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, Literal

import numpy as np

from ..core.errors import UsageError
from ..core.game import Game, Verdict
from ..core.messages import Slot
from ..core.records import Reply
from ..names.registration import answering_roles, make_game
from ..play.match import Match, Start, advance
from ..play.referee import Referee

BATCH = 16
"""Tasks that are judged together."""
EXCHANGED = 3
"""Replies of other tasks that a gold reply is exchanged for at most, and as many of the game's own."""
FIRST = 3
"""Replies that are judged first: the gold one and two others."""
KEPT = 8
"""Gold replies of earlier tasks that a task may be given, so that a last task is not alone."""
DRAWS = 8
"""How often the game is asked for a reply other than the gold one."""


@dataclass(frozen=True, slots=True)
class GoldCheck:
    """What became of one task."""

    name: str
    """The task's `id`, or its number, from 1."""
    result: Literal["holds", "fails", "void", "no gold"]
    reason: str = ""
    """Why it fails or is void."""
    refused: int = 0
    """Replies in the place of the gold one that were not right."""
    equal: int = 0
    """Those that were right as well."""


@dataclass(frozen=True, slots=True)
class _Posed:
    name: str
    start: Start
    game: Game
    slot: Slot
    gold: str | None


def check_gold(
    env_id: str, tasks: Iterable[Mapping[str, Any]], referee: Referee, kwargs: Mapping[str, Any] | None = None
) -> Iterator[list[GoldCheck]]:
    """Plays the gold reply of every task, and what it is exchanged for, as the attempts of one panel.

    A task holds if its gold reply is right and some exchanged one is not, or if there is nothing to exchange it for. A few
    tasks are in memory at a time.

    Args:
        env_id: A game that answers tasks and has a keyword `attempts`.
        tasks: Each fits `options={"task": ...}`.
        referee: Judges.
        kwargs: Keywords of the game, but `attempts`.

    Yields:
        The results of a few tasks at a time, one per task, in order.

    Raises:
        UsageError: A task does not start the game, or there is none, or the game has no role that answers.
    """
    if not answering_roles([env_id]):
        raise UsageError(f"{env_id} has no role that answers a task, so that nothing in it is right or wrong.")
    earlier: deque[str] = deque(maxlen=KEPT)
    count = 0
    numbered = enumerate(tasks, 1)
    while batch := list(islice(numbered, BATCH)):
        posed = [_pose(env_id, number, task, dict(kwargs or {})) for number, task in batch]
        yield _check(posed, list(earlier), referee)
        earlier.extend(one.gold for one in posed if one.gold is not None)
        count += len(posed)
    if not count:
        raise UsageError(f"There is no task of {env_id} whose gold reply could be checked; name a source or a file with some.")


def _pose(env_id: str, number: int, task: Mapping[str, Any], kwargs: dict[str, Any]) -> _Posed:
    """A task's game, started, and its gold reply."""
    name = str(task.get("id") or f"task {number}")
    start = Start(env_id, number, kwargs, {"task": task})
    game = make_game(env_id, **kwargs, attempts=1)
    try:
        match = Match(start, game)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from error
    slot = next((slot for slot in match.waiting if slot.role in game.answers), None)
    if slot is None:
        raise UsageError(f"{name}: {env_id} does not begin with an answer to it; see what its reset does with options['task'].")
    return _Posed(name, start, game, slot, game.gold_reply(slot))


def _check(posed: Sequence[_Posed], earlier: Sequence[str], referee: Referee) -> list[GoldCheck]:
    """The results of tasks that are judged together: two exchanged replies first, more where those are all right."""
    replies = [_replies(posed, place, earlier) for place in range(len(posed))]
    verdicts = _judged(posed, [texts[:FIRST] for texts in replies], referee)
    accepted = [bool(said[1:]) and all(map(_is_right, said[1:])) for said in verdicts]
    further = [texts[FIRST:] if again else [] for texts, again in zip(replies, accepted, strict=True)]
    more = _judged(posed, further, referee)
    return [_result(one.name, [*said, *rest]) for one, said, rest in zip(posed, verdicts, more, strict=True)]


def _judged(posed: Sequence[_Posed], replies: Sequence[Sequence[str]], referee: Referee) -> list[list[Verdict]]:
    """The verdicts on replies to each task, which are the attempts of one panel."""
    actions: list[tuple[Match, Slot, Reply]] = []
    for one, texts in zip(posed, replies, strict=True):
        if texts:
            kwargs = {**one.start.kwargs, "attempts": len(texts)}
            match = Match(Start(one.start.env_id, one.start.seed, kwargs, one.start.options))
            slots = [slot for slot in match.waiting if slot.role == one.slot.role]
            actions += [(match, slot, Reply(text=text)) for slot, text in zip(slots, texts, strict=True)]
    verdicts = iter(advance(actions, referee))
    return [list(islice(verdicts, len(texts))) for texts in replies]


def _replies(posed: Sequence[_Posed], place: int, earlier: Sequence[str]) -> list[str]:
    """The gold reply of a task and what it is exchanged for, others' and the game's own in turn; none without gold."""
    one = posed[place]
    if one.gold is None:
        return []
    gold = [other.gold for other in (*posed[place + 1 :], *posed[:place])]
    others = dict.fromkeys(text for text in (*gold, *reversed(earlier)) if text is not None and text != one.gold)
    rng = np.random.default_rng(one.start.seed)
    draws = [one.game.sample_action(one.slot, rng) for _ in range(DRAWS)]
    own = dict.fromkeys(text for text in draws if text is not None and text != one.gold and text not in others)
    in_turn = zip_longest(islice(others, EXCHANGED), islice(own, EXCHANGED))
    return [one.gold, *(text for pair in in_turn for text in pair if text is not None)]


def _result(name: str, verdicts: Sequence[Verdict]) -> GoldCheck:
    if not verdicts:
        return GoldCheck(name, "no gold")
    gold, *exchanged = verdicts
    known = [verdict for verdict in exchanged if not verdict.void]
    equal = sum(map(_is_right, known))
    refused = len(known) - equal
    if gold.void:
        return GoldCheck(name, "void", gold.reason, refused, equal)
    if not _is_right(gold):
        return GoldCheck(name, "fails", f"the gold reply is not right: {gold.reason}", refused, equal)
    if equal and not refused:
        return GoldCheck(name, "fails", f"all {equal} replies in the place of the gold one are right too", refused, equal)
    return GoldCheck(name, "holds", "", refused, equal)


def _is_right(verdict: Verdict) -> bool:
    return verdict.valid and verdict.score == 1.0
