"""Statistics of an evaluation: unbiased pass@k, and whether a difference between two policies is more than noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CHUNK = 500
"""Resamples that are drawn at once: a compromise of speed and memory."""


def powers_of_two(limit: int) -> list[int]:
    """1, 2, 4, ... up to `limit`: the k of pass@k wherever there are `limit` samples per problem."""
    return [1 << i for i in range(limit.bit_length()) if 1 << i <= limit]


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
    return pass_at_ks(np.nansum(correct, axis=1), (~np.isnan(correct)).sum(axis=1), [k])[..., 0]


def pass_at_ks(right: np.ndarray, counted: np.ndarray, ks: Sequence[int]) -> np.ndarray:
    """`pass_at_k` for several k at once, of problems whose answers are known as counts.

    C(n - c, k) / C(n, k) is the product over i < k of (n - c - i) / (n - i), whose first factors are those of every smaller k:
    all k together cost as much as the largest, and no binomial coefficient is ever as large as itself.

    Args:
        right: c, right answers, any shape (...).
        counted: n, answers that count; of the same shape.
        ks: K numbers from 1, in any order.

    Returns:
        float64 (..., K): NaN where fewer than k answers count.

    See: Chen et al., arXiv 2107.03374, equation 1.
    """
    rates = np.empty((*right.shape, len(ks)))
    wrong, miss, drawn = counted - right, np.ones(right.shape), 0
    for place in np.argsort(ks):
        for i in range(drawn, ks[place]):
            miss = miss * np.maximum(wrong - i, 0) / np.maximum(counted - i, 1)
        drawn = ks[place]
        rates[..., place] = np.where(counted < drawn, np.nan, 1.0 - miss)
    return rates


def bounds_without_spread(
    value: float, count: int, least: float, level: float = 0.95, most: float = 1.0
) -> tuple[float, float]:
    """Bounds of a mean of which `count` independent draws all had the same value, where a bootstrap would say: no doubt at all.

    Had other values a share s of the draws, all would be alike with probability (1 - s)^count; the largest s at which that is
    (1 - level) / 2 moves the mean to one end of the range or to the other. Of 0 right answers in n that is the interval of
    Clopper and Pearson, [0, 1 - 0.025^(1/n)], about 3.7 / n.

    Args:
        value: Of all draws.
        count: How many.
        least: Lowest value that there could be.
        level: Coverage.
        most: Highest value that there could be.

    Returns:
        (low, high).

    See: Clopper and Pearson, The use of confidence or fiducial limits, Biometrika 26 (1934).
    """
    share = 1 - ((1 - level) / 2) ** (1 / count)
    return value + share * (least - value), value + share * (most - value)


def bootstrap_difference(
    before: np.ndarray,
    after: np.ndarray,
    rng: np.random.Generator,
    *,
    clusters: Sequence[str] | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Mean of (after - before) over problems, and a percentile interval from resampling problems in pairs.

    Problems about the same program are not independent: with `clusters`, whole clusters are resampled, and a resample's mean
    is its sum of gains over its number of problems.

    Args:
        before: Score per problem, float (problems,).
        after: Scores of the same problems.
        rng: Draws the resamples.
        clusters: A name per problem, equal where problems hang together; None: every problem stands alone.
        resamples: How many.
        level: Coverage of the interval.

    Returns:
        (mean, low, high).

    Raises:
        ValueError: The arrays are empty, of different shapes, or `clusters` is of another length.

    See: Field and Welsh, Bootstrapping clustered data, J. R. Statist. Soc. B 69 (2007): the cluster bootstrap.
    """
    if before.shape != after.shape or before.ndim != 1 or not len(before):
        raise ValueError(f"before {before.shape} and after {after.shape} must score the same problems, one number each.")
    if clusters is not None and len(clusters) != len(before):
        raise ValueError(f"clusters={len(clusters)} names must be one per problem; there are {len(before)} problems.")
    gain = after - before
    cluster_of = np.arange(len(gain)) if clusters is None else np.unique(list(clusters), return_inverse=True)[1]
    sums, sizes = np.bincount(cluster_of, gain), np.bincount(cluster_of)
    means: list[np.ndarray] = []
    for start in range(0, resamples, CHUNK):
        drawn = rng.integers(0, len(sums), (min(CHUNK, resamples - start), len(sums)))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(gain.mean()), float(low), float(high)


def cluster_weights(names: Sequence[str], rng: np.random.Generator, resamples: int) -> np.ndarray:
    """How often each of N items is in each resample, where items of equal names are drawn together.

    Args:
        names: N names.
        rng: Draws as many clusters as there are, with replacement.
        resamples: R.

    Returns:
        float64 (R, N): a statistic weighted by a row is that of a resample.
    """
    cluster_N = np.unique(list(names), return_inverse=True)[1]
    count = int(cluster_N.max()) + 1
    return rng.multinomial(count, np.full(count, 1 / count), size=resamples)[:, cluster_N].astype(float)
