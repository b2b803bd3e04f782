"""A table of seeds by problems as parts of the variance of its mean: seeds, clusters of problems, and what both do together.

See: Searle, Casella and McCulloch, Variance Components (1992), chapter 4: two-way crossed classification, random effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class CrossedTable:
    """The mean of a table of S seeds and C clusters of problems, and estimates of what it varies with.

    With y_sc = mean + a_s + b_c + e_sc and clusters of equal size, E of_seeds = s2_a / S + s2_e / (S C), E of_clusters =
    s2_b / C + s2_e / (S C), and E of_both = s2_e / (S C).
    """

    mean: float
    seeds: int
    weights_C: np.ndarray
    """Size of each cluster over their mean size, averaged over seeds."""
    residual_C: np.ndarray
    """w_c (mean of the cluster over seeds - mean); they add up to 0."""
    of_seeds: float
    """Mean square of seeds / (S C); 0 for one seed, of whose chance nothing is known."""
    of_both: float
    """Mean square of the interaction / (S C); 0 for one seed, where it is a part of what clusters vary."""

    @property
    def of_clusters(self) -> float:
        """Mean square of clusters / (S C)."""
        return square_of_mean(self.residual_C, self.weights_C)


def crossed_table(values_SP: np.ndarray, clusters: Sequence[str], weights_SP: np.ndarray | None = None) -> CrossedTable:
    """Sums up a table of seeds and problems.

    The mean is sum(weights * values) / sum(weights), exactly, whatever the sizes of clusters. Unequal sizes enter the variance
    through the residuals of that mean, as those of a ratio do: exact with equal sizes, else to first order.

    Args:
        values_SP: Floats (seeds, problems).
        clusters: A name per problem, equal where problems are no independent evidence.
        weights_SP: Floats (seeds, problems), by default all 1; a cluster without weight counts for nothing.

    Raises:
        ValueError: There are fewer than two clusters with weight, or shapes do not match.

    See: Cochran, Sampling Techniques (1977), chapter 6: the variance of a ratio; chapter 9A: clusters of unequal size.
    """
    weights_SP = np.ones(values_SP.shape) if weights_SP is None else weights_SP
    if values_SP.ndim != 2 or values_SP.shape != weights_SP.shape or values_SP.shape[1] != len(clusters):
        raise ValueError(
            f"values {values_SP.shape} and weights {weights_SP.shape} must be of (seeds, problems), with one of the "
            f"{len(clusters)} names of clusters per problem."
        )
    cluster_of = np.unique(list(clusters), return_inverse=True)[1]
    sizes_SC, sums_SC = _summed(weights_SP, cluster_of), _summed(weights_SP * values_SP, cluster_of)
    has_weight_C = sizes_SC.sum(axis=0) > 0
    sizes_SC, sums_SC = sizes_SC[:, has_weight_C], sums_SC[:, has_weight_C]
    S, C = sizes_SC.shape
    if C < 2:
        raise ValueError(f"clusters={C}: an interval over problems needs at least 2 that are not about one program.")
    size, mean = float(sizes_SC.mean()), float(sums_SC.sum() / sizes_SC.sum())
    weights_C = sizes_SC.mean(axis=0) / size
    residual_SC = (sums_SC - mean * sizes_SC) / size
    if S == 1:
        return CrossedTable(mean, S, weights_C, residual_SC[0], 0.0, 0.0)
    size_S = sizes_SC.sum(axis=1)
    mean_S = np.divide(sums_SC.sum(axis=1), size_S, out=np.full(S, mean), where=size_S > 0)
    both_SC = (sums_SC - mean_S[:, None] * sizes_SC) / size
    both_SC = both_SC - both_SC.mean(axis=0)
    of_seeds = float((residual_SC.mean(axis=1) ** 2).sum()) / (S * (S - 1))
    of_both = sum(square_of_mean(both_C, weights_C) for both_C in both_SC) / (S * (S - 1))
    return CrossedTable(mean, S, weights_C, residual_SC.mean(axis=0), of_seeds, of_both)


def square_of_mean(residual_C: np.ndarray, weights_C: np.ndarray) -> float:
    """The variance of a weighted mean, from the residuals w_c (y_c - mean) of C independent values.

    With equal weights that is sum r^2 / (C (C - 1)). With y_c of equal variance s2, E sum r^2 = s2 (sum w^2 - 2 sum w^3 / C +
    (sum w^2)^2 / C^2), where the mean's variance is s2 sum w^2 / C^2: the ratio of the two makes it unbiased there.
    """
    C, squares = len(weights_C), float((weights_C**2).sum())
    expected = squares - 2 * float((weights_C**3).sum()) / C + squares**2 / C**2
    return float((residual_C**2).sum()) / C**2 * squares / expected


def _summed(values_SP: np.ndarray, cluster_of: np.ndarray) -> np.ndarray:
    """Sums over the problems of each cluster, (seeds, clusters)."""
    return np.stack([np.bincount(cluster_of, values_P) for values_P in values_SP])
