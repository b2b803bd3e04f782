"""Evaluation on fixed tasks: sampled pass@1, unbiased pass@k, and whether a difference between two runs is more than noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from selfplay_envs import Episode, Referee, Start, UsageError
from selfplay_envs.buffer import task_key
from selfplay_envs.registration import make_game, resolve_game_id

from .collect import Collector, OnRound
from .config import EvalConfig
from .errors import AgentError
from .game_keywords import keywords_of
from .held_out import check_answers
from .held_out import load_tasks as load_tasks  # where it lay before
from .sampler import Sampler
from .seeding import seed_of
from .statistics import pass_at_k, powers_of_two

Tasks = Mapping[str, Sequence[Mapping[str, Any]]]
"""Task dicts by env id."""


@dataclass(frozen=True, slots=True)
class EvalResult:
    """Which samples were right."""

    correct: Mapping[str, np.ndarray]
    """By env id, float64 (problems, samples): 1 right, 0 wrong, NaN void: nobody could say, and it counts for nothing."""
    programs: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """By env id, a name per problem (`task_key`): problems of equal names are about one program, no independent evidence."""
    wordings: Mapping[str, str] = field(default_factory=dict[str, str])
    """By env id, the style that the prompts were worded in; games without styles are not in it."""
    cut_off: Mapping[str, int] = field(default_factory=dict[str, int])
    """By env id, how many answers ended at the limit of tokens: many mean that the limit is measured, not the model."""

    def scores(self) -> dict[str, float]:
        """`env_id/pass@k` for k = 1, 2, 4, ... up to the number of samples, and the mean over games as `all/pass@k`."""
        found: dict[str, float] = {}
        for k in powers_of_two(min((c.shape[1] for c in self.correct.values()), default=0)):
            rates = {env_id: pass_at_k(correct, k) for env_id, correct in self.correct.items()}
            means = {env_id: float(np.nanmean(rate)) for env_id, rate in rates.items() if not np.isnan(rate).all()}
            found |= {f"{env_id}/pass@{k}": mean for env_id, mean in means.items()}
            if len(means) == len(rates):
                found[f"all/pass@{k}"] = float(np.mean(list(means.values())))
        return found

    def per_problem(self) -> np.ndarray:
        """Sampled pass@1 of every problem, games one after another, float64."""
        return np.concatenate([np.nanmean(correct, axis=1) for correct in self.correct.values()])

    def to_json(self) -> dict[str, Any]:
        """Per game: right and (where there were some) void answers of every problem, samples asked, and what else is known."""
        return {
            env_id: {
                "right": np.nansum(c, axis=1).astype(int).tolist(),
                "samples": c.shape[1],
                **({"void": np.isnan(c).sum(axis=1).tolist()} if np.isnan(c).any() else {}),
                **({"programs": list(self.programs[env_id])} if env_id in self.programs else {}),
                **({"wording": self.wordings[env_id]} if env_id in self.wordings else {}),
                **({"cut_off": self.cut_off[env_id]} if self.cut_off.get(env_id) else {}),
            }
            for env_id, c in self.correct.items()
        }


def evaluate(
    sampler: Sampler,
    referee: Referee,
    tasks: Tasks,
    config: EvalConfig,
    *,
    kwargs: Mapping[str, Mapping[str, Any]] | None = None,
    by_role: Mapping[str, Sampler] | None = None,
    seed: int = 0,
    on_round: OnRound | None = None,
) -> EvalResult:
    """Asks a panel of `config.samples` per task, in an episode that starts with the task, for answers right or wrong.

    What counts is the last message of every attempt of the roles that answer in a game (`Game.answers`).

    Args:
        sampler: Who answers.
        referee: Who checks.
        tasks: Per env id; each fits `options={"task": ...}`.
        config: Samples, sampling, limit.
        kwargs: Keywords per env id, such as the prompt style; `attempts` is overridden, and so are those that change
            credits alone (`Game.credit_keywords`): credits are no result, and their judges need not be asked.
        by_role: Who answers instead of `sampler` in a role, such as an adapter of its own.
        seed: Names the replies' seeds: the same seed asks two policies with common random numbers.
        on_round: Told (finished, total) after each round.

    Raises:
        AgentError: All samples of some problem are void, or nobody answered it.
        UsageError: A game has no role that answers or asks a judge that is not bound, or a task holds a text that the solver
            cannot be shown.
    """
    starts: list[Start] = []
    known = {resolve_game_id(env_id): given for env_id, given in (kwargs or {}).items()}
    wordings: dict[str, str] = {}
    for env_id, own in tasks.items():  # a judge that is missing stops this before anybody has answered
        check_answers(env_id)
        given = known.get(resolve_game_id(env_id), {})
        if style := {**keywords_of(env_id), **given}.get("style"):
            wordings[env_id] = str(style)
        keywords = {**given, **make_game(env_id, **given).credit_keywords, "attempts": config.samples}
        referee.check_judges(make_game(env_id, **keywords).judges)
        chosen = own[: config.limit] if config.limit else own
        _check_shown(env_id, chosen, referee)
        starts += [
            Start(env_id, seed_of("evaluate", seed, env_id, i), keywords, {"task": dict(task)}) for i, task in enumerate(chosen)
        ]
    episodes = Collector(sampler, referee, config.sampling, by_role=by_role).collect(starts, ("evaluate", seed), on_round)
    correct: dict[str, list[list[float]]] = {}
    for episode in episodes:
        correct.setdefault(episode.env_id, []).append(_graded(episode, config.samples))
    lost = [played.void for episode in episodes for played in episode.messages if played.void]
    if lost and any(np.isnan(rows).all(axis=1).any() for rows in correct.values()):
        raise AgentError(
            f"the evaluation has problems without any verdict ({len(lost)} samples are void, {lost[0]}): see that the "
            "sandbox works (`selfplay doctor`) and that every task holds (`selfplay check`), and run it again."
        )
    programs = {env_id: [task_key(one.options["task"]) for one in episodes if one.env_id == env_id] for env_id in correct}
    cut_off = {env_id: sum(_cut_off(one) for one in episodes if one.env_id == env_id) for env_id in correct}
    return EvalResult({env_id: np.array(rows) for env_id, rows in correct.items()}, programs, wordings, cut_off)


def _cut_off(episode: Episode) -> int:
    """Answers that ended at the limit of tokens."""
    answers = check_answers(episode.env_id)
    return sum(one.slot.role in answers and one.reply.finish_reason == "length" for one in episode.messages)


def _graded(episode: Episode, samples: int) -> list[float]:
    """1 right, 0 wrong, NaN void, per attempt of every answering role; an attempt that never came to speak is void too.

    Raises:
        AgentError: Nobody answered, and nothing that is void explains it.
    """
    answers = check_answers(episode.env_id)
    last = {(played.slot.role, played.slot.attempt): played for played in episode.messages}
    found = [last.get((role, attempt)) for role in answers for attempt in range(samples)]
    if not any(found) and not any(played.void for played in episode.messages):
        raise AgentError(
            f"{episode.env_id}: no {' or '.join(answers)} spoke in an episode on the task "
            f"{dict(episode.options['task'])!r:.200}; see that the game's `reset` starts with options['task']."
        )
    return [np.nan if one is None or one.void else float(one.verdict.valid and one.verdict.score == 1.0) for one in found]


def _check_shown(env_id: str, tasks: Sequence[Mapping[str, Any]], referee: Referee) -> None:
    """Refuses tasks that hold a reserved text: shown without it they would be others, and their answers wrong."""
    odd = [number for number, task in enumerate(tasks, 1) if not referee.can_be_shown(task)]
    if odd:
        raise UsageError(
            f"evaluation.tasks: {len(odd)} of {len(tasks)} tasks of {env_id} hold a text that the model's tokenizer reads as a "
            f"special token, so that they cannot be shown as they are (numbers {', '.join(map(str, odd[:10]))}"
            f"{', ...' if len(odd) > 10 else ''}); take them out of the file."
        )
