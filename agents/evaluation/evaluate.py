"""Evaluation on fixed tasks: sampled pass@1, unbiased pass@k, and whether a difference between two runs is more than noise.

Tasks are read, asked and judged in chunks, and what is kept of a chunk is some numbers per problem, so that memory hardly grows
with their number. A reply's seed is named by its problem, not by its chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from selfplay_envs import Game, Referee, Start, UsageError
from selfplay_envs.core.messages import Slot
from selfplay_envs.games.dataset.dataset import Dataset
from selfplay_envs.names.registration import make_game, resolve_game_id

from ..config.game_keywords import keywords_of, wording_keyword
from ..config.run import EvalConfig
from ..core.errors import AgentError
from ..core.seeding import seed_of
from ..rollouts.collector import Collector, OnRound
from ..samplers.base import Sampler
from ..samplers.fitting import FittingSampler
from .grading import VOID, Sample, Tally, grade
from .result import EvalResult
from .task_sets import TaskSet
from .tasks import check_answers

__all__ = ["EvalResult", "Tasks", "evaluate", "evaluate_sets", "reply_seed"]

Tasks = Mapping[str, Sequence[Mapping[str, Any]]]
"""Task dicts by game: by its name in a run, or its env id."""
CHUNK = 1_024
"""Replies that are asked for and judged together."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A set of tasks, ready to be asked."""

    tasks: TaskSet
    game: Game
    keywords: Mapping[str, Any]
    tally: Tally


def evaluate(
    sampler: Sampler,
    referee: Referee,
    tasks: Tasks,
    config: EvalConfig,
    *,
    kwargs: Mapping[str, Mapping[str, Any]] | None = None,
    env_ids: Mapping[str, str] | None = None,
    by_role: Mapping[str, Sampler] | None = None,
    seed: int = 0,
    on_round: OnRound | None = None,
) -> EvalResult:
    """Asks a panel of `config.samples` per task, in an episode that starts with the task, for answers right or wrong.

    The last message counts of every attempt of the roles that answer in a game (`Game.answers`).

    Args:
        sampler: Of the answers.
        referee: Checks them.
        tasks: Per game, by env id or by a name in `env_ids`; each fits `options={"task": ...}`.
        config: Samples, sampling, limit.
        kwargs: Keywords per game, such as the prompt style; `attempts` is overridden, and so are those that change
            credits alone (`Game.credit_keywords`): credits are no result, and their judges need not be asked.
        env_ids: The env id of each game that goes by a name of its own, as `env_ids_of` returns them.
        by_role: Samplers of their own for some roles, such as an adapter.
        seed: Names the replies' seeds: the same seed asks two policies with common random numbers.
        on_round: Called with (finished, total) problems after each round.

    Raises:
        AgentError: All samples of some problem are void, or nobody answered it.
        UsageError: A game has no role that answers or asks a judge that is not bound, or a task holds a text that the solver
            cannot be shown.
    """
    env_ids = env_ids or {}
    known = {name if name in env_ids else resolve_game_id(name): given for name, given in (kwargs or {}).items()}
    sets: list[TaskSet] = []
    for name, of_game in tasks.items():
        chosen = of_game[: config.limit] if config.limit else of_game
        given = known.get(name if name in env_ids else resolve_game_id(name), {})
        sets.append(TaskSet(name=name, env_id=env_ids.get(name, name), kwargs=given, tasks=chosen, count=len(chosen)))
    return evaluate_sets(sampler, referee, sets, config, by_role=by_role, seed=seed, on_round=on_round)


def evaluate_sets(
    sampler: Sampler,
    referee: Referee,
    sets: Sequence[TaskSet],
    config: EvalConfig,
    *,
    by_role: Mapping[str, Sampler] | None = None,
    seed: int = 0,
    on_round: OnRound | None = None,
    on_samples: Callable[[Sequence[Sample]], None] | None = None,
    chunk: int = CHUNK,
) -> EvalResult:
    """`evaluate` of tasks as `task_sets` lists them; arguments as there.

    Args:
        sampler: See `evaluate`.
        referee: See `evaluate`.
        sets: All of their tasks are asked, `config.limit` or not.
        config: Samples and sampling.
        by_role: See `evaluate`.
        seed: See `evaluate`.
        on_round: See `evaluate`.
        on_samples: Called with the answers of every chunk once they are judged, in the order of problems.
        chunk: Replies that are asked for and judged together, at least those of one problem.

    Raises:
        AgentError: Nobody answered a problem; or all samples of a game's task are void, or all of a source.
        UsageError: See `evaluate`.
    """
    asked = [_prepare(one, referee, config) for one in sets]  # a judge that is missing stops this before the first answer
    adapters = {role: FittingSampler(own) for role, own in (by_role or {}).items()}
    collector, done = Collector(FittingSampler(sampler), referee, config.sampling, by_role=adapters), 0
    total = sum(one.count for one in sets)
    problems_left = _problems(asked)
    while problems := list(islice(problems_left, max(1, chunk // config.samples))):
        starts = [_start(one, problem, task, seed) for one, problem, _, task in problems]
        places = [place for _, _, place, _ in problems]
        progress = (lambda finished, _, before=done: on_round(before + finished, total)) if on_round else None
        episodes = collector.collect(starts, ("evaluate", seed), progress, places)
        graded: list[Sample] = []
        for (one, problem, place, _), episode in zip(problems, episodes, strict=True):
            attempts = config.samples
            samples = grade(one.game, episode, name=one.tasks.name, problem=problem, place=place, attempts=attempts)
            if not one.tasks.source:
                _check_known(samples)
            one.tally.add(one.game, episode, samples)
            graded += samples
        done += len(problems)
        if on_samples is not None:
            on_samples(graded)
    return _result(asked)


def reply_seed(seed: int, place: int | str, slot: Slot) -> int:
    """The seed of a reply in an evaluation; see `Collector.collect`."""
    return seed_of("evaluate", seed, place, *slot)


def _prepare(one: TaskSet, referee: Referee, config: EvalConfig) -> _Asked:
    check_answers(one.env_id)
    credits = make_game(one.env_id, **one.kwargs).credit_keywords
    keywords = {**one.kwargs, **credits, "attempts": config.samples}
    game = make_game(one.env_id, **keywords)
    referee.judges.open_all(game.judges)
    _check_shown(one, referee)
    return _Asked(one, game, keywords, Tally())


def _problems(asked: Sequence[_Asked]) -> Iterator[tuple[_Asked, int, int | str, Mapping[str, Any]]]:
    """Every task with its set, its place there, and what names it in seeds.

    That is its place among all tasks of games, as it always was; a problem of a source has a name of its own, so that it is
    asked with the same seeds whatever else is measured.
    """
    place = 0
    for one in asked:
        for problem, task in enumerate(one.tasks.tasks):
            yield one, problem, f"{one.tasks.name}/{problem}" if one.tasks.source else place, task
            place += not one.tasks.source


def _start(one: _Asked, problem: int, task: Mapping[str, Any], seed: int) -> Start:
    name, env_id = one.tasks.name, one.tasks.env_id
    named = "" if name == env_id else name
    return Start(env_id, seed_of("evaluate", seed, name, problem), one.keywords, {"task": dict(task)}, named)


def _result(asked: Sequence[_Asked]) -> EvalResult:
    """What was counted, of the sets that had tasks.

    Raises:
        AgentError: No answer of a set has a verdict.
    """
    by_name = {one.tasks.name: one.tally for one in asked if one.tally.scores}
    correct = {name: np.stack(tally.scores) for name, tally in by_name.items()}
    for name, scores in correct.items():
        if np.isnan(scores).all():
            raise AgentError(f"no answer to {name} has a verdict: all {scores.size} are void; see `selfplay doctor`.")
    kept = {one.tasks.name: one.tally.by_answer(always=one.game.asks_judge) for one in asked if one.tally.scores}
    by_answer = {name: scores for name, scores in kept.items() if scores is not None}
    wordings = {one.tasks.name: wording for one in asked if (wording := _wording(one))}
    return EvalResult(
        correct,
        {name: tally.programs for name, tally in by_name.items()},
        wordings,
        {name: tally.cut_off for name, tally in by_name.items()},
        {name: dict(tally.answers) for name, tally in by_name.items()},
        {name: dict(tally.unreadable.most_common()) for name, tally in by_name.items()},
        by_answer,
    )


def _wording(one: _Asked) -> str:
    """The style of the prompts; empty: the game has none."""
    keyword = wording_keyword(one.tasks.env_id)
    named = str({**keywords_of(one.tasks.env_id), **one.keywords}.get(keyword, ""))
    if keyword != "prompt":
        return named
    if isinstance(one.game, Dataset):
        named = named or one.game.source.prompt
    return named if named in one.game.styles else "template"


def _check_known(samples: Sequence[Sample]) -> None:
    """Refuses a task of a game of which nothing is known after all its answers."""
    if all(sample.verdict == VOID for sample in samples):
        raise AgentError(
            f"the evaluation has problems without any verdict ({len(samples)} samples are void, {samples[0].reason}): see that "
            "the sandbox works (`selfplay doctor`) and that every task holds (`selfplay check`), and run it again."
        )


def _check_shown(one: TaskSet, referee: Referee) -> None:
    """Refuses tasks that hold a reserved text: shown without it they would be others, and their answers wrong."""
    if not referee.reserved:
        return
    bad = [number for number, task in enumerate(one.tasks, 1) if not referee.can_be_shown(task)]
    if bad:
        raise UsageError(
            f"evaluation.tasks: {len(bad)} of {one.count} tasks of {one.name} hold a text that the model's tokenizer reads as "
            f"a special token, so that they cannot be shown as they are (numbers {', '.join(map(str, bad[:10]))}"
            f"{', ...' if len(bad) > 10 else ''}); take them out of the file."
        )
