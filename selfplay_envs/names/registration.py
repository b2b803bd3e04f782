"""Ids and entry points: one registration gives a game its gymnasium, vector and PettingZoo views.

Third parties register from outside with `register_game`, or through the entry-point group `selfplay_envs.games`; see
`selfplay_envs.names.plugins`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from ..core.errors import UsageError
from ..core.game import Game
from ..core.text import did_you_mean
from .loading import import_named, load_named
from .options import parameters_of
from .plugins import register_plugins
from .registry import unknown

GYM_VIEW = "selfplay_envs.views.gymnasium_env:SelfPlayEnv"
GYM_VIEWS = (GYM_VIEW, "selfplay_envs.gym_view:SelfPlayEnv")
"""Entry points of games: that of today, and that of specs which an older version wrote."""
VECTOR_VIEW = "selfplay_envs.views.vector_env:SelfPlayVectorEnv"
VIEW_KEYWORDS = ("sandbox", "judge", "reward_role", "render_mode")

BUILT_IN = {
    "SelfPlay/Deduction-v0": "selfplay_envs.games.code.deduction:Deduction",
    "SelfPlay/Abduction-v0": "selfplay_envs.games.code.abduction:Abduction",
    "SelfPlay/Induction-v0": "selfplay_envs.games.code.induction:Induction",
    "SelfPlay/AbsoluteZero-v0": "selfplay_envs.games.code.absolute_zero:AbsoluteZero",
    "SelfPlay/InstructionChallenge-v0": "selfplay_envs.games.questions.instruction:InstructionChallenge",
    "SelfPlay/Dataset-v0": "selfplay_envs.games.dataset.dataset:Dataset",
    "SelfPlay/KuhnPoker-v0": "selfplay_envs.games.zero_sum.kuhn:KuhnPoker",
}

_registered_by: dict[str, set[str]] = {}
"""Ids that came into being while a module was imported because a text named it."""


def register_game(env_id: str, game: str, *, nondeterministic: bool = False, **kwargs: Any) -> None:
    """Registers a game under a gymnasium id, such as `Mine/Guess-v0`; an equal second call is harmless.

    Args:
        env_id: `namespace/Name-vN`.
        game: `module:Class` of a `Game`; imported only when an environment is made.
        nondeterministic: Whether its judge is not a pure function (a remote model, say).
        **kwargs: Default keywords of the game; JSON-able.
    """
    known = gymnasium.registry.get(env_id)
    if known is not None and known.entry_point in GYM_VIEWS and known.kwargs == {"game": game, **kwargs}:
        return  # a module that is imported twice, as `python -m` does with its own
    gymnasium.register(
        id=env_id,
        entry_point=GYM_VIEW,
        vector_entry_point=VECTOR_VIEW,
        nondeterministic=nondeterministic,
        kwargs={"game": game, **kwargs},
    )


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
    return sorted(env_id for env_id, spec in gymnasium.registry.items() if spec.entry_point in GYM_VIEWS)


def short_name(env_id: str) -> str:
    """An id without namespace and version: `Deduction`."""
    return env_id.rpartition("/")[2].partition("-")[0]


def resolve_game_id(text: str, field: str = "env_id") -> str:
    """The registered id of a game, from any text that names it.

    Args:
        text: An id, an id's name without namespace and version in any case (`deduction`), or either with the module that
            registers it in front (`mygames.chain:Mine/WordChain-v0`), which is then imported; of several games of one name
            that module's is meant.
        field: Argument that it was given for; errors begin with `field='text'`.

    Raises:
        UsageError: No game has that id, several have that name, or the module cannot be imported.
    """
    if _is_game(text):
        return text
    module, colon, env_id = text.rpartition(":")
    if colon:
        before = set(game_ids())
        import_named(module, text, field, then=env_id)
        _registered_by.setdefault(module, set()).update(set(game_ids()) - before)
    if _is_game(env_id):
        return env_id
    ids = game_ids()
    alike = [known for known in ids if short_name(known).lower() == env_id.lower()]
    if len(alike) > 1 and colon:
        alike = [known for known in alike if _is_of(known, module)] or alike
    if len(alike) > 1:
        raise UsageError(f"{field}={text!r} is the name of several games; write one of {', '.join(alike)}.")
    if not alike:
        hint = did_you_mean(env_id, ids if "/" in env_id else map(short_name, ids), before=module + colon)
        raise UsageError(unknown(field, text, ids, hint, form="module:ID"))
    return alike[0]


def _is_game(env_id: str) -> bool:
    spec = gymnasium.registry.get(env_id)
    return spec is not None and spec.entry_point in GYM_VIEWS


def _is_of(env_id: str, module: str) -> bool:
    """Whether a module registered a game when it was imported, or holds its class, itself or in its package."""
    home = str(gymnasium.registry[env_id].kwargs["game"]).partition(":")[0]
    return env_id in _registered_by.get(module, ()) or f"{home}.".startswith(f"{module}.")


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
        of_view: Whether it is built for a view, which takes keywords of its own: errors then name those as well.

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
    missing = [name for name, option in parameters.items() if option.default is option.empty and name not in kwargs]
    if missing:
        raise UsageError(f"{cls.__name__} needs the keyword {missing[0]!r}; pass it, or give it a default in register_game.")
    return cls(**kwargs)
