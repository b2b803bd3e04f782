"""What arms solve: by hand, over seeds, and with unequal numbers of samples."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from agents.analysis.answers.solved_sets import solved_sets
from agents.analysis.answers.trials import Count, Trials, trials_of
from agents.analysis.intervals import mean_over_seeds


def arm(right: dict[str, list[int]], samples: int = 4, programs: list[str] | None = None) -> Trials:
    seeds = {
        seed: {str(p): Count(c, samples, 0, programs[p] if programs else "") for p, c in enumerate(own)}
        for seed, own in right.items()
    }
    return trials_of("arm", seeds)


def test_four_sets_and_three_rates_by_hand() -> None:
    # both, both, both, base only, trained only, trained only, neither
    found = solved_sets(arm({"b": [1, 2, 4, 1, 0, 0, 0]}), arm({"s": [4, 1, 1, 0, 1, 3, 0]}), 4)
    assert (found.both, found.base_only, found.trained_only, found.neither, found.problems) == (3, 1, 2, 1, 7)
    assert found.retention is not None
    assert found.discovery is not None
    assert found.net_change is not None
    assert found.retention.mean == pytest.approx(3 / 4)
    assert found.discovery.mean == pytest.approx(2 / 5)
    assert found.net_change.mean == pytest.approx((2 - 1) / 6)
    # of one seed, over the four problems that the base solves: the variance of a share of 3 in 4
    assert found.retention.standard_error == pytest.approx((np.var([1, 1, 1, 0], ddof=1) / 4) ** 0.5)
    assert found.retention.clusters == 4


def test_counts_are_means_over_seeds_and_rates_pool_them() -> None:
    found = solved_sets(arm({"b": [1, 1, 1, 0]}), arm({"s": [1, 1, 1, 0], "t": [1, 0, 0, 2]}), 4)
    assert (found.both, found.base_only, found.trained_only, found.neither) == (2, 1, 0.5, 0.5)
    assert found.retention is not None
    assert found.discovery is not None
    assert found.retention.mean == pytest.approx(4 / 6)
    assert found.discovery.mean == pytest.approx(1 / 5)
    assert found.retention.seeds == 2


def test_where_problems_are_alike_the_rate_varies_as_its_seeds_do() -> None:
    base = arm({"b": [1] * 4}, programs=["p", "p", "q", "q"])
    trained = arm({"s": [1, 0, 1, 0], "t": [1, 1, 1, 1], "u": [1, 1, 1, 1]}, programs=["p", "p", "q", "q"])
    found = solved_sets(base, trained, 4).retention
    assert found is not None
    assert found.standard_error == pytest.approx(mean_over_seeds([0.5, 1.0, 1.0]).standard_error)


def test_seeds_in_pairs_or_each_beside_the_mean_of_the_base() -> None:
    base, trained = arm({"s": [1, 0, 1], "t": [0, 1, 1]}), arm({"s": [1, 0, 1], "t": [0, 1, 1]})
    pairs, crossed = solved_sets(base, trained, 4, paired=True), solved_sets(base, trained, 4)
    assert (pairs.both, pairs.base_only, pairs.trained_only, pairs.neither) == (2, 0, 0, 1)
    assert (crossed.both, crossed.base_only, crossed.trained_only, crossed.neither) == (1.5, 0.5, 0.5, 0.5)


def test_more_samples_count_as_so_many_drawn_from_them() -> None:
    base, trained = arm({"b": [1, 1, 0]}, 4), arm({"s": [3, 8, 1]}, 8)
    found = solved_sets(base, trained, 4)
    chances = [1 - comb(5, 4) / comb(8, 4), 1.0, 1 - comb(7, 4) / comb(8, 4)]
    assert found.both == pytest.approx(chances[0] + chances[1])
    assert found.trained_only == pytest.approx(chances[2])
    assert found.both + found.base_only + found.trained_only + found.neither == pytest.approx(3)


def test_void_samples_count_for_nothing() -> None:
    base = trials_of("base", {"b": {"x": Count(1, 4), "y": Count(0, 4), "z": Count(0, 2, 2), "w": Count(0, 0, 4)}})
    trained = trials_of("rl", {"s": {"x": Count(1, 3, 1), "y": Count(1, 4), "z": Count(1, 4), "w": Count(1, 4)}})
    found = solved_sets(base, trained, 4)
    assert (found.problems, found.both, found.trained_only, found.neither) == (3, 1, 2, 0)


def test_a_rate_of_nothing_is_none_and_of_all_leaves_doubt() -> None:
    nothing = solved_sets(arm({"b": [0, 0, 0]}), arm({"s": [0, 1, 1]}), 4)
    assert nothing.retention is None
    assert nothing.discovery is not None
    assert (nothing.discovery.mean, nothing.discovery.high) == (1.0, 1.0)
    assert nothing.discovery.low == pytest.approx(1 - (1 - 0.025 ** (1 / 2)))
