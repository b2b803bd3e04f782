"""Ids and entry points: one registration gives a game its gymnasium, vector and PettingZoo views.

Third parties register from outside with `register_game`, or through the entry-point group `selfplay_envs.games` (each
entry point names a function that is called without arguments and registers).
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from .errors import UsageError
from .game import Game
from .judges import PURE

GROUP = "selfplay_envs.games"
GYM_VIEW = "selfplay_envs.gym_view:SelfPlayEnv"
VECTOR_VIEW = "selfplay_envs.vector_view:SelfPlayVectorEnv"
VIEW_KEYWORDS = ("sandbox", "judge", "reward_role", "render_mode")

BUILT_IN = {
    "SelfPlay/Deduction-v0": "selfplay_envs.games.code:Deduction",
    "SelfPlay/Abduction-v0": "selfplay_envs.games.code:Abduction",
    "SelfPlay/Induction-v0": "selfplay_envs.games.induction:Induction",
    "SelfPlay/InstructionChallenge-v0": "selfplay_envs.games.instruction:InstructionChallenge",
    "SelfPlay/KuhnPoker-v0": "selfplay_envs.games.kuhn:KuhnPoker",
}


def register_game(env_id: str, game: str, *, nondeterministic: bool = False, **kwargs: Any) -> None:
    """Registers a game under a gymnasium id, such as `Mine/Guess-v0`; saying the same twice is harmless.

    Args:
        env_id: `namespace/Name-vN`.
        game: `module:Class` of a `Game`; imported only when an environment is made.
        nondeterministic: Whether its judge is not a pure function (a remote model, say).
        **kwargs: Default keywords of the game; JSON-able.
    """
    known = gymnasium.registry.get(env_id)
    if known is not None and known.entry_point == GYM_VIEW and known.kwargs == {"game": game, **kwargs}:
        return  # a module that is imported twice, as `python -m` does with its own
    gymnasium.register(
        id=env_id,
        entry_point=GYM_VIEW,
        vector_entry_point=VECTOR_VIEW,
        nondeterministic=nondeterministic,
        kwargs={"game": game, **kwargs},
    )


def honest_spec(spec: EnvSpec | None, judges: Iterable[str]) -> EnvSpec | None:
    """`spec`, marked as nondeterministic where one of the environment's judges is not known to be a pure function."""
    if spec is None or set(judges) <= PURE:
        return spec
    return replace(spec, nondeterministic=True)


def register_all() -> None:
    """Registers the built-in games and those of installed plug-ins; a broken plug-in warns and is left out."""
    for env_id, game in BUILT_IN.items():
        if env_id not in gymnasium.registry:
            register_game(env_id, game)
    for point in entry_points(group=GROUP):
        try:
            point.load()()
        except Exception as error:  # somebody else's code, at our import
            warnings.warn(f"the game plug-in {point.name!r} ({point.value}) failed to register: {error!r}", stacklevel=2)


def game_ids() -> list[str]:
    """Every registered id whose environment is one of our games, sorted."""
    return sorted(env_id for env_id, spec in gymnasium.registry.items() if spec.entry_point == GYM_VIEW)


def game_spec(env_id: str) -> EnvSpec:
    """The registered spec of a game.

    Raises:
        UsageError: Nothing is registered under that id, or it is not one of our games.
    """
    spec = gymnasium.registry.get(env_id)
    if spec is None or spec.entry_point != GYM_VIEW:
        raise UsageError(f"env_id={env_id!r} is not a registered game; choose one of {', '.join(game_ids())}.")
    return spec


def load_game(game: str) -> type[Game]:
    """The class named by `module:Class`.

    Raises:
        UsageError: The text does not name a `Game`.
    """
    module, _, name = game.partition(":")
    try:
        loaded = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"game={game!r} does not load ({error}); write it as 'module:Class' of an importable module."
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Game)):
        raise UsageError(f"game={game!r} is not a subclass of selfplay_envs.Game; derive it from Game.")
    return loaded


def make_game(env_id: str, **kwargs: Any) -> Game:
    """The pure game behind an id, without any view; keywords override the registered ones.

    Raises:
        UsageError: The id is unknown, or the game does not take a keyword.
    """
    merged = {**game_spec(env_id).kwargs, **kwargs}
    return build_game(merged.pop("game"), merged)


def build_game(game: str, kwargs: dict[str, Any]) -> Game:
    """The game named by `module:Class` with its keywords checked against its signature.

    Raises:
        UsageError: The class does not load, or does not take a keyword.
    """
    cls = load_game(game)
    known = inspect.signature(cls).parameters
    for name in kwargs:
        if name not in known:
            raise UsageError(f"{cls.__name__} has no keyword {name!r}; it takes {', '.join([*known, *VIEW_KEYWORDS])}.")
    return cls(**kwargs)
