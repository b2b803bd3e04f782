"""Proposer rewards by name: the value of a task to its proposer, given how often the solver panel solved it.

Every function maps `SolveStats` to a value in [0, 1] and is 0 where the panel always or never succeeded. The credit of such
extremes (AZR's code: -0.5; its paper: 0) is the game's keyword `extreme_credit`, not a shape. A function of your own is
`module:NAME`, a function `(stats, *, keyword=...) -> float` whose keywords are options of the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import SupportsFloat

from ..names.registry import Registry


@dataclass(frozen=True, slots=True)
class SolveStats:
    """A panel's success on one task: `solved` of `attempts`, so `rate` in [0, 1]."""

    solved: int
    attempts: int

    @property
    def rate(self) -> float:
        """Share of attempts that were right."""
        return self.solved / self.attempts

    @property
    def extreme(self) -> bool:
        """Whether all or none of the attempts were right: nothing to learn from."""
        return self.solved in (0, self.attempts)


Learnability = Callable[[SolveStats], float]


def one_minus(stats: SolveStats) -> float:
    """1 - p. See: Zhao et al., Absolute Zero, arXiv 2505.03335, eq. 4."""
    return 0.0 if stats.extreme else 1.0 - stats.rate


def half_peak(stats: SolveStats) -> float:
    """1 - 2|p - 1/2|. See: Chae et al., arXiv 2510.27072 (alternative reward); Huang et al., R-Zero, arXiv 2508.05004."""
    return 0.0 if stats.extreme else 1.0 - 2.0 * abs(stats.rate - 0.5)


def min_p(stats: SolveStats) -> float:
    """min(p, 1 - p), the reward of R-Zero's code (its paper: `half_peak`)."""
    return min(stats.rate, 1.0 - stats.rate)


def variance(stats: SolveStats) -> float:
    """4 p (1 - p), the panel's variance scaled to peak at 1."""
    return 4.0 * stats.rate * (1.0 - stats.rate)


def band(stats: SolveStats) -> float:
    """1 where 0 < p < 1. See: Chen et al., SQLM, arXiv 2508.03682."""
    return 0.0 if stats.extreme else 1.0


LEARNABILITY: Registry[Learnability] = Registry(
    "learnability",
    {f.__name__: f for f in (one_minus, half_peak, min_p, variance, band)},
    group="selfplay_envs.learnability",
    what="a function of SolveStats",
    fits=lambda shape: callable(shape) and _is_value(shape(SolveStats(1, 2))),
    takes=1,
)


def find_learnability(text: str) -> Learnability:
    """The proposer reward of that text: `NAME`, or `module:NAME` for a function of one's own, as in `mine:curve:peak=0.3`.

    It is tried on a task that half of the panel solved.

    Raises:
        UsageError: There is none, it has no such keyword, or it does not return a finite number.
    """
    return LEARNABILITY.find(text)


def _is_value(value: object) -> bool:
    if isinstance(value, SupportsFloat) and math.isfinite(float(value)):
        return True
    raise TypeError(f"it returns {value!r:.80} where one of two attempts was right; return a finite number")
