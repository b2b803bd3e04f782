"""Intervals over seeds and problems: by hand, against scipy's tests, and how often they hold what they ought to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from agents.analysis.intervals import (
    ANYTHING,
    GAIN,
    RATE,
    Estimate,
    crossed_difference,
    crossed_mean,
    difference_over_seeds,
    mean_over_seeds,
)
from agents.evaluation.statistics import pass_at_ks
from tests.helpers.simulated_arms import MIXES, Answers, Mix, draw_answers, true_pass_at_k


def test_an_interval_by_hand() -> None:
    # parts 16/4 of seeds, 9/4 of clusters, 4/4 of both: variance 4 + 9/4 - 1, and t has 1 degree of freedom
    found = crossed_mean(np.array([[1.0, 2.0], [3.0, 8.0]]), ["a", "b"])
    half = math.tan(math.pi * 0.475) * math.sqrt(5.25)  # Cauchy's quantile
    assert (found.mean, found.df, found.seeds, found.clusters) == (3.5, 1, 2, 2)
    assert (found.low, found.high) == pytest.approx((3.5 - half, 3.5 + half))
    assert (found.variance_of_problems, found.variance_of_a_seed) == pytest.approx((1.25, 8.0))
    assert found.statistic == pytest.approx(3.5 / math.sqrt(5.25))
    assert found.p_value == pytest.approx(2 * (0.5 - math.atan(found.statistic) / math.pi))


def test_negative_components_are_floored() -> None:
    # seeds alike on average and clusters too, so that all is interaction: one that is not less than its own mean square
    found = crossed_mean(np.array([[1.0, -1.0], [-1.0, 1.0]]), ["a", "b"])
    assert found.standard_error == pytest.approx(1.0)  # 4 / 1 / (S C)
    assert found.variance_of_problems == 0


def test_one_seed_is_the_t_test_over_clusters() -> None:
    values_P = np.random.default_rng(0).normal(0.3, 1, 25)
    found = crossed_mean(values_P[None], [str(i) for i in range(25)])
    theirs = stats.ttest_1samp(values_P, 0)
    assert (found.statistic, found.p_value, found.df) == pytest.approx((theirs.statistic, theirs.pvalue, 24))
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert math.isnan(found.variance_of_a_seed)


def test_fewer_clusters_than_seeds_decide_the_degrees_of_freedom() -> None:
    values_SP = np.random.default_rng(0).random((9, 4))
    assert crossed_mean(values_SP, list("abcd")).df == 3
    assert crossed_mean(values_SP[:3], list("abcd")).df == 2


def test_bounds_end_an_interval() -> None:
    values_SP = np.array([[0.9, 1.0, 0.2], [1.0, 0.9, 1.0]])
    assert crossed_mean(values_SP, list("abc"), ANYTHING).high > 1.0
    assert crossed_mean(values_SP, list("abc"), GAIN).high == 1.0
    assert crossed_mean(-values_SP, list("abc"), GAIN).low == -1.0


def test_the_interval_of_a_rate_is_symmetric_in_logits() -> None:
    values_SP = np.array([[0.9, 1.0, 0.2, 1.0], [1.0, 0.9, 1.0, 0.8]])
    plain, rate = (crossed_mean(values_SP, list("abcd"), bounds) for bounds in (ANYTHING, RATE))
    assert (rate.mean, rate.standard_error, rate.p_value) == (plain.mean, plain.standard_error, plain.p_value)
    low, middle, high = (math.log(p / (1 - p)) for p in (rate.low, rate.mean, rate.high))
    assert high - middle == pytest.approx(middle - low)
    assert high - middle == pytest.approx((plain.high - plain.mean) / (rate.mean * (1 - rate.mean)))
    turned = crossed_mean(1 - values_SP, list("abcd"), RATE)
    assert (turned.low, turned.high) == pytest.approx((1 - rate.high, 1 - rate.low))


def test_values_that_are_all_alike_leave_doubt() -> None:
    names = [str(i) for i in range(40)]
    none = crossed_mean(np.zeros((3, 40)), names, GAIN)
    share = 1 - 0.025 ** (1 / 40)
    assert none.alike
    assert (none.low, none.high, none.p_value, none.statistic) == (pytest.approx(-share), pytest.approx(share), 1.0, 0.0)
    some = crossed_mean(np.full((1, 40), 0.05), names, GAIN)
    assert some.low < 0 < some.p_value  # 40 problems do not prove a gain of 0.05
    assert some.p_value == pytest.approx(2 * (1 - 0.05 / 1.05) ** 40)
    assert crossed_mean(np.full((1, 40), 0.2), names, GAIN).low > 0
    assert (mean_over_seeds([2.0, 2.0]).low, mean_over_seeds([2.0, 2.0]).high) == ANYTHING


def test_a_difference_to_a_base_of_one_seed_is_that_of_each_problem() -> None:
    rng = np.random.default_rng(1)
    first_SP, base_SP, names = rng.random((4, 30)), rng.random((1, 30)), [str(i // 3) for i in range(30)]
    found, back = crossed_difference(first_SP, base_SP, names), crossed_difference(base_SP, first_SP, names)
    assert astuple(found) == pytest.approx(astuple(crossed_mean(first_SP - base_SP, names, GAIN)))
    assert (back.mean, back.low, back.high) == pytest.approx((-found.mean, -found.high, -found.low))


def test_two_arms_of_seeds_without_spread_over_problems_are_welch_s_test() -> None:
    first_S, second_S = np.array([0.3, 0.5, 0.45]), np.array([0.2, 0.1, 0.7, 0.3, 0.35])
    names = [str(i) for i in range(50)]
    found = crossed_difference(np.tile(first_S[:, None], 50), np.tile(second_S[:, None], 50), names)
    theirs = stats.ttest_ind(first_S, second_S, equal_var=False)
    assert (found.statistic, found.p_value, found.df) == pytest.approx((theirs.statistic, theirs.pvalue, theirs.df))
    alone = difference_over_seeds(dict(zip("abc", first_S, strict=True)), dict(zip("vwxyz", second_S, strict=True)))
    assert (alone.statistic, alone.p_value, alone.df) == pytest.approx((theirs.statistic, theirs.pvalue, theirs.df))
    assert alone.variance_of_a_seed == pytest.approx(first_S.var(ddof=1) + second_S.var(ddof=1))


def test_numbers_of_common_seeds_are_paired() -> None:
    first, second = {"1": 1.0, "2": 2.0, "3": 4.0, "9": 7.0}, {"3": 3.0, "1": 0.5, "2": 1.0}
    found, theirs = difference_over_seeds(first, second), stats.ttest_rel([1.0, 2.0, 4.0], [0.5, 1.0, 3.0])
    assert (found.statistic, found.p_value, found.seeds) == pytest.approx((theirs.statistic, theirs.pvalue, 3))
    assert found.clusters == 0


def test_too_few_seeds_are_one_sentence() -> None:
    with pytest.raises(ValueError, match="seeds=1: an interval over seeds needs at least 2"):
        mean_over_seeds([1.0])
    with pytest.raises(ValueError, match="seeds=2 and 1: an interval over seeds needs at least 2 of each arm"):
        difference_over_seeds({"1": 1.0, "2": 2.0}, {"3": 1.0})


KS = [1, 8, 64]


def coverage(mix: str, seeds: int, interval: Callable[[np.ndarray, Answers, tuple[float, float]], Estimate]) -> float:
    """The least over levels and differences at each k of 200 experiments: how often the interval holds the truth."""
    rng, held = np.random.default_rng(7), np.zeros((2, len(KS)))
    levels = [true_pass_at_k(MIXES[mix], k) for k in KS]
    gains = [level - true_pass_at_k(None, k) for level, k in zip(levels, KS, strict=True)]
    for _ in range(200):
        answers = draw_answers(MIXES[mix], seeds, 60, 128, rng)
        base, trained = (pass_at_ks(right, np.full(right.shape, 128), KS) for right in (answers.base_P, answers.trained_SP))
        for place in range(len(KS)):
            of_level = interval(trained[..., place], answers, RATE)
            of_gain = interval(trained[..., place] - base[..., place], answers, GAIN)
            held[0, place] += of_level.low <= levels[place] <= of_level.high
            held[1, place] += of_gain.low <= gains[place] <= of_gain.high
    return float(held.min()) / 200


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("mix", MIXES)
def test_coverage_where_seeds_or_problems_or_both_decide(mix: str, seeds: int) -> None:
    assert coverage(mix, seeds, lambda values_SP, answers, bounds: crossed_mean(values_SP, answers.clusters, bounds)) >= 0.93


def test_an_interval_over_problems_alone_misses_where_seeds_decide() -> None:
    def of_means(values_SP: np.ndarray, answers: Answers, bounds: tuple[float, float]) -> Estimate:
        return crossed_mean(values_SP.mean(axis=0)[None], answers.clusters, bounds)

    assert coverage("seeds dominate", 3, of_means) < 0.5


def test_an_interval_over_seeds_alone_misses_where_problems_decide() -> None:
    def of_means(values_SP: np.ndarray, answers: Answers, bounds: tuple[float, float]) -> Estimate:
        return mean_over_seeds(values_SP.mean(axis=1).tolist(), bounds)

    assert coverage("problems dominate", 5, of_means) < 0.6


def test_a_rate_that_is_not_quite_0_is_no_surer_than_one_that_is() -> None:
    names = [str(place) for place in range(360)]
    none_SP, one_SP = np.zeros((1, 360)), np.zeros((1, 360))
    one_SP[0, 7] = 1 / 128
    none, one = (crossed_mean(values_SP, names, RATE) for values_SP in (none_SP, one_SP))
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 360))
    assert none.high <= one.high == pytest.approx(one.mean + none.high * (1 - one.mean))
    all_but_one = crossed_mean(1 - one_SP, names, RATE)
    assert (all_but_one.low, all_but_one.high) == pytest.approx((1 - one.high, 1 - one.low))
    assert one.low < one.mean


def test_a_symmetric_end_of_a_rate_is_too_often_short_of_the_truth_where_seeds_differ_much() -> None:
    """Why the far end of a rate that is near 0 or 1 in three seeds is not brought nearer."""
    mix, rng, held = Mix(seeds=1.5, clusters=0.2, both=0.1), np.random.default_rng(3), np.zeros(2)
    truth = true_pass_at_k(mix, 64)
    for _ in range(200):
        answers = draw_answers(mix, 3, 60, 128, rng)
        [rates_SP] = np.moveaxis(pass_at_ks(answers.trained_SP, np.full(answers.trained_SP.shape, 128), [64]), -1, 0)
        for place, bounds in enumerate((RATE, ANYTHING)):
            found = crossed_mean(rates_SP, answers.clusters, bounds)
            held[place] += found.low <= truth <= found.high
    assert held[0] >= 0.93 * 200
    assert held[1] < 0.88 * 200
