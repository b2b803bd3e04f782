"""Calls the methods of a game and checks what they return: a slip of its author is one sentence that names the method."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from numbers import Real
from typing import Any, cast

from ..core.errors import GameError
from ..core.game import Game, Judging, Settling, Verdict
from ..core.messages import Message, Slot
from ..tasks.duplicates import proposal_key


def prompts(game: Game) -> dict[Slot, tuple[Message, ...]]:
    """The slots that may act now, each with the chat it is shown.

    Raises:
        GameError: `pending` returned something other than slots, or `prompt` something other than messages.
    """
    slots: Any = game.pending()
    if not isinstance(slots, tuple | list) or not all(isinstance(slot, Slot) for slot in slots):
        raise broken(game, "pending", slots, "return a tuple of Slot(role, attempt, turn), empty once the episode is over")
    return {slot: _prompt(game, slot) for slot in slots}


def _prompt(game: Game, slot: Slot) -> tuple[Message, ...]:
    messages: Any = game.prompt(slot)
    if not isinstance(messages, tuple | list) or not messages or not all(isinstance(message, Message) for message in messages):
        raise broken(game, "prompt", messages, 'return a tuple of Message, such as (Message("user", "..."),)')
    return cast(tuple[Message, ...], messages)


def judging(game: Game, slot: Slot, text: str, finish_reason: str) -> Judging:
    """The judging of a message, whether `judge` yields requests or returns its verdict at once.

    Raises:
        GameError: It returns something other than a verdict.
    """
    result: Any = game.judge(slot, text, finish_reason)
    verdict: Any = (yield from result) if isinstance(result, Generator) else result
    if not isinstance(verdict, Verdict):
        raise broken(game, "judge", verdict, "return a Verdict")
    return verdict


def settling(game: Game) -> Settling:
    """The end of a turn, whether `settle` yields requests or returns at once.

    Raises:
        GameError: It returns something other than None or a generator.
    """
    result: Any = game.settle()
    if isinstance(result, Generator):
        yield from result
    elif result is not None:
        raise broken(game, "settle", result, "yield requests, or return None")


def proposal(game: Game) -> tuple[Mapping[str, Any] | None, str]:
    """The new task of an episode and the key that makes it new; None and an empty text where there is none.

    Raises:
        GameError: `proposed` is something other than a mapping of JSON types.
    """
    proposed: Any = game.proposed
    if proposed is None:
        return None, ""
    remedy = "return a mapping of JSON types, or None"
    if not isinstance(proposed, Mapping):
        raise broken(game, "proposed", proposed, remedy)
    task = cast(Mapping[str, Any], proposed)
    try:
        return task, proposal_key(game, task)
    except Exception as error:
        reason = f"no proposal_key can be made of it ({type(error).__name__})"
        raise broken(game, "proposed", task, f"{reason}; {remedy}") from error


def check_credit(game: Game, slots: Iterable[Slot], env_id: str) -> None:
    """Checks that a game that is over gave credit to every message that was applied.

    Raises:
        GameError: A credit is missing or no finite number, or a key of `outcome` is not a (role, attempt).
    """
    for slot in slots:
        if slot not in game.credit:
            raise GameError(f"{env_id} ended without credit for {slot}; fill `credit` in apply or settle.")
        credit: Any = game.credit[slot]
        if not isinstance(credit, Real) or not math.isfinite(credit):
            raise GameError(f"{env_id} pays {credit!r:.80} for {slot}; a credit is a finite number.")
    for key in game.outcome:
        seat: Any = key
        if not (isinstance(seat, tuple) and len(seat) == 2):  # pyright: ignore[reportUnknownArgumentType]
            raise GameError(f"{env_id} has the key {seat!r:.80} in `outcome`; a key is (role, attempt).")


def broken(game: Game, method: str, result: object, remedy: str) -> GameError:
    """The error of a method that returned something else than its protocol says."""
    return GameError(f"{type(game).__name__}.{method} gave {result!r:.80}, of type {type(result).__name__}; {remedy}.")
