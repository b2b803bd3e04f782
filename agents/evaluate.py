"""Evaluation on fixed tasks: sampled pass@1, unbiased pass@k, and whether a difference between two runs is more than noise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selfplay_envs import Referee, Start, UsageError, read_azr_tasks
from selfplay_envs.registration import make_game

from .collect import Collector, OnRound
from .config import EvalConfig, GameMix
from .errors import AgentError
from .sampler import Sampler
from .seeding import seed_of

Tasks = Mapping[str, Sequence[Mapping[str, Any]]]
"""Task dicts by env id."""


@dataclass(frozen=True, slots=True)
class EvalResult:
    """Which samples were right."""

    correct: Mapping[str, np.ndarray]
    """By env id, float64 (problems, samples): 1 right, 0 wrong, NaN void: nobody could say, and it counts for nothing."""

    def scores(self) -> dict[str, float]:
        """`env_id/pass@k` for k = 1, 2, 4, ... up to the number of samples, and the mean over games as `all/pass@k`."""
        found: dict[str, float] = {}
        for k in _powers_of_two(min((c.shape[1] for c in self.correct.values()), default=0)):
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
        """Numbers of right answers and of samples per problem, and how many samples were void, where some were."""
        return {
            env_id: {
                "right": np.nansum(c, axis=1).astype(int).tolist(),
                "samples": c.shape[1],
                **({"void": int(np.isnan(c).sum())} if np.isnan(c).any() else {}),
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
    seed: int = 0,
    on_round: OnRound | None = None,
) -> EvalResult:
    """Asks `config.samples` solvers per task, as one panel that starts at the solver phase.

    Args:
        sampler: Who answers.
        referee: Who checks.
        tasks: Per env id; each fits `options={"task": ...}`.
        config: Samples, sampling, limit.
        kwargs: Keywords per env id, such as the prompt style; `attempts` is overridden, and so are those that change
            credits alone (`Game.credit_keywords`): credits are no result, and their judges need not be asked.
        seed: Names the replies' seeds: the same seed asks two policies with common random numbers.
        on_round: Told (finished, total) after each round.

    Raises:
        AgentError: All samples of some problem are void.
        UsageError: A game asks a judge that is not bound, or a task holds a text that the solver cannot be shown.
    """
    starts: list[Start] = []
    for env_id, own in tasks.items():  # a judge that is missing stops this before anybody has answered
        given = (kwargs or {}).get(env_id, {})
        keywords = {**given, **make_game(env_id, **given).credit_keywords, "attempts": config.samples}
        referee.check_judges(make_game(env_id, **keywords).judges)
        chosen = own[: config.limit] if config.limit else own
        _check_shown(env_id, chosen, referee)
        starts += [
            Start(env_id, seed_of("evaluate", seed, env_id, i), keywords, {"task": dict(task)}) for i, task in enumerate(chosen)
        ]
    episodes = Collector(sampler, referee, config.sampling).collect(starts, ("evaluate", seed), on_round)
    correct: dict[str, list[list[float]]] = {}
    for episode in episodes:
        solvers = [played for played in episode.messages if played.slot.role == "solver"]
        correct.setdefault(episode.env_id, []).append(
            [np.nan if one.void else float(one.verdict.valid and one.verdict.score == 1.0) for one in solvers]
        )
    lost = [played.void for episode in episodes for played in episode.messages if played.void]
    if lost and any(np.isnan(rows).all(axis=1).any() for rows in correct.values()):
        raise AgentError(
            f"the evaluation has problems without any verdict ({len(lost)} samples are void, {lost[0]}): see that the "
            "sandbox works (`selfplay doctor`) and that every task holds (`selfplay check`), and run it again."
        )
    return EvalResult({env_id: np.array(rows) for env_id, rows in correct.items()})


def _check_shown(env_id: str, tasks: Sequence[Mapping[str, Any]], referee: Referee) -> None:
    """Refuses tasks that hold a reserved text: shown without it they would be others, and their answers wrong."""
    odd = [number for number, task in enumerate(tasks, 1) if not referee.can_be_shown(task)]
    if odd:
        raise UsageError(
            f"evaluation.tasks: {len(odd)} of {len(tasks)} tasks of {env_id} hold a text that the model's tokenizer reads as a "
            f"special token, so that they cannot be shown as they are (numbers {', '.join(map(str, odd[:10]))}"
            f"{', ...' if len(odd) > 10 else ''}); take them out of the file."
        )


def pass_at_k(correct: np.ndarray, k: int) -> np.ndarray:
    """1 - C(n - c, k) / C(n, k) per problem: the unbiased probability that one of k samples is right.

    Args:
        correct: float or bool (problems, n): 1 right, 0 wrong, NaN a sample that counts for nothing.
        k: 1 to n.

    Returns:
        float64 (problems,): NaN where fewer than k samples count.

    Raises:
        ValueError: k is outside 1 to n.

    See: Chen et al., Evaluating Large Language Models Trained on Code, arXiv 2107.03374, equation 1 and figure 3.
    """
    n = correct.shape[1]
    if not 1 <= k <= n:
        raise ValueError(f"k={k} is outside 1 to n={n} samples per problem; draw more samples.")
    counted = (~np.isnan(correct)).sum(axis=1)
    wrong = counted - np.nansum(correct, axis=1)
    miss = np.where(counted < k, np.nan, 1.0)
    for i in range(k):
        miss *= np.maximum(wrong - i, 0) / np.maximum(counted - i, 1)
    return 1.0 - miss


def bootstrap_difference(
    before: np.ndarray, after: np.ndarray, rng: np.random.Generator, *, resamples: int = 10_000, level: float = 0.95
) -> tuple[float, float, float]:
    """Mean of (after - before) over problems, and a percentile interval from resampling problems in pairs.

    Args:
        before: Score per problem, float (problems,).
        after: Scores of the same problems.
        rng: Draws the resamples.
        resamples: How many.
        level: Coverage of the interval.

    Returns:
        (mean, low, high).

    Raises:
        ValueError: The arrays are empty or of different shapes.
    """
    if before.shape != after.shape or before.ndim != 1 or not len(before):
        raise ValueError(f"before {before.shape} and after {after.shape} must score the same problems, one number each.")
    gain = after - before
    means = np.array([gain[rng.integers(0, len(gain), len(gain))].mean() for _ in range(resamples)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(gain.mean()), float(low), float(high)


def load_tasks(name: str, games: Sequence[GameMix] = ()) -> dict[str, list[dict[str, Any]]]:
    """Evaluation tasks by `EvalConfig.tasks`; of `games` only, where given.

    Raises:
        AgentError: The file is missing or a line is not a task; says which.
    """
    if name == "none":
        return {}
    found = _tiny_tasks() if name == "tiny" else _file_tasks(Path(name))
    wanted = {mix.env_id for mix in games}
    return {env_id: tasks for env_id, tasks in found.items() if not wanted or env_id in wanted}


def _tiny_tasks() -> dict[str, list[dict[str, Any]]]:
    """The tiny model's held-out programs: as pairs for deduction and abduction, as problems for induction."""
    folder = Path(__file__).parent / "tiny"
    pairs = [task.to_json() for task in read_azr_tasks(folder / "heldout_triplets.jsonl")]
    problems = [task.to_json() for task in read_azr_tasks(folder / "heldout_induction.jsonl")]
    return {"SelfPlay/Deduction-v0": pairs, "SelfPlay/Abduction-v0": pairs, "SelfPlay/Induction-v0": problems}


def _file_tasks(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.is_file():
        raise AgentError(
            f"evaluation.tasks={str(path)!r} is not a file; pass none, tiny, or a .jsonl file "
            'of {"env_id": ..., "task": {...}} lines.'
        )
    found: dict[str, list[dict[str, Any]]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            found.setdefault(row["env_id"], []).append(dict(row["task"]))
        except (ValueError, KeyError, TypeError) as error:
            raise AgentError(
                f'{path}:{number} is not a task line ({error!r}); write {{"env_id": ..., "task": {{...}}}}.'
            ) from None
    return found


def _powers_of_two(limit: int) -> list[int]:
    return [1 << i for i in range(limit.bit_length()) if 1 << i <= limit]
