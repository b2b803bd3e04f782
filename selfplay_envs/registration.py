"""Ids and entry points: one registration gives a game its gymnasium, vector and PettingZoo views.

Third parties register from outside with `register_game`, or through the entry-point group `selfplay_envs.games`; see
`selfplay_envs.plugins`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from .errors import UsageError
from .game import Game
from .judges import PURE
from .loading import did_you_mean, import_named, load_named
from .named import unknown
from .plugins import register_plugins
from .text_options import parameters_of

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
    register_plugins(_register_plugin)


def _register_plugin(env_id: str, game: str) -> None:
    known = gymnasium.registry.get(env_id)
    if known is None:
        register_game(env_id, game)
    elif known.kwargs.get("game") != game:
        raise UsageError(f"the id {env_id!r} is that of {known.kwargs.get('game', known.entry_point)}; choose another one")


def game_ids() -> list[str]:
    """Every registered id whose environment is one of our games, sorted."""
    return sorted(env_id for env_id, spec in gymnasium.registry.items() if spec.entry_point == GYM_VIEW)


def short_name(env_id: str) -> str:
    """An id without namespace and version: `Deduction`."""
    return env_id.rpartition("/")[2].partition("-")[0]


def resolve_game_id(text: str, field: str = "env_id") -> str:
    """The registered id of a game, wherever one is asked for.

    Args:
        text: An id, an id's name without namespace and version in any case (`deduction`), or either with the module that
            registers it in front (`mygames.chain:Mine/WordChain-v0`), which is then imported.
        field: Where it was given; errors begin with `field='text'`.

    Raises:
        UsageError: No game has that id, several have that name, or the module cannot be imported.
    """
    if _is_game(text):
        return text
    module, colon, env_id = text.rpartition(":")
    if colon:
        import_named(module, text, field, then=env_id)
    if _is_game(env_id):
        return env_id
    ids = game_ids()
    alike = [known for known in ids if short_name(known).lower() == env_id.lower()]
    if len(alike) > 1:
        raise UsageError(f"{field}={text!r} is the name of several games; write one of {', '.join(alike)}.")
    if not alike:
        hint = did_you_mean(env_id, ids if "/" in env_id else map(short_name, ids), before=module + colon)
        raise UsageError(unknown(field, text, ids, hint, own="module:ID"))
    return alike[0]


def _is_game(env_id: str) -> bool:
    spec = gymnasium.registry.get(env_id)
    return spec is not None and spec.entry_point == GYM_VIEW


def game_spec(env_id: str) -> EnvSpec:
    """The registered spec of a game; `env_id` as in `resolve_game_id`.

    Raises:
        UsageError: Nothing is registered under that id, or it is not one of our games.
    """
    return gymnasium.registry[resolve_game_id(env_id)]


def load_game(game: str) -> type[Game]:
    """The class named by `module:Class`.

    Raises:
        UsageError: The text does not name a `Game`.
    """
    loaded = load_named(game, "game")
    if not (isinstance(loaded, type) and issubclass(loaded, Game)):
        raise UsageError(f"game={game!r} is not a subclass of selfplay_envs.Game; derive it from Game.")
    return loaded


def answering_roles(env_ids: Iterable[str]) -> tuple[str, ...]:
    """The roles that answer a task in any of these games, see `Game.answers`; each once.

    Raises:
        UsageError: An id is not that of a game, or a class does not load.
    """
    games = [load_game(str(game_spec(env_id).kwargs["game"])) for env_id in env_ids]
    return tuple(dict.fromkeys(role for game in games for role in game.answers))


def make_game(env_id: str, **kwargs: Any) -> Game:
    """The pure game behind an id, without any view; keywords override the registered ones. `env_id` as in `resolve_game_id`.

    Raises:
        UsageError: The id is unknown, or the game does not take a keyword.
    """
    merged = {**game_spec(env_id).kwargs, **kwargs}
    return build_game(merged.pop("game"), merged, of_view=False)


def build_game(game: str, kwargs: dict[str, Any], *, of_view: bool = True) -> Game:
    """The game named by `module:Class` with its keywords checked against its signature.

    Args:
        game: As registered.
        kwargs: Its keywords.
        of_view: Whether it is built for a view, which takes keywords too: errors then name those as well.

    Raises:
        UsageError: The class does not load, does not take a keyword, or lacks one that it needs.
    """
    cls = load_game(game)
    parameters = parameters_of(cls)
    known = [*parameters, *(VIEW_KEYWORDS if of_view else ())]
    for name in kwargs:
        if name in VIEW_KEYWORDS and name not in known:
            raise UsageError(
                f"{name!r} is a keyword of environments, as in gym.make(..., {name}=...), not of the game {cls.__name__}; "
                f"that takes {', '.join(known) or 'none'}."
            )
        if name not in parameters:
            hint = did_you_mean(name, known)
            raise UsageError(f"{cls.__name__} has no keyword {name!r}{hint or ';'} it takes {', '.join(known) or 'none'}.")
    missing = [name for name, one in parameters.items() if one.default is one.empty and name not in kwargs]
    if missing:
        raise UsageError(f"{cls.__name__} needs the keyword {missing[0]!r}; pass it, or give it a default in register_game.")
    return cls(**kwargs)
