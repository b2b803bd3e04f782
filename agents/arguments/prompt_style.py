"""Wording of a model's prompts: the tiny model reads the terse ones that it was trained on, every other the full ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from selfplay_envs.names.registration import resolve_game_id

from ..config.game_keywords import FULL, keywords_of, with_style, wording_keyword
from ..config.run import GameMix, TrainConfig
from ..evaluation.tasks import usual_wording
from ..runs.folder import find_model
from ..tiny.folder import TINY_MODEL

TERSE = "terse"


def is_tiny(model: str) -> bool:
    """Whether a name, or a folder of a run, a checkpoint or a model, holds the tiny model or what was trained from it."""
    followed: set[str] = set()
    while model not in followed:
        if model == "tiny" or Path(model).resolve() == TINY_MODEL:
            return True
        followed.add(model)
        config = find_model(model)[1]
        model = config.model if config is not None else model
    return False


def wording_of(model: str, env_id: str, name: str = "") -> str:
    """The wording of a game's prompts to a model.

    A run reads what it was trained on: its own wording of that game, else that of its other games. Any other model reads
    `terse` where it is the tiny one, else `full`.
    """
    config = find_model(model)[1]
    if config is not None:
        trained = [mix for mix in config.games if resolve_game_id(mix.env_id) == resolve_game_id(env_id)]
        trained.sort(key=lambda mix: mix.game_name != name)  # of several mixes of one game that of the name
        if trained and (keyword := wording_keyword(env_id)):
            return str({**keywords_of(env_id), **trained[0].kwargs}[keyword]) or FULL
        if usual := usual_wording(config.games):
            return usual
    return TERSE if is_tiny(model) else FULL


def in_full(config: TrainConfig) -> TrainConfig:
    """The run with the full wording in every game that has the terse one."""
    return replace(config, games=tuple(_in_full(mix) for mix in config.games))


def _in_full(mix: GameMix) -> GameMix:
    terse = mix.kwargs.get(wording_keyword(mix.env_id)) == TERSE
    return replace(mix, kwargs=with_style(FULL, mix.env_id, mix.kwargs)) if terse else mix
