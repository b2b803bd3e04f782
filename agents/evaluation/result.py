"""The result of an evaluation: scores per problem, and how many answers were right, wrong, unreadable, cut off or void."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .statistics import pass_at_k, powers_of_two


@dataclass(frozen=True, slots=True)
class EvalResult:
    """The samples of an evaluation, right or wrong."""

    correct: Mapping[str, np.ndarray]
    """Scores by game, float64 (problems, samples): 1 right, 0 wrong, NaN void: without a verdict, it counts for nothing."""
    programs: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Names of the problems by game (`task_key`): problems of equal names are about one program, no independent evidence."""
    wordings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Styles by game that prompts were worded in; games without styles are not in it."""
    cut_off: Mapping[str, int] = field(default_factory=dict[str, int])
    """Answers by game that ended at the limit of tokens: many mean that the limit is measured, not the model."""
    answers: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """Answers by game, each counted once: `right`; `cut_off`, others that ended at the limit of tokens; `unreadable`, others in
    which no answer was found; `wrong`; `void`."""
    unreadable: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])
    """Why no answer was found in them, by game, the commonest reason first."""
    by_answer: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    """Score of the verdict on every answer, float64 (problems, samples), NaN void; of games whose answers can be partly right,
    or are scored by a judge."""

    @property
    def values(self) -> dict[str, np.ndarray]:
        """Mean of these scores on every problem, float64 (problems,), NaN where all are void."""
        return {name: _mean_of_known(scores) for name, scores in self.by_answer.items()}

    def scores(self) -> dict[str, float]:
        """`GAME/pass@k` for k = 1, 2, 4, ... up to the number of samples, and the mean over games as `all/pass@k`.

        `GAME/score` too, the mean score of verdicts, of games that are in `by_answer`.
        """
        scores = {f"{env_id}/score": float(np.nanmean(values)) for env_id, values in self.values.items()}
        for k in powers_of_two(min((c.shape[1] for c in self.correct.values()), default=0)):
            rates = {env_id: pass_at_k(correct, k) for env_id, correct in self.correct.items()}
            means = {env_id: float(np.nanmean(rate)) for env_id, rate in rates.items() if not np.isnan(rate).all()}
            scores |= {f"{env_id}/pass@{k}": mean for env_id, mean in means.items()}
            if len(means) == len(rates):
                scores[f"all/pass@{k}"] = float(np.mean(list(means.values())))
        return scores

    def per_problem(self) -> np.ndarray:
        """Sampled pass@1 of every problem, games one after another, float64; NaN where all its samples are void."""
        return np.concatenate([pass_at_k(correct, 1) for correct in self.correct.values()])

    def to_json(self) -> dict[str, Any]:
        """Per game: right and (where there were some) void answers of every problem, samples asked, and what else is known.

        Scores are rounded to 6 digits; those of void answers are null.
        """
        values = self.values
        return {
            env_id: {
                "right": np.nansum(c, axis=1).astype(int).tolist(),
                "samples": c.shape[1],
                **({"void": np.isnan(c).sum(axis=1).tolist()} if np.isnan(c).any() else {}),
                **(
                    {"scores": _plain(values[env_id]), "by_answer": [_plain(row) for row in self.by_answer[env_id]]}
                    if env_id in values
                    else {}
                ),
                **({"programs": list(self.programs[env_id])} if env_id in self.programs else {}),
                **({"wording": self.wordings[env_id]} if env_id in self.wordings else {}),
                **({"cut_off": self.cut_off[env_id]} if self.cut_off.get(env_id) else {}),
                **({"answers": dict(self.answers[env_id])} if env_id in self.answers else {}),
                **({"unreadable": dict(self.unreadable[env_id])} if self.unreadable.get(env_id) else {}),
            }
            for env_id, c in self.correct.items()
        }


def _mean_of_known(scores: np.ndarray) -> np.ndarray:
    """Mean of every row over what is not NaN; NaN where nothing is."""
    return np.ma.masked_invalid(scores).mean(axis=1).filled(np.nan)


def _plain(scores: np.ndarray) -> list[float | None]:
    return [None if math.isnan(score) else round(score, 6) for score in scores.tolist()]
