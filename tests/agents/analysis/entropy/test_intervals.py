"""Intervals over prompts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from agents.analysis.entropy.intervals import mean_over_clusters


def test_nothing_is_claimed_where_nothing_tells_of_the_spread() -> None:
    assert mean_over_clusters(np.array([1.0, 2.0]), np.array([3, 3])).low is None
    with pytest.raises(ValueError, match="value_N is empty"):
        mean_over_clusters(np.zeros(0), np.zeros(0, dtype=int))


def test_clusters_of_one_token_are_plain_student() -> None:
    value_N = np.random.default_rng(0).normal(size=20)
    found = mean_over_clusters(value_N, np.arange(20))
    low, high = stats.t.interval(0.95, 19, value_N.mean(), stats.sem(value_N))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_a_token_said_ten_times_tells_no_more() -> None:
    """Tokens of one prompt that are all alike are one piece of evidence: repeating them changes nothing."""
    value_N = np.random.default_rng(1).normal(size=12)
    once, often = (
        mean_over_clusters(value_N, np.arange(12)),
        mean_over_clusters(np.repeat(value_N, 10), np.repeat(np.arange(12), 10)),
    )
    assert often.mean == pytest.approx(once.mean)
    assert often.low == pytest.approx(once.low)


def test_clusters_weigh_as_many_tokens_as_they_have() -> None:
    assert mean_over_clusters(np.array([1.0, 1.0, 1.0, 5.0]), np.array([0, 0, 0, 1])).mean == 2.0
