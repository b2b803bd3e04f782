"""Power against published numbers and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agents.analysis.intervals import crossed_mean, mean_over_seeds
from agents.analysis.power import MOST_SEEDS, detectable_effect, power_of, seeds_for


def test_power_of_a_known_design() -> None:
    """One sample, effect of half a standard deviation: 34 are the fewest for 80 %, as tables of the t test have it."""
    assert power_of(0.5, 1 / math.sqrt(34), 33) == pytest.approx(0.808, abs=0.001)
    assert power_of(0.5, 1 / math.sqrt(33), 32) < 0.8
    assert power_of(0.0, 1.0, 4) == pytest.approx(0.05)


def test_the_detectable_effect_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(0)
    found = mean_over_seeds([0.0, 1.0, 2.0, 3.0, 4.0])  # its spread is what is used
    effect = detectable_effect(found)
    assert effect is not None
    spread = math.sqrt(found.variance_of_a_seed)
    draws = rng.normal(effect, spread, (20_000, 5))
    t = draws.mean(axis=1) / (draws.std(axis=1, ddof=1) / math.sqrt(5))
    assert (np.abs(t) > 2.776).mean() == pytest.approx(0.8, abs=0.01)


def test_seeds_that_an_effect_takes() -> None:
    spread = mean_over_seeds([-1.0, 0.0, 1.0])
    assert spread.variance_of_a_seed == 1.0
    assert seeds_for(spread, 0.5) == seeds_for(spread, -0.5) == 34
    assert seeds_for(spread, 100.0) == 2
    assert seeds_for(spread, 0.0) is None


def test_seeds_do_not_help_where_problems_decide() -> None:
    values_P = np.random.default_rng(0).normal(0, 1, 50)
    found = crossed_mean(np.stack([values_P, values_P + 0.1, values_P - 0.1]), [str(i) for i in range(50)])
    assert found.variance_of_problems == pytest.approx(values_P.var(ddof=1) / 50)
    assert seeds_for(found, 0.3) is None  # no more than 0.14 * 2.8 can be found
    few = seeds_for(found, 0.6)
    assert few is not None
    error = math.sqrt(found.variance_of_problems + found.variance_of_a_seed / few)
    assert power_of(0.6, error, few - 1) >= 0.8


def test_what_is_not_known_is_none() -> None:
    alike = crossed_mean(np.zeros((3, 5)), list("abcde"), (-1.0, 1.0))
    assert detectable_effect(alike) is None
    assert seeds_for(alike, 0.1) is None
    one_seed = crossed_mean(np.array([[0.0, 1.0, 0.5]]), list("abc"))
    assert seeds_for(one_seed, 0.1) is None
    assert detectable_effect(one_seed) is not None


def test_no_more_seeds_are_looked_for_than_the_most() -> None:
    spread = mean_over_seeds([-1.0, 0.0, 1.0])
    found = seeds_for(spread, 2.8016 / math.sqrt(0.95 * MOST_SEEDS))
    assert found == pytest.approx(0.95 * MOST_SEEDS, rel=0.01)
    assert seeds_for(spread, 2.8016 / math.sqrt(1.2 * MOST_SEEDS)) is None
