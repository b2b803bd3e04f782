"""Keywords of games on the command line, taken out before the parser, which knows only those that a preset happens to hold.

--games.0.kwargs learnability=variance extreme_credit=0    of one game, by its place among the games
--games.0.kwargs.learnability variance                     the same
--game-kwargs learnability=variance style=                 of every game that takes them; nothing behind `=` takes one out
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..config import GameMix, TrainConfig
from ..game_keywords import keywords_of, set_keywords

ONE_GAME = re.compile(r"--games\.(\d+)\.kwargs(?:\.(?P<name>[^.=]+))?")
ALL_GAMES = ("--game-kwargs", "--game_kwargs")


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword as typed; `game` is its place among the games, None for all."""

    game: int | None
    name: str
    text: str


def take_keywords(args: Sequence[str]) -> tuple[list[Keyword], list[str]]:
    """The keywords of games among the arguments, in order, and all other arguments.

    Raises:
        ValueError: A keyword has no value.
    """
    found: list[Keyword] = []
    kept: list[str] = []
    place = 0
    while place < len(args):
        flag, equals, value = args[place].partition("=")
        place += 1
        one = ONE_GAME.fullmatch(flag)
        if one is None and flag not in ALL_GAMES:
            kept.append(args[place - 1])
            continue
        end = next((i for i in range(place, len(args)) if args[i].startswith("--")), len(args))
        words = [*([value] if equals else []), *args[place:end]]
        if one is not None and one["name"]:
            words = [one["name"], *words]
        game = int(one[1]) if one is not None else None
        found += [Keyword(game, name.replace("-", "_"), text) for name, text in _pairs(flag, words)]
        place = end
    return found, kept


def apply_keywords(config: TrainConfig, keywords: Sequence[Keyword]) -> TrainConfig:
    """The run with the keywords set in its games.

    Raises:
        ValueError: No game stands at that place, none takes that keyword, or its value is not of its type.
    """
    games = list(config.games)
    for one in keywords:
        if one.game is not None and one.game >= len(games):
            raise ValueError(
                f"--games.{one.game}.kwargs names a game that is not there; the last one is --games.{len(games) - 1}."
            )
        places = range(len(games)) if one.game is None else [one.game]
        takers = [place for place in places if one.name in keywords_of(games[place].env_id)]
        for place in takers or places:  # where none takes it, the first one says so
            games[place] = _set(games[place], one)
    return replace(config, games=tuple(games))


def _set(mix: GameMix, one: Keyword) -> GameMix:
    if not one.text and one.name in mix.kwargs:  # out it goes, also where the game does not take it
        return replace(mix, kwargs={name: value for name, value in mix.kwargs.items() if name != one.name})
    return set_keywords(mix, {one.name: one.text})


def _pairs(flag: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """`NAME=VALUE` and `NAME VALUE` as pairs."""
    pairs: list[tuple[str, str]] = []
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not equals:
            if not rest:
                raise ValueError(f"{flag}: {name!r} has no value; write {name}=VALUE, or {name}= to take it out.")
            value = rest.pop(0)
        pairs.append((name, value))
    if not pairs:
        raise ValueError(f"{flag} names no keyword; write {flag} NAME=VALUE.")
    return pairs
