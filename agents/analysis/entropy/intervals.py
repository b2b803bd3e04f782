"""Intervals of means of entropies over tokens that lie together in the replies to one prompt.

Legend of shape suffixes: N tokens.
"""

from __future__ import annotations

import math

import numpy as np

from .. import intervals
from ..seed_curves import Interval, where_known


def mean_over_clusters(value_N: np.ndarray, cluster_N: np.ndarray, least: float = -math.inf) -> Interval:
    """Mean over tokens, and an interval that counts as independent only what lies in different clusters.

    A cluster's mean weighs as much as it has tokens; the variance is that of a ratio, Student's t with clusters - 1 degrees of
    freedom: see `agents.analysis.intervals.crossed_mean`, with one seed.

    Args:
        value_N: One number per token.
        cluster_N: Its cluster, such as the prompt: integers from 0.
        least: Lowest value that there could be, such as 0 of an entropy; the interval ends there at the latest.

    Raises:
        ValueError: There are no tokens.
    """
    if not len(value_N):
        raise ValueError("value_N is empty; there is no token to take a mean over.")
    sums, sizes = np.bincount(cluster_N, value_N.astype(np.float64)), np.bincount(cluster_N)
    sums, sizes = sums[sizes > 0], sizes[sizes > 0]
    if len(sizes) == 1:
        return Interval(float(sums[0] / sizes[0]))
    names = [str(number) for number in range(len(sizes))]
    bounds, sizes_1C = (least, math.inf), sizes[None].astype(np.float64)
    return where_known(intervals.crossed_mean((sums / sizes)[None], names, bounds, weights_SP=sizes_1C))
