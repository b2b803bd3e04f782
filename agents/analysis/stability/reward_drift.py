"""Whether the score of answers in training rises while held-out results do not: reward hacking, or ever easier tasks.

Both are divided by their scale (their largest level, or their range where that is larger), since a score and a share of solved
problems may have different units. The score has drifted between evaluations i and j where it rose by `RISE` of its scale, and
held-out results rose by less than `FOLLOWED` of that, at j and ever after. It rises from its highest level up to i: what it
regains is no drift. Where it bends upwards after i, the drift began there, else at i. A score is looked at, not a return: what
is charged for form is not skill, and levels off by itself.

See: Gao, Schulman and Hilton, Scaling Laws for Reward Model Overoptimization, arXiv 2210.10760 (the two come apart).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...runs.columns import Row
from ..seed_curves import Curve
from .departures import FIRST, LASTING, NOISES, noise, onset

RISE = 0.25
"""Of the scale: more than a score still creeps up once held-out results have reached their ceiling."""
FOLLOWED = 0.1
"""Share of that rise that held-out results must make, each relative to its level; healthy runs make a third and more."""
BEND = 0.25
"""Share of the squared errors of a straight line that a bend must take away to be one."""
RISEN = 0.9
"""Share of a rise after which its end is near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A score that left what held-out problems say."""

    step: int
    before: float
    """The highest score in training up to the first of both evaluations."""
    after: float
    """That around the second."""
    held_out: tuple[float, float]
    """Results then; the second is the best one at that evaluation or later."""
    evaluated: tuple[int, int]
    """Their steps."""


def held_out(rows: Sequence[Row]) -> Curve:
    """Mean over games of the score, where answers can be partly right, else of pass@1, at every evaluation that has them."""
    points: list[tuple[int, float]] = []
    for row in rows:
        games = [key.removesuffix("/pass@1") for key in row if key.endswith("/pass@1") and key != "all/pass@1"]
        values = [float(row.get(f"{game}/score", row[f"{game}/pass@1"])) for game in games]
        if not values and "all/pass@1" in row:
            values = [float(row["all/pass@1"])]
        if values:
            points.append((int(row["step"]), sum(values) / len(values)))
    return Curve(group="held-out", steps=[step for step, _ in points], values=[value for _, value in points])


def reward_drift(reward: Curve, evaluated: Curve) -> Drift | None:
    """The first drift of a score from held-out results; None where there is none."""
    step_T, value_T = np.array(reward.steps), np.array(reward.values)
    ends = [int(np.searchsorted(step_T, step, side="right")) for step in evaluated.steps]
    known = [place for place, end in enumerate(ends) if end > 0]
    if len(known) < 2 or len(value_T) < FIRST + LASTING:
        return None
    level_E = np.array([_level(value_T, end) for end in ends])
    result_E, highest_T = np.array(evaluated.values), _highest(value_T)
    reward_scale, result_scale = _scale(level_E[known]), _scale(result_E)
    least = max(RISE * reward_scale, NOISES * noise(value_T) * np.sqrt(2 / LASTING))
    for late in known[1:]:
        for early in known[: known.index(late)]:
            before, best = float(highest_T[ends[early] - 1]), float(result_E[late:].max())
            rise = level_E[late] - before
            followed = (best - result_E[early]) / result_scale if result_scale else 0.0
            if rise > least and followed < FOLLOWED * rise / reward_scale:
                return Drift(
                    step=int(step_T[_began(value_T, ends[early] - 1)]),
                    before=before,
                    after=float(level_E[late]),
                    held_out=(float(result_E[early]), best),
                    evaluated=(evaluated.steps[early], evaluated.steps[late]),
                )
    return None


def _scale(level_E: np.ndarray) -> float:
    return float(max(np.abs(level_E).max(), np.ptp(level_E)))


def _highest(value_T: np.ndarray) -> np.ndarray:
    """The highest level up to every row, medians of less than `LASTING` rows left out where there are others, (T,)."""
    medians = np.median(np.lib.stride_tricks.sliding_window_view(value_T, LASTING), axis=1)
    first = [_level(value_T, end) for end in range(1, LASTING)]
    return np.concatenate([first, np.maximum.accumulate(medians)])


def _level(value_T: np.ndarray, end: int) -> float:
    """Median of the rows up to an evaluation; NaN where there are none."""
    return float(np.median(value_T[max(0, end - LASTING) : end])) if end else np.nan


def _began(value_T: np.ndarray, early: int) -> int:
    """The row at which the score bends upwards after a row, or that row.

    The more of a rise is seen, the surer is its beginning; the level at which it ends would only hide it, so that rows count
    up to where `RISEN` of it is done.
    """
    medians = np.median(np.lib.stride_tricks.sliding_window_view(value_T, LASTING), axis=1)
    first = max(0, early + 1 - LASTING)
    risen = medians[first:] - medians[first]
    last = first + int(np.argmax(risen >= RISEN * risen.max())) + LASTING - 1
    row_T, until_T = np.arange(last + 1, dtype=np.float64), value_T[: last + 1]
    bend = onset(until_T, 1, latest=last, earliest=early)
    bent = _error(until_T, row_T, np.maximum(0.0, row_T - bend + 1), (row_T >= bend).astype(np.float64))
    return bend if bent < (1 - BEND) * _error(until_T, row_T) else early


def _error(value_T: np.ndarray, *columns_T: np.ndarray) -> float:
    """Sum of squares that a least-squares fit of some columns and a constant leaves."""
    design_TC = np.stack([np.ones_like(value_T), *columns_T], axis=1)
    weights, *_ = np.linalg.lstsq(design_TC, value_T, rcond=None)
    return float(np.sum((value_T - design_TC @ weights) ** 2))
