"""Checks of what a run imitates, and what a person should know of its fixed tasks, before anything slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from selfplay_envs.core.game import Game
from selfplay_envs.games.panel import PanelGame
from selfplay_envs.names.registration import make_game

from ..config.game_mix import GameMix
from ..rollouts.fixed_tasks import GameTasks
from ..rollouts.held_out import Task

if TYPE_CHECKING:
    from ..algorithms.algorithm import Algorithm


def check_gold(mix: GameMix, algorithm: Algorithm, game: Game, tasks: Sequence[Task]) -> None:
    """Stops where gold replies are asked for that are not there, or that the algorithm cannot train on.

    Args:
        mix: The game in the run.
        algorithm: With the run's settings.
        game: The same game, made with its keywords.
        tasks: Its fixed tasks; none where it learns from proposals alone.

    Raises:
        ValueError: Says which.
    """
    if not mix.gold:
        return
    where = f"GameMix.gold={mix.gold} of {mix.env_id}:"
    if not algorithm.imitates or algorithm.objective.tis_cap:
        setting = "" if not algorithm.imitates else " with tis_cap"
        raise ValueError(
            f"{where} nobody sampled a gold reply, and algorithm={algorithm.name!r}{setting} needs a sampler's "
            "log-probabilities; choose sft, rft or dpo without it, or gold=0."
        )
    if mix.gold > game.attempts:
        raise ValueError(f"{where} a panel has {game.attempts} attempts; choose at most as many, or raise attempts.")
    if not has_gold(mix, tasks):
        what = "none of its tasks has" if tasks else "the game knows"
        raise ValueError(f"{where} {what} {'a' if tasks else 'no'} gold reply; choose gold=0, or tasks with answers.")


def has_gold(mix: GameMix, tasks: Sequence[Task]) -> bool:
    """Whether any of the tasks has a gold reply; without tasks, whether the game writes gold replies at all."""
    game = make_game(mix.env_id, **mix.kwargs)
    if not tasks:
        hook, base = ("gold_answer", PanelGame) if isinstance(game, PanelGame) else ("gold_reply", Game)
        own: object = getattr(type(game), hook)
        return own is not getattr(base, hook)
    rng = np.random.default_rng(0)
    for task in tasks:
        game.reset(rng, {"task": task})
        if any(game.gold_reply(slot) is not None for slot in game.pending()):
            return True
    return False


def tasks_notice(tasks: Mapping[str, GameTasks], names: Mapping[str, str]) -> str:
    """One sentence of the fixed tasks of a run, and how many of their programs are held out; empty where there are none.

    Args:
        tasks: Of every game.
        names: The games as a person reads them.
    """
    fixed = {name: one for name, one in tasks.items() if one.tasks}
    if not fixed:
        return ""
    sizes = ", ".join(f"{len(one.tasks):,} of {names[name]}" for name, one in fixed.items())
    shared, left_out, unshown = (
        sum(getattr(one, field) for one in fixed.values()) for field in ("shared", "left_out", "unshown")
    )
    apart = f"{shared} share a program with a problem of the evaluation, {left_out} are left out as held out"
    special = f", {unshown} as they hold a special token of the model" if unshown else ""
    return f"Fixed tasks: {sizes}; {apart}{special}."
