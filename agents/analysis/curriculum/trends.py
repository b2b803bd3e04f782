"""Whether a number rises or falls over training: the change along a least-squares line, with its interval.

Each run gives one number, the change from its first to its last recorded step along the line through its values. Over the runs
of an arm this has Student's t interval over seeds. Of one run the interval is that of the line, t with n - 2 degrees of freedom
for n values: it takes what is left around the line as independent, and tells nothing of other seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np
from scipy import stats

from ..intervals import LEVEL
from ..seed_curves import mean_over_seeds

Direction = Literal["rising", "falling", "neither", "unknown"]
"""`unknown`: there is no interval that could say."""
Points = Sequence[tuple[float, float]]
"""Steps and values; several may be of one step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The least-squares line through values of one run."""

    first: float
    """Its value at the first step."""
    last: float
    """Its value at the last step."""
    half: float | None
    """Half the 95 % interval of `last - first`; None with two values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How a quantity changes over the recorded steps of the runs of an arm."""

    runs: int
    first: float
    """Mean over runs of the line at the first recorded step."""
    last: float
    """The same at the last one."""
    change: float
    low: float | None
    """`low` to `high` is the 95 % interval of the change; None where there is none."""
    high: float | None
    by: Literal["seeds", "line", "nothing"]
    """What the interval is over."""

    @property
    def direction(self) -> Direction:
        """What the interval says."""
        if self.low is None or self.high is None:
            return "unknown"
        return "rising" if self.low > 0 else "falling" if self.high < 0 else "neither"


def line_through(points: Points) -> Line | None:
    """The line through values of one run; None with fewer than two steps."""
    if len({step for step, _ in points}) < 2:
        return None
    step_N, value_N = np.asarray(points, dtype=float).T
    fit: Any = stats.linregress(step_N, value_N)
    first, last = float(step_N.min()), float(step_N.max())
    freedom = len(points) - 2
    error = fit.stderr if np.ptp(value_N) else 0.0  # of values that are all alike scipy has none
    half = float(stats.t.ppf((1 + LEVEL) / 2, freedom) * error * (last - first)) if freedom else None
    return Line(first=float(fit.intercept + fit.slope * first), last=float(fit.intercept + fit.slope * last), half=half)


def trend_of(runs: Sequence[Points]) -> Trend | None:
    """The change of a quantity over the runs of an arm; None where no run has two steps of it.

    Args:
        runs: The values of every run: a value per step, or one per proposal.
    """
    lines = [line for points in runs if (line := line_through(points)) is not None]
    if not lines:
        return None
    change = mean_over_seeds([line.last - line.first for line in lines])
    low, high, by = change.low, change.high, "seeds" if change.low is not None else "nothing"
    if len(lines) == 1 and (half := lines[0].half) is not None:
        low, high, by = change.mean - half, change.mean + half, "line"
    return Trend(
        runs=len(lines),
        first=fmean(line.first for line in lines),
        last=fmean(line.last for line in lines),
        change=change.mean,
        low=low,
        high=high,
        by=by,
    )
