"""Statistics of evaluations: against enumeration, hand-made numbers and simulation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from agents.statistics import bootstrap_difference, pass_at_k, powers_of_two


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_pass_at_k_is_the_share_of_k_subsets_with_a_right_answer(k: int) -> None:
    correct = np.array([[False] * 5, [True] + [False] * 4, [True, False, True, False, False], [True] * 5])
    expected = [np.mean([any(row[list(chosen)]) for chosen in combinations(range(5), k)]) for row in correct]
    np.testing.assert_allclose(pass_at_k(correct, k), expected)


def test_k_must_be_covered_by_samples() -> None:
    with pytest.raises(ValueError, match="k=6 is outside 1 to n=5"):
        pass_at_k(np.zeros((2, 5), dtype=bool), 6)


def test_every_power_of_two_that_the_samples_allow() -> None:
    assert [powers_of_two(limit) for limit in (0, 1, 2, 3, 4, 9)] == [[], [1], [1, 2], [1, 2], [1, 2, 4], [1, 2, 4, 8]]


def test_bootstrap_of_a_clear_gain_and_of_none() -> None:
    rng = np.random.default_rng(0)
    before = rng.random(200)
    mean, low, high = bootstrap_difference(before, before + 0.1 + 0.01 * rng.standard_normal(200), rng, resamples=500)
    assert low < mean < high
    assert low > 0.09
    mean, low, high = bootstrap_difference(before, rng.permutation(before), rng, resamples=500)
    assert low < 0 < high
    with pytest.raises(ValueError, match="must score the same problems"):
        bootstrap_difference(before, before[:5], rng)
    with pytest.raises(ValueError, match="clusters=3 names must be one per problem"):
        bootstrap_difference(before, before, rng, clusters=["a"] * 3)


def test_pairs_about_one_program_are_no_more_evidence_than_the_program_alone() -> None:
    rng = np.random.default_rng(1)
    gain = rng.standard_normal(80)
    none, names = np.zeros(80), [f"program {i:02}" for i in range(80)]
    alone = bootstrap_difference(none, gain, np.random.default_rng(5))
    twice = bootstrap_difference(
        np.zeros(160), np.concatenate([gain, gain]), np.random.default_rng(5), clusters=[*names, *names]
    )
    assert twice == pytest.approx(alone)
    naive = bootstrap_difference(np.zeros(160), np.concatenate([gain, gain]), np.random.default_rng(5))
    assert (naive[2] - naive[1]) / (alone[2] - alone[1]) == pytest.approx(2**-0.5, rel=0.05)


def test_clusters_of_unequal_size_by_enumeration() -> None:
    # clusters a (gains 1, 0) and b (gain 3): the resamples aa, ab, ba, bb have means 1/2, 4/3, 4/3, 3
    gain = np.array([1.0, 3.0, 0.0])
    mean, low, high = bootstrap_difference(np.zeros(3), gain, np.random.default_rng(0), clusters=["a", "b", "a"], level=0.9)
    assert (mean, low, high) == (pytest.approx(4 / 3), 0.5, 3.0)


@pytest.mark.parametrize(("clustered", "low", "high"), [(True, 0.91, 0.99), (False, 0.70, 0.88)])
def test_coverage_of_the_interval_where_two_task_types_share_programs(clustered: bool, low: float, high: float) -> None:
    rng = np.random.default_rng(2)
    names = [str(i) for i in range(60)] * 2
    covered = 0
    for _ in range(200):
        program = rng.standard_normal(60)
        gain = np.concatenate([program, program]) + 0.2 * rng.standard_normal(120)
        found = bootstrap_difference(np.zeros(120), gain, rng, clusters=names if clustered else None, resamples=200)
        covered += found[1] <= 0 <= found[2]
    assert low <= covered / 200 <= high
