"""The win rate at equal length: a planted effect of length is found and taken out, and what has no answer says so."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agents.evaluation.length_control import fit_length, logistic
from agents.evaluation.statistics import cluster_weights


def simulated(theta: float, phi: float, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values of duels whose judge likes length: the model's answers are longer by 300 characters on average."""
    rng = np.random.default_rng(seed)
    gap = rng.normal(300, 400, count)
    chance = 1 / (1 + np.exp(-(theta + phi * np.tanh(gap / gap.std()))))
    value = (rng.random((2, count)) < chance).mean(axis=0)  # two orders
    return value, gap, cluster_weights([str(i) for i in range(count)], rng, 100)


def test_a_planted_effect_of_length_is_recovered_and_taken_out() -> None:
    value, gap, weights = simulated(theta=-0.4, phi=1.5, count=4_000)
    fit = fit_length(value, gap, weights)
    true = 1 / (1 + math.exp(0.4))  # 0.401
    assert value.mean() > 0.55  # what the raw rate says of a model that is worse
    assert fit.rate == pytest.approx(true, abs=0.02)
    assert fit.phi == pytest.approx(1.5, abs=0.12)
    assert fit.low < true < fit.high
    assert fit.high - fit.low < 0.06


def test_without_an_effect_it_is_the_raw_rate() -> None:
    value, gap, weights = simulated(theta=0.3, phi=0.0, count=4_000, seed=2)
    fit = fit_length(value, gap, weights)
    assert fit.rate == pytest.approx(value.mean(), abs=0.02)
    assert fit.phi == pytest.approx(0.0, abs=0.12)


def test_the_maximum_by_hand() -> None:
    """Two groups at x = -1 and x = 1 with rates 1/4 and 3/4: theta -/+ phi = -/+ ln 3, so theta = 0 and phi = ln 3."""
    x = np.array([-1.0] * 4 + [1.0] * 4)
    y = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=float)
    [[theta, phi]] = logistic(x, y, np.ones((1, 8)))
    assert (theta, phi) == pytest.approx((0.0, math.log(3)), abs=1e-6)
    # the first group doubly weighted is that group twice, and changes nothing where each group fits its own rate
    weighted = logistic(x, y, np.array([[2.0] * 4 + [1.0] * 4]))
    assert weighted[0] == pytest.approx([0.0, math.log(3)], abs=1e-6)


def test_equal_lengths_leave_the_rate_as_it_is() -> None:
    value = np.array([1.0, 1.0, 0.5, 0.0])
    fit = fit_length(value, np.full(4, 7.0), np.ones((3, 4)))
    assert (fit.rate, fit.phi) == pytest.approx((0.625, 0.0), abs=1e-6)


@pytest.mark.parametrize(
    ("value", "gap"),
    [
        ([1, 1, 1, 1], [3, -2, 5, 1]),  # wins alone
        ([0, 0, 1, 1], [-3, -2, 2, 3]),  # the longer answer always wins
        ([], []),
    ],
)
def test_where_there_is_no_maximum_there_is_no_number(value: list[float], gap: list[float]) -> None:
    fit = fit_length(np.array(value, dtype=float), np.array(gap, dtype=float), np.ones((2, len(value))))
    assert all(math.isnan(number) for number in (fit.rate, fit.low, fit.high, fit.phi))
