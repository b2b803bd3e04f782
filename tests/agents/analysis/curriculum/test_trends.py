"""Changes along lines: by hand, planted slopes that are found, and flat ones that are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from agents.analysis.curriculum.trends import line_through, trend_of

STEPS = range(10, 101, 10)


def test_a_line_by_hand() -> None:
    line = line_through([(1, 1.0), (2, 3.0), (3, 2.0)])  # slope 1/2, mean 2, residuals -1/2, 1, -1/2
    assert line is not None
    assert (line.first, line.last) == pytest.approx((1.5, 2.5))
    error = math.sqrt(1.5 / 1 / 2)
    assert line.half == pytest.approx(stats.t.ppf(0.975, 1) * error * 2)


def test_too_little_for_a_line_or_its_interval() -> None:
    assert line_through([]) is None
    assert line_through([(3, 1.0), (3, 2.0)]) is None
    two = trend_of([[(1, 0.0), (2, 1.0)]])
    assert two is not None
    assert (two.change, two.low, two.by, two.direction) == (1.0, None, "nothing", "unknown")
    assert trend_of([[], [(1, 1.0)]]) is None


def test_what_never_changes_neither_rises_nor_falls() -> None:
    flat = trend_of([[(step, 1.0) for step in STEPS]])
    assert flat is not None
    assert (flat.change, flat.low, flat.high, flat.direction) == (0.0, 0.0, 0.0, "neither")


def test_over_seeds_it_is_students_interval_of_the_changes() -> None:
    trend = trend_of([[(1, 0.0), (3, change)] for change in (1.0, 2.0, 3.0)])
    assert trend is not None
    half = stats.t.ppf(0.975, 2) * 1.0 / math.sqrt(3)
    assert (trend.runs, trend.by, trend.first, trend.last) == (3, "seeds", 0.0, 2.0)
    assert (trend.low, trend.high) == pytest.approx((2 - half, 2 + half))


def noisy(slope: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    return [(step, 0.5 + slope * step + 0.05 * rng.normal()) for step in STEPS]


@pytest.mark.parametrize("seeds", [1, 4])
def test_a_planted_rise_is_found_with_its_size(seeds: int) -> None:
    rng = np.random.default_rng(1)
    trends = [trend_of([noisy(0.004, rng) for _ in range(seeds)]) for _ in range(80)]
    known = [trend for trend in trends if trend is not None]
    assert all(trend.direction == "rising" for trend in known)
    assert np.mean([trend.change for trend in known]) == pytest.approx(0.36, abs=0.02)
    covered = np.mean([trend.low <= 0.36 <= trend.high for trend in known if trend.low is not None and trend.high is not None])
    assert 0.88 <= covered <= 1.0


@pytest.mark.parametrize("seeds", [1, 4])
def test_a_flat_one_seems_to_rise_or_fall_once_in_twenty(seeds: int) -> None:
    rng = np.random.default_rng(2)
    trends = [trend_of([noisy(0.0, rng) for _ in range(seeds)]) for _ in range(300)]
    wrong = np.mean([trend is not None and trend.direction != "neither" for trend in trends])
    assert 0.02 <= wrong <= 0.09
