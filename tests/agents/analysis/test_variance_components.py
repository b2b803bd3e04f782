"""Parts of a variance against a table summed up by hand, and against all outcomes of small ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from agents.analysis.variance_components import crossed_table, square_of_mean


def test_a_table_of_two_by_two_by_hand() -> None:
    # means: all 3.5, seeds 1.5 and 5.5, clusters 2 and 5, what is left +1 or -1; mean squares 16, 9 and 4
    table = crossed_table(np.array([[1.0, 2.0], [3.0, 8.0]]), ["a", "b"])
    assert table.mean == 3.5
    assert (table.of_seeds, table.of_clusters, table.of_both) == pytest.approx((16 / 4, 9 / 4, 4 / 4))
    assert table.residual_C.tolist() == pytest.approx([-1.5, 1.5])


def test_expected_parts_are_those_of_the_model() -> None:
    """Over all outcomes of seeds, clusters and interactions that are +1 or -1 times a known size."""
    S, C = 2, 2
    seen = []
    for signs in product((-1.0, 1.0), repeat=S + C + S * C):
        a, b, e = np.array(signs[:S]), np.array(signs[S : S + C]), np.array(signs[S + C :]).reshape(S, C)
        table = crossed_table(5.0 + 2.0 * a[:, None] + 3.0 * b + 0.5 * e, ["x", "y"])
        seen.append([table.of_seeds, table.of_clusters, table.of_both])
    both = 0.5**2 / (S * C)
    np.testing.assert_allclose(np.mean(seen, axis=0), [2.0**2 / S + both, 3.0**2 / C + both, both])


def test_the_variance_of_a_weighted_mean_is_unbiased() -> None:
    weights_C = np.array([1.5, 1.0, 0.4, 1.1])
    found, means = [], []
    for outcome in product((-1.0, 1.0), repeat=4):
        values_C = np.array(outcome)
        mean = (weights_C * values_C).sum() / 4
        means.append(mean)
        found.append(square_of_mean(weights_C * (values_C - mean), weights_C))
    assert np.mean(found) == pytest.approx(np.var(means))
    equal = np.array([3.0, 1.0, 0.0, 4.0])
    assert square_of_mean(equal - 2, np.ones(4)) == pytest.approx(equal.var(ddof=1) / 4)


def test_the_mean_weighs_problems_alike_whatever_the_size_of_their_clusters() -> None:
    values_SP = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
    table = crossed_table(values_SP, ["a", "b", "b", "b"])
    assert table.mean == pytest.approx(values_SP.mean())
    assert table.weights_C.tolist() == [0.5, 1.5]
    assert table.residual_C.sum() == pytest.approx(0)
    assert table.of_seeds == pytest.approx(np.var([0.25, 0.5], ddof=1) / 2)


def test_a_seed_that_is_better_everywhere_is_no_interaction_even_with_unequal_clusters() -> None:
    values_P = np.array([0.1, 0.7, 0.7, 0.7, 0.2, 0.2])
    table = crossed_table(np.stack([values_P, values_P + 0.3]), list("abbbcc"))
    assert table.of_both == pytest.approx(0, abs=1e-30)
    assert table.of_seeds == pytest.approx(0.15**2)


def test_problems_of_a_cluster_that_agree_are_no_more_than_one() -> None:
    rng = np.random.default_rng(0)
    values_SP = rng.random((3, 10))
    names = [str(i) for i in range(10)]
    alone = crossed_table(values_SP, names)
    twice = crossed_table(np.concatenate([values_SP, values_SP], axis=1), names * 2)
    for part in ("mean", "of_seeds", "of_clusters", "of_both"):
        assert getattr(twice, part) == pytest.approx(getattr(alone, part))


def test_clusters_without_weight_do_not_count() -> None:
    values_SP, weights_SP = np.array([[1.0, 0.0, 0.7], [0.0, 0.0, 0.2]]), np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 0.0]])
    with_it = crossed_table(values_SP, ["a", "b", "c"], weights_SP)
    without = crossed_table(values_SP[:, :2], ["a", "b"], weights_SP[:, :2])
    assert with_it.mean == without.mean == pytest.approx(1 / 5)
    assert (with_it.of_seeds, with_it.of_both) == (without.of_seeds, without.of_both)
    assert len(with_it.residual_C) == 2


def test_shapes_and_clusters_that_say_nothing() -> None:
    with pytest.raises(
        ValueError, match=r"values \(2, 3\) and weights \(2, 3\) must be of \(seeds, problems\), with one of the 2"
    ):
        crossed_table(np.zeros((2, 3)), ["a", "b"])
    with pytest.raises(ValueError, match="clusters=1: an interval over problems needs at least 2"):
        crossed_table(np.zeros((2, 3)), ["a", "a", "a"])
