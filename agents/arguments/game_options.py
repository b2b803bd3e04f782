"""Keywords of games on the command line, taken out before the parser, which knows only those that a preset happens to hold.

--games.0.kwargs learnability=variance extreme_credit=0    of one game, by its place among the games
--games.0.kwargs.learnability variance                     the same
--game-kwargs learnability=variance style=                 of every game that takes them; nothing behind `=` takes one out
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..config.game_keywords import keywords_of, set_keywords
from ..config.run import GameMix, TrainConfig

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
    keywords: list[Keyword] = []
    others: list[str] = []
    index = 0
    while index < len(args):
        flag, equals, value = args[index].partition("=")
        index += 1
        one_game = ONE_GAME.fullmatch(flag)
        if one_game is None and flag not in ALL_GAMES:
            others.append(args[index - 1])
            continue
        end = next((i for i in range(index, len(args)) if args[i].startswith("--")), len(args))
        words = [*([value] if equals else []), *args[index:end]]
        if one_game is not None and one_game["name"]:
            words = [one_game["name"], *words]
        game = int(one_game[1]) if one_game is not None else None
        keywords += [Keyword(game, name.replace("-", "_"), text) for name, text in _pairs(flag, words)]
        index = end
    return keywords, others


def apply_keywords(config: TrainConfig, keywords: Sequence[Keyword]) -> TrainConfig:
    """The run with the keywords set in its games.

    Raises:
        ValueError: No game stands at that place, none takes that keyword, or its value is not of its type.
    """
    games = list(config.games)
    for keyword in keywords:
        if keyword.game is not None and keyword.game >= len(games):
            raise ValueError(
                f"--games.{keyword.game}.kwargs names a game that is not there; the last one is --games.{len(games) - 1}."
            )
        places = range(len(games)) if keyword.game is None else [keyword.game]
        takers = [place for place in places if keyword.name in keywords_of(games[place].env_id)]
        for place in takers or places:  # where none takes it, the first one says so
            games[place] = _set(games[place], keyword)
    return replace(config, games=tuple(games))


def _set(mix: GameMix, keyword: Keyword) -> GameMix:
    if not keyword.text and keyword.name in mix.kwargs:  # removed, also where the game does not take it
        return replace(mix, kwargs={name: value for name, value in mix.kwargs.items() if name != keyword.name})
    return set_keywords(mix, {keyword.name: keyword.text})


def _pairs(flag: str, words: Sequence[str]) -> list[tuple[str, str]]:
    """`NAME=VALUE` and `NAME VALUE` as pairs."""
    pairs: list[tuple[str, str]] = []
    remaining = list(words)
    while remaining:
        name, equals, value = remaining.pop(0).partition("=")
        if not equals:
            if not remaining:
                raise ValueError(f"{flag}: {name!r} has no value; write {name}=VALUE, or {name}= to take it out.")
            value = remaining.pop(0)
        pairs.append((name, value))
    if not pairs:
        raise ValueError(f"{flag} names no keyword; write {flag} NAME=VALUE.")
    return pairs
