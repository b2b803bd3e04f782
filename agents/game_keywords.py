"""Keywords of a run's games as a person types them, `learnability=variance`: typed and checked by the game's signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from selfplay_envs import Game
from selfplay_envs.loading import did_you_mean
from selfplay_envs.prompts import STYLES
from selfplay_envs.registration import game_spec, load_game
from selfplay_envs.text_options import parameters_of, typed_options

from .config import GameMix


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


def ask_in(style: str, env_id: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """`kwargs` with the wording `style`, where the game has our wordings; a `style` of its own that is another thing stays."""
    return {**kwargs, "style": style} if keywords_of(env_id).get("style") in STYLES else dict(kwargs)


def _class_of(env_id: str) -> type[Game]:
    return load_game(str(game_spec(env_id).kwargs["game"]))
