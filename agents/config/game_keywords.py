"""Keywords of a run's games as a person types them, `learnability=variance`: typed and checked by the game's signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from selfplay_envs import Game
from selfplay_envs.core.text import did_you_mean
from selfplay_envs.games.style import STYLES, check_style
from selfplay_envs.names.options import parameters_of, typed_options
from selfplay_envs.names.registration import game_spec, load_game

from .run import GameMix

FULL = "full"
"""The style that every game with styles has."""


def keywords_of(env_id: str) -> dict[str, Any]:
    """Every keyword that a game takes, with the value it has where none is given (`inspect.Parameter.empty`: it must be).

    Raises:
        UsageError: The game is not registered, or does not load.
    """
    registered = {name: value for name, value in game_spec(env_id).kwargs.items() if name != "game"}
    return {one.name: one.default for one in parameters_of(_class_of(env_id)).values()} | registered


def set_keywords(mix: GameMix, given: Mapping[str, str]) -> GameMix:
    """`mix` with keywords set from texts; an empty text takes the keyword out, so that the game's own default holds.

    Raises:
        ValueError: The game does not take a keyword, or a text is not of its type.
    """
    known = keywords_of(mix.env_id)
    kwargs = dict(mix.kwargs)
    for name, text in given.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"; it takes {', '.join(known) or 'none'}."
            raise ValueError(f"{mix.env_id} has no keyword {name!r}{hint}")
        if text:
            kwargs |= typed_options(_class_of(mix.env_id), {name: text}, f"{name}={text}", f"keyword of {mix.env_id}")
        else:
            kwargs.pop(name, None)
    return replace(mix, kwargs=kwargs)


def fit_keywords(mix: GameMix, inherited: Mapping[str, Any]) -> tuple[GameMix, list[str]]:
    """`mix` without those of the keywords `inherited` from another game that its own game does not take; and their names."""
    known = keywords_of(mix.env_id)
    dropped = [name for name in inherited if name in mix.kwargs and name not in known]
    return replace(mix, kwargs={name: value for name, value in mix.kwargs.items() if name not in dropped}), dropped


def wording_keyword(env_id: str) -> str:
    """The keyword of a game that holds its wording: `style`, or `prompt` of fixed problems; empty: it has none."""
    game, keywords = _class_of(env_id), keywords_of(env_id)
    if keywords.get("style") in (game.styles or STYLES):  # a game of before may have the built-in styles without naming them
        return "style"
    return "prompt" if game.styles and "prompt" in keywords else ""


def with_style(style: str, env_id: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """`kwargs` with the wording `style`, where the game has it; a keyword `style` that is another thing stays.

    Fixed problems in `full` are worded as their source says, and a template of one's own stays.
    """
    keyword, styles = wording_keyword(env_id), _class_of(env_id).styles or STYLES
    if not keyword or style not in styles:
        return dict(kwargs)
    if keyword == "prompt":
        if kwargs.get("prompt", "") not in ("", *styles):
            return dict(kwargs)
        style = "" if style == FULL else style
    return {**kwargs, keyword: style}


def check_wording(style: str, env_ids: Iterable[str]) -> None:
    """Refuses the name of a style that neither the built-in games have nor one of these.

    Raises:
        UsageError: It is such a name, or a game is not registered or does not load.
    """
    own = [name for env_id in env_ids for name in _class_of(env_id).styles]
    check_style(style, tuple(dict.fromkeys((*STYLES, *own))))


def _class_of(env_id: str) -> type[Game]:
    return load_game(str(game_spec(env_id).kwargs["game"]))
