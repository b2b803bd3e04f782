"""A sample of proposals solved anew by one model, so that proposals of all steps meet the same solver.

See: Chae et al., Towards Understanding Self-play for LLM Reasoning, arXiv 2510.27072: 800 questions sampled over the course of
a run, solved anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from selfplay_envs import Referee, UsageError

from ...config.game_mix import GameMix
from ...config.run import EvalConfig
from ...config.sampling import Sampling
from ...evaluation.evaluate import evaluate_sets
from ...evaluation.task_sets import TaskSet
from ...samplers.base import Sampler
from .proposals import Proposal
from .solved import Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Solver:
    """A model that is open, with what checks its answers."""

    sampler: Sampler
    referee: Referee
    by_role: Mapping[str, Sampler] = field(default_factory=dict[str, Sampler])
    """Samplers of their own for some roles."""


def solve(
    solver: Solver,
    sample: Sequence[Proposal],
    games: Sequence[GameMix],
    attempts: int,
    sampling: Sampling,
    *,
    seed: int = 0,
    on_solved: Callable[[int], None] | None = None,
) -> list[Rates]:
    """The rates of every proposal of a sample, in its order.

    Args:
        solver: The model.
        sample: Valid proposals.
        games: Of their run, whose keywords count.
        attempts: Answers to each.
        sampling: Of the answers.
        seed: Names the answers' seeds: two models are asked with common random numbers.
        on_solved: Called with the number of proposals that have just been solved.

    Raises:
        AgentError: All answers to all proposals of a game are void.
        UsageError: A proposal is of a game that the run has not.
    """
    places: dict[str, list[int]] = {}
    for place, one in enumerate(sample):
        if solver.referee.can_be_shown(one.task):
            places.setdefault(one.game, []).append(place)
    sets = [_task_set(game, [sample[place].task or {} for place in of_game], games) for game, of_game in places.items()]
    done = 0

    def on_round(finished: int, _total: int) -> None:
        nonlocal done
        if on_solved is not None:
            on_solved(finished - done)
        done = finished

    config = EvalConfig(samples=attempts, sampling=sampling)
    result = evaluate_sets(solver.sampler, solver.referee, sets, config, by_role=solver.by_role, seed=seed, on_round=on_round)
    rates = [Rates(None, None)] * len(sample)
    for game, of_game in places.items():
        right_P = _means(result.correct[game])
        score_P = result.values.get(game, right_P)
        for place, right, score in zip(of_game, right_P, score_P, strict=True):
            rates[place] = Rates(_known(right), _known(score))
    return rates


def _task_set(game: str, tasks: Sequence[Mapping[str, Any]], games: Sequence[GameMix]) -> TaskSet:
    """Named as a source: its seeds do not depend on other games, and a proposal without a verdict is no error."""
    for mix in games:
        if mix.game_name == game:
            return TaskSet(
                name=game, env_id=mix.env_id, kwargs=mix.kwargs, tasks=tasks, count=len(tasks), source=f"proposals of {game}"
            )
    raise UsageError(
        f"episodes: a proposal is of the game {game!r}, which is none of the run's; were they copied from another?"
    )


def _means(correct_PK: np.ndarray) -> np.ndarray:
    """Means of the rows, float64 (problems,), over values that are not NaN; NaN where there are none."""
    return np.ma.masked_invalid(correct_PK).mean(axis=1).filled(np.nan)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
