"""Curves over the steps of runs, and their mean over the seeds of an arm, whatever is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from . import intervals

ENDS = 0.1
"""Share of the steps that the beginning and the end of a curve are means over."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, and its 95 % interval; both ends are None where nothing tells of its spread, as with one seed."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A number of one group of messages over the steps of one run."""

    group: str
    """The whole model or run, a role, or `role/task_type`."""
    steps: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedCurve:
    """The mean over the seeds of an arm, at the steps that all of them have."""

    arm: str
    group: str
    kind: str
    """What its values are."""
    seeds: int
    steps: Sequence[int]
    means: Sequence[Interval]
    first: Interval
    """Mean over the first tenth of the steps."""
    last: Interval
    change: Interval
    """Of `last` from `first`, seed by seed."""


def mean_over_seeds(values: Sequence[float]) -> Interval:
    """Mean of one number per seed, and Student's t interval with S - 1 degrees of freedom.

    Raises:
        ValueError: There are none.
    """
    if not values:
        raise ValueError("values is empty; give one number per seed.")
    return Interval(float(values[0])) if len(values) == 1 else where_known(intervals.mean_over_seeds(values))


def where_known(estimate: intervals.Estimate) -> Interval:
    """The estimate, without ends where all values are alike."""
    known = math.isfinite(estimate.low) and math.isfinite(estimate.high)
    return Interval(estimate.mean, estimate.low, estimate.high) if known else Interval(estimate.mean)


def seed_curve(arm: str, kind: str, curves: Sequence[Curve]) -> SeedCurve | None:
    """The mean of curves of one group, one per seed; None where they share no step."""
    at = [dict(zip(curve.steps, curve.values, strict=True)) for curve in curves]
    steps = sorted(set(at[0]).intersection(*at[1:]))
    if not steps:
        return None
    count = max(1, round(ENDS * len(steps)))
    first, last = ([sum(of[step] for step in ends) / count for of in at] for ends in (steps[:count], steps[-count:]))
    return SeedCurve(
        arm=arm,
        group=curves[0].group,
        kind=kind,
        seeds=len(curves),
        steps=steps,
        means=[mean_over_seeds([of[step] for of in at]) for step in steps],
        first=mean_over_seeds(first),
        last=mean_over_seeds(last),
        change=mean_over_seeds([end - start for start, end in zip(first, last, strict=True)]),
    )
