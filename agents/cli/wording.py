"""In which wording a model is asked: the tiny one in the terse prompts that it was trained on, every other in the full ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from selfplay_envs.registration import resolve_game_id

from ..config import GameMix, TrainConfig
from ..game_keywords import keywords_of
from .runs import find_model

TINY_FOLDER = Path(__file__).parents[1] / "tiny"
FULL, TERSE = "full", "terse"


def is_tiny(model: str) -> bool:
    """Whether a name, or a folder of a run, a checkpoint or a model, holds the tiny model or what was trained from it."""
    seen: set[str] = set()
    while model not in seen:
        if model == "tiny" or Path(model).resolve() == TINY_FOLDER:
            return True
        seen.add(model)
        config = find_model(model)[1]
        model = config.model if config is not None else model
    return False


def wording_of(model: str, env_id: str) -> str:
    """The wording in which a model is asked a game.

    A run is asked as it was trained: in its own wording of that game, else of its other games. Any other model in `terse`
    where it is the tiny one, else in `full`.
    """
    config = find_model(model)[1]
    if config is not None:
        own = [mix for mix in config.games if resolve_game_id(mix.env_id) == resolve_game_id(env_id)]
        if own and "style" in (known := keywords_of(env_id)):
            return str({**known, **own[0].kwargs}["style"])
        styles = [str(mix.kwargs["style"]) for mix in config.games if "style" in mix.kwargs]
        if styles:
            return styles[0]
    return TERSE if is_tiny(model) else FULL


def in_full(config: TrainConfig) -> TrainConfig:
    """The run with every game that is worded tersely asked in full."""
    return replace(config, games=tuple(_in_full(mix) for mix in config.games))


def _in_full(mix: GameMix) -> GameMix:
    kwargs: Mapping[str, Any] = mix.kwargs
    return replace(mix, kwargs={**mix.kwargs, "style": FULL}) if kwargs.get("style") == TERSE else mix
