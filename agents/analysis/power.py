"""What an experiment could have seen: the smallest effect that its intervals find, and how many seeds an effect would take."""

from __future__ import annotations

import math

from scipy.special import nctdtr, stdtrit

from .intervals import LEVEL, Estimate

POWER = 0.8
"""Chance with which an effect shall be found."""
MOST_SEEDS = 10_000
"""More are not looked for."""
FAR = 5.0
"""Standard errors from which on a t on the wrong side has a chance below 1e-8, and scipy's function is not reliable there."""


def power_of(effect: float, standard_error: float, df: float) -> float:
    """Chance that a 95 % interval, mean +- t * standard error, excludes a margin from which the true mean is `effect` away.

    1 - F(t) + F(-t) with F the noncentral t distribution of noncentrality effect / standard error.

    See: Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 2.
    """
    t, shift = float(stdtrit(df, (1 + LEVEL) / 2)), abs(effect) / standard_error
    other_side = float(nctdtr(df, shift, -t)) if shift < FAR else 0.0
    return float(1 - nctdtr(df, shift, t)) + other_side


def detectable_effect(estimate: Estimate) -> float | None:
    """The smallest distance from a margin, in units of the mean, that as many seeds and problems find with a chance of 80 %.

    By bisection of `power_of`. None where all values are alike, and nothing is known of how they vary.
    """
    if estimate.alike or not math.isfinite(estimate.standard_error):
        return None
    low, high = 0.0, 1.0
    while power_of(high, 1.0, estimate.df) < POWER:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if power_of(middle, 1.0, estimate.df) < POWER else (low, middle)
    return high * estimate.standard_error


def seeds_for(estimate: Estimate, effect: float) -> int | None:
    """Seeds of each arm with which an effect would be found with a chance of 80 %, on as many problems.

    With S seeds the variance is variance_of_problems + variance_of_a_seed / S, and t has S - 1 degrees of freedom, or C - 1
    where those are fewer.

    Args:
        estimate: Whose variance components are taken for true.
        effect: Distance from the margin, such as the observed one.

    Returns:
        2 to `MOST_SEEDS`; None where so many do not either, but more problems might, or where nothing is known of seeds.
    """
    of_problems, of_a_seed = estimate.variance_of_problems, estimate.variance_of_a_seed
    if math.isnan(of_a_seed) or estimate.alike or not effect:
        return None

    def finds(seeds: int) -> bool:
        df = min(seeds - 1, estimate.clusters - 1) if estimate.clusters else seeds - 1
        return power_of(effect, math.sqrt(of_problems + of_a_seed / seeds), df) >= POWER

    low, high = 1, 2
    while not finds(high):
        if high == MOST_SEEDS:
            return None
        low, high = high, min(2 * high, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if finds(middle) else (middle, high)
    return high
