"""Intervals of means where the seeds of training and the problems are both drawn by chance.

An arm that was trained with S seeds, each of which answered the same C clusters of problems, gives a table of S by C. Its mean
varies with the seeds that happened to be drawn, with the problems, and with what both do together:

    Var(mean) = s2_seed / S + s2_cluster / C + s2_both / (S C)

Each part is estimated from its mean square (`agents.analysis.variance_components`) and taken as 0 where it comes out negative.
The interval is mean +- t * sqrt(Var), t with S - 1 degrees of freedom, or C - 1 where those are fewer. Seeds are few and may
decide; where problems decide in truth, the interval of 3 seeds is about twice as wide as it need be. Satterthwaite's degrees of
freedom would make it narrower, and hold the truth in as few as 91 % of cases where seeds do decide, since a component that is
estimated from 3 seeds may come out small by chance (`tests/benchmarks/coverage.py` measures both). Of a single seed nothing is
known of others: its interval speaks of that one checkpoint, over problems.

A rate, which ends at 0 and 1, has its interval on the scale of logits (`RATE`); that of a difference is symmetric. Two limits:
with two or three seeds, the end towards 0.5 of a rate near 0 or 1 may lie far beyond it, since so few tell little of others; a
symmetric end is nearer, and too often short of the truth where seeds differ much. And the interval of a difference that is 0
for all problems but a few may be narrower than the one where it is 0 for all.

See: Searle, Casella and McCulloch, Variance Components (1992), chapter 4; Owen, The pigeonhole bootstrap, Ann. Appl. Stat. 1
(2007), arXiv 0712.1111: the same three parts, for tables whose rows and columns are both random; Korn and Graubard, Analysis of
Health Surveys (1999), section 3.2: logit intervals of rates from clusters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from ..evaluation.statistics import bounds_without_spread
from .variance_components import CrossedTable, crossed_table, square_of_mean

LEVEL = 0.95
"""Coverage of every interval."""
NO_SPREAD = 1e-12
"""Standard errors below it are those of values that are all alike."""
Bounds = tuple[float, float]
RATE, GAIN, ANYTHING = (0.0, 1.0), (-1.0, 1.0), (-math.inf, math.inf)
"""Lowest and highest value that there could be: of a rate, of a difference of rates, of any other number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean over seeds and problems; `low` to `high` is its 95 % interval."""

    mean: float
    low: float
    high: float
    standard_error: float
    """0 where all values are alike; the interval is that of `bounds_without_spread` then."""
    df: float
    """Degrees of freedom of t."""
    p_value: float
    """Two-sided, of the mean being 0."""
    seeds: int
    """S; of a difference of arms without common seeds, those of the arm that has fewer, but for one that has one."""
    clusters: int
    """C, groups of problems that are independent evidence; 0 for numbers of a seed as a whole."""
    variance_of_problems: float
    """s2_cluster / C: what would be left of the variance with any number of seeds."""
    variance_of_a_seed: float
    """s2_seed + s2_both / C, added up over arms without common seeds; NaN where no arm has two seeds."""

    @property
    def statistic(self) -> float:
        """Mean / standard error, called t; where all values are alike infinite, or 0 for a mean of 0."""
        if self.standard_error:
            return self.mean / self.standard_error
        return math.copysign(math.inf, self.mean) if self.mean else 0.0

    @property
    def alike(self) -> bool:
        """All values are the same, and t says nothing."""
        return not self.standard_error


def crossed_mean(
    values_SP: np.ndarray, clusters: Sequence[str], bounds: Bounds = ANYTHING, weights_SP: np.ndarray | None = None
) -> Estimate:
    """The mean of a table of seeds and problems, sum(weights * values) / sum(weights).

    Args:
        values_SP: Floats (seeds, problems), such as differences to a base that is paired by problem.
        clusters: A name per problem, equal where problems are no independent evidence.
        bounds: Lowest and highest value that there could be; the interval ends there at the latest.
        weights_SP: Floats (seeds, problems), by default all 1. A rate of rates, such as the share of what was solved once that
            is still solved, is the mean of 0 and 1 with the weight 1 for what was solved once, else 0.

    Raises:
        ValueError: There are fewer than two clusters with weight, or shapes do not match.
    """
    table = crossed_table(values_SP, clusters, weights_SP)
    return _combined(table.mean, table.of_clusters, [table], bounds)


def crossed_difference(first_SP: np.ndarray, second_SP: np.ndarray, clusters: Sequence[str], bounds: Bounds = GAIN) -> Estimate:
    """Mean of the first arm's table less that of the second, on the same problems, where their seeds have nothing in common.

    Problems are paired; each arm adds what its seeds vary. An arm of one seed is taken as it is, like a base model.

    Args:
        first_SP: Floats (seeds, problems).
        second_SP: Floats (other seeds, the same problems).
        clusters: A name per problem.
        bounds: As of `crossed_mean`.

    Raises:
        ValueError: As of `crossed_mean`.

    See: Welch, The generalization of Student's problem, Biometrika 34 (1947): degrees of freedom where both have seeds.
    """
    first, second = crossed_table(first_SP, clusters), crossed_table(second_SP, clusters)
    of_clusters = square_of_mean(first.residual_C - second.residual_C, first.weights_C)
    return _combined(first.mean - second.mean, of_clusters, [first, second], bounds)


def mean_over_seeds(values: Sequence[float], bounds: Bounds = ANYTHING) -> Estimate:
    """The mean of numbers of a seed as a whole, such as entropies: mean +- t(S - 1) * sd / sqrt(S).

    Raises:
        ValueError: There are fewer than two.
    """
    if len(values) < 2:
        raise ValueError(f"seeds={len(values)}: an interval over seeds needs at least 2.")
    return _of_seeds(float(np.mean(values)), [np.asarray(values, dtype=float)], bounds)


def difference_over_seeds(first: Mapping[str, float], second: Mapping[str, float], bounds: Bounds = ANYTHING) -> Estimate:
    """Mean of first less second, numbers by name of the seed: paired where two seeds or more are common, else Welch's t.

    Paired arms lose the seeds that only one of them has.

    Raises:
        ValueError: Nothing can be paired, and an arm has fewer than two seeds.

    See: Welch, The generalization of Student's problem, Biometrika 34 (1947).
    """
    common = [name for name in first if name in second]
    if len(common) > 1:
        return mean_over_seeds([first[name] - second[name] for name in common], bounds)
    arms = [np.array(list(values.values()), dtype=float) for values in (first, second)]
    if min(map(len, arms)) < 2:
        raise ValueError(f"seeds={len(arms[0])} and {len(arms[1])}: an interval over seeds needs at least 2 of each arm.")
    return _of_seeds(float(arms[0].mean() - arms[1].mean()), arms, bounds)


def _combined(mean: float, of_clusters: float, tables: Sequence[CrossedTable], bounds: Bounds) -> Estimate:
    """The parts put together; the seeds of several tables are independent, their clusters the same."""
    C, trained = len(tables[0].residual_C), [table for table in tables if table.seeds > 1]
    if not trained:
        return _with_interval(mean, (of_clusters, math.nan), of_clusters, C - 1.0, bounds, (1, C))
    of_problems = max(0.0, of_clusters - sum(table.of_both for table in trained))
    parts = [(table.seeds, max(table.of_seeds, table.of_both)) for table in trained]
    df = min(_welch([(table.seeds, table.of_seeds) for table in trained]), C - 1.0)
    return _joined(mean, of_problems, parts, df, bounds, C)


def _of_seeds(mean: float, arms: Sequence[np.ndarray], bounds: Bounds) -> Estimate:
    """The interval where there are no problems."""
    parts = [(len(values_S), float(values_S.var(ddof=1)) / len(values_S)) for values_S in arms]
    return _joined(mean, 0.0, parts, _welch(parts), bounds, 0)


def _joined(
    mean: float, of_problems: float, parts: Sequence[tuple[int, float]], df: float, bounds: Bounds, clusters: int
) -> Estimate:
    """Each of `parts` is an arm's number of seeds and the variance of its mean that comes from them."""
    of_a_seed = sum(count * part for count, part in parts)
    variance = of_problems + sum(part for _, part in parts)
    return _with_interval(mean, (of_problems, of_a_seed), variance, df, bounds, (min(count for count, _ in parts), clusters))


def _welch(parts: Sequence[tuple[int, float]]) -> float:
    """Degrees of freedom of a sum of variances, each (seeds, variance): S - 1 of one, Welch's of several."""
    total = sum(part for _, part in parts)
    if len(parts) == 1 or not total:
        return min(count for count, _ in parts) - 1.0
    return total**2 / sum(part**2 / (count - 1) for count, part in parts)


def _of_a_rate(mean: float, half: float) -> tuple[float, float]:
    """The interval of logit(mean), whose standard error is that of the mean over mean (1 - mean), as rates.

    Near 1 the sample whose mean came out high also has little spread, so that mean +- half too often ends below the truth.
    """
    logit, reach = math.log(mean / (1 - mean)), half / (mean * (1 - mean))
    return 1 / (1 + math.exp(min(reach - logit, 700.0))), 1 / (1 + math.exp(max(-reach - logit, -700.0)))


def _interval_of(mean: float, half: float, bounds: Bounds, clusters: int) -> tuple[float, float]:
    """Both ends; those of a rate of clusters are never nearer to it than if all of them had been alike."""
    least, most = bounds
    if bounds != RATE:
        return max(least, mean - half), min(most, mean + half)
    low, high = _of_a_rate(mean, half)
    if not clusters:
        return low, high
    lowest, highest = bounds_without_spread(mean, clusters, least, LEVEL, most)
    return min(low, lowest), max(high, highest)


def _with_interval(
    mean: float, parts: tuple[float, float], variance: float, df: float, bounds: Bounds, counts: tuple[int, int]
) -> Estimate:
    """Interval and p value of a mean; `counts` are of seeds and clusters."""
    least, most = bounds
    error = math.sqrt(variance)
    if error < NO_SPREAD:
        error, count = 0.0, counts[1] or counts[0]
        low, high = bounds if math.isinf(most - least) else bounds_without_spread(mean, count, least, LEVEL, most)
        way = most - mean if mean < 0 else mean - least
        p_value = min(1.0, 2 * (1 - abs(mean) / way) ** count) if mean else 1.0
    else:
        half = float(stdtrit(df, (1 + LEVEL) / 2)) * error
        low, high = _interval_of(mean, half, bounds, counts[1])
        p_value = float(2 * stdtr(df, -abs(mean) / error))
    return Estimate(
        mean=mean,
        low=low,
        high=high,
        standard_error=error,
        df=df,
        p_value=p_value,
        seeds=counts[0],
        clusters=counts[1],
        variance_of_problems=parts[0],
        variance_of_a_seed=parts[1],
    )
