"""Where a difference turns, and between which k that may be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.analysis.answers.crossover import Crossover, find_crossover
from agents.analysis.intervals import Estimate, crossed_mean, mean_over_seeds

SPREAD = mean_over_seeds([-1.0, 0.0, 1.0])


def differences(means: list[float], half: float) -> list[Estimate]:
    return [replace(SPREAD, mean=mean, low=mean - half, high=mean + half) for mean in means]


def test_the_turn_lies_on_a_straight_line_over_log2_k() -> None:
    # 0.2, 0.1, -0.1 at k = 1, 2, 4: half-way between 2 and 4 on the log2 axis
    assert find_crossover([1, 2, 4], differences([0.2, 0.1, -0.1], 0.05)) == Crossover(
        pytest.approx(2**1.5), pytest.approx(2**1.25), pytest.approx(2**1.75)
    )
    far = find_crossover([1, 16], differences([0.3, -0.1], 0.02))
    assert far is not None
    assert far.k == pytest.approx(2 ** (4 * 0.75))


def test_ends_that_no_k_bounds_are_open() -> None:
    assert find_crossover([1, 2, 4], differences([0.2, 0.1, -0.1], 0.3)) == Crossover(pytest.approx(2**1.5), None, None)
    low_only = find_crossover([1, 2, 4], differences([0.2, 0.1, -0.1], 0.15))
    assert low_only is not None
    # the lower bounds are 0.05 and -0.05 at k = 1 and 2; no upper bound is below 0
    assert (low_only.low, low_only.high) == (pytest.approx(2**0.5), None)


def test_there_is_none_where_it_does_not_turn_down() -> None:
    for means in ([0.2, 0.1, 0.05], [-0.1, -0.2], [-0.1, 0.1], [0.1, 0.0], [0.0, -0.1], [0.0, 0.0]):
        assert find_crossover([1, 2, 4][: len(means)], differences(means, 0.01)) is None


def test_the_first_turn_counts_and_zero_is_passed_through() -> None:
    first = find_crossover([1, 2, 4, 8], differences([0.1, -0.1, 0.1, -0.1], 0.01))
    assert first is not None
    assert first.k == pytest.approx(2**0.5)
    later = find_crossover([1, 2, 4], differences([-0.1, 0.1, -0.1], 0.01))
    assert later is not None
    assert later.k == pytest.approx(2**1.5)
    through = find_crossover([1, 2, 4], differences([0.1, 0.0, -0.1], 0.01))
    assert through is not None
    assert through.k == 2


def test_the_interval_holds_the_true_turn() -> None:
    """A difference of 0.3 - 0.1 log2 k on average, with seeds and clusters that shift it: it turns at k = 8."""
    rng, ks, held = np.random.default_rng(2), [1, 2, 4, 8, 16, 32, 64], 0
    for _ in range(200):
        shift_SP = 0.05 * rng.standard_normal((4, 1)) + 0.3 * rng.standard_normal(40)
        values = [0.3 - 0.1 * np.log2(k) + shift_SP + 0.1 * rng.standard_normal((4, 40)) for k in ks]
        found = find_crossover(ks, [crossed_mean(one, [str(p) for p in range(40)]) for one in values])
        held += found is not None and (found.low or 0) <= 8 <= (found.high or np.inf)
    assert held / 200 >= 0.93
