"""Calls the methods of a game and looks at what they give back: a slip of its author is one sentence that names the method."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from numbers import Real
from typing import Any, cast

from .errors import GameError
from .game import Game, Judging, Message, Settling, Slot, Verdict


def prompts(game: Game) -> dict[Slot, tuple[Message, ...]]:
    """Who may act now, and what each of them is shown.

    Raises:
        GameError: `pending` gave something other than slots, or `prompt` something other than messages.
    """
    slots: Any = game.pending()
    if not isinstance(slots, tuple | list) or not all(isinstance(slot, Slot) for slot in slots):
        raise broken(game, "pending", slots, "return a tuple of Slot(role, attempt, turn), empty once the episode is over")
    return {slot: _prompt(game, slot) for slot in slots}


def _prompt(game: Game, slot: Slot) -> tuple[Message, ...]:
    messages: Any = game.prompt(slot)
    if not isinstance(messages, tuple | list) or not messages or not all(isinstance(one, Message) for one in messages):
        raise broken(game, "prompt", messages, 'return a tuple of Message, such as (Message("user", "..."),)')
    return cast(tuple[Message, ...], messages)


def judging(game: Game, slot: Slot, text: str, finish_reason: str) -> Judging:
    """What `judge` asks and finds.

    Raises:
        GameError: It is not a generator, or does not return a verdict.
    """
    asked: Any = game.judge(slot, text, finish_reason)
    if not isinstance(asked, Generator):
        raise broken(
            game, "judge", asked, "yield requests and return a Verdict, or, asking nothing, return no_requests(verdict)"
        )
    verdict: Any = yield from asked
    if not isinstance(verdict, Verdict):
        raise broken(game, "judge", verdict, "return a Verdict")
    return verdict


def settling(game: Game) -> Settling:
    """What `settle` asks.

    Raises:
        GameError: It is not a generator.
    """
    asked: Any = game.settle()
    if not isinstance(asked, Generator):
        raise broken(game, "settle", asked, "yield requests, or, asking nothing, `yield from ()`")
    yield from asked


def check_payment(game: Game, slots: Iterable[Slot], env_id: str) -> None:
    """Sees that a game that is over paid every message that was applied.

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
        of_seat: Any = key
        if not (isinstance(of_seat, tuple) and len(of_seat) == 2):  # pyright: ignore[reportUnknownArgumentType]
            raise GameError(f"{env_id} has the key {of_seat!r:.80} in `outcome`; a key is (role, attempt).")


def broken(game: Game, method: str, gave: object, remedy: str) -> GameError:
    """The error of a method that gave back something else than its protocol says."""
    return GameError(f"{type(game).__name__}.{method} gave {gave!r:.80}, of type {type(gave).__name__}; {remedy}.")
