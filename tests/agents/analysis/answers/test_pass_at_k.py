"""Two arms' curves over k: against hand-computed differences, pairing, tests at several k."""

from __future__ import annotations

import numpy as np
import pytest

from agents.analysis.answers.pass_at_k import checked_ks, compare_pass_at_k, holm
from agents.analysis.answers.trials import Count, Trials, trials_of
from agents.analysis.intervals import GAIN, crossed_difference, crossed_mean
from selfplay_envs import UsageError
from tests.helpers.simulated_arms import Mix, draw_answers


def arm(name: str, right: dict[str, list[int]], samples: int = 8, programs: list[str] | None = None) -> Trials:
    """An arm by its seeds' right answers to problems 0, 1, ..."""
    seeds = {
        seed: {str(p): Count(c, samples, 0, programs[p] if programs else "") for p, c in enumerate(own)}
        for seed, own in right.items()
    }
    return trials_of(name, seeds)


def test_curves_and_differences_by_hand() -> None:
    base, trained = arm("base", {"b": [0, 4, 8, 2]}), arm("rl", {"s": [2, 4, 8, 8]})
    found = compare_pass_at_k(base, trained, [1, 2])
    first, second = found.points
    assert (first.base.mean, first.trained.mean) == pytest.approx((14 / 32, 22 / 32))
    # at k = 2: C(6,2) = 15, C(4,2) = 6 and C(8,2) = 28 pairs without a right answer, of 28
    assert second.base.mean == pytest.approx((0 + 22 / 28 + 1 + 13 / 28) / 4)
    assert second.difference.mean == pytest.approx((13 / 28 + 0 + 0 + 15 / 28) / 4)
    assert first.difference == crossed_mean(np.array([[0.25, 0.0, 0.0, 0.75]]), list("0123"), GAIN)
    assert (found.samples, found.problems, found.paired_seeds, found.names_programs) == (8, 4, False, False)


def test_seeds_that_both_have_are_paired_and_others_left_out() -> None:
    rng = np.random.default_rng(0)
    right = {seed: rng.integers(0, 9, 12).tolist() for seed in ("seed 1", "seed 2", "seed 3", "seed 7")}
    more = {seed: rng.integers(0, 9, 12).tolist() for seed in ("seed 2", "seed 9", "seed 3")}
    found = compare_pass_at_k(arm("base", right), arm("rl", more), [1])
    assert found.paired_seeds
    assert found.base_seeds == found.trained_seeds == ("seed 2", "seed 3")
    assert found.left_out == "Seeds that only one of both has are left out: seed 1, seed 7 of base; seed 9 of rl."
    gain_SP = np.array([more[s] for s in found.base_seeds]) / 8 - np.array([right[s] for s in found.base_seeds]) / 8
    assert found.points[0].difference == crossed_mean(gain_SP, [str(p) for p in range(12)], GAIN)


def test_seeds_of_other_names_are_not() -> None:
    rng = np.random.default_rng(0)
    right = {seed: rng.integers(0, 9, 12).tolist() for seed in ("a", "b", "c")}
    more = {seed: rng.integers(0, 9, 12).tolist() for seed in ("c", "d")}
    found = compare_pass_at_k(arm("base", right), arm("rl", more), [1])
    assert not found.paired_seeds
    base_SP, trained_SP = (np.array(list(own.values())) / 8 for own in (right, more))
    assert found.points[0].difference == crossed_difference(trained_SP, base_SP, [str(p) for p in range(12)], GAIN)


def test_a_base_beside_itself_differs_nowhere() -> None:
    base = arm("base", {"b": [0, 4, 8, 2]})
    found = compare_pass_at_k(base, base)
    assert [point.difference.mean for point in found.points] == [0, 0, 0]
    assert [point.adjusted_p for point in found.points] == [1, 1, 1]
    assert found.crossover is None


def test_sharpening_turns_and_the_tests_see_it() -> None:
    """A trained arm that is right always or never, beside a base that is right in a fifth of its answers everywhere."""
    base = arm("base", {"b": [13] * 80}, 64)
    trained = arm("rl", {s: ([64] * 40 + [0] * 40) for s in ("seed 1", "seed 2")}, 64)
    found = compare_pass_at_k(base, trained)
    assert [point.k for point in found.points] == [1, 2, 4, 8, 16, 32]
    assert found.crossover is not None
    assert found.crossover.k == pytest.approx(2 ** (1 + (0.5 - 0.367) / 0.235), rel=0.02)  # pass@2 is 0.367, pass@4 0.603
    assert found.points[-1].trained.mean == 0.5 < found.points[-1].base.mean
    assert found.solved.base_only == 40


def test_void_samples_leave_out_a_problem_where_too_few_are_left() -> None:
    counts = {str(p): Count(1, 8) for p in range(4)}
    trained = trials_of("rl", {"s": counts | {"0": Count(1, 3, 5)}})
    found = compare_pass_at_k(trials_of("base", {"b": counts}), trained, [1, 4])
    assert [point.problems for point in found.points] == [4, 3]
    assert found.samples == 8
    none = trials_of("rl", {"s": {str(p): Count(0, 1, 7) for p in range(4)}})
    with pytest.raises(UsageError, match="k=4: no problem has as many samples with a verdict in all files; choose a smaller k"):
        compare_pass_at_k(trials_of("base", {"b": counts}), none, [4])


def test_the_k_to_show() -> None:
    assert checked_ks((), 128) == [1, 2, 4, 8, 16, 32, 64]
    assert checked_ks((), 100) == [1, 2, 4, 8, 16, 32]
    assert checked_ks((8, 1, 8, 3), 16) == [1, 3, 8]
    with pytest.raises(
        UsageError, match="k=9 must be from 1 to half of the 16 samples per problem; choose up to 8, or draw more"
    ):
        checked_ks((1, 9), 16)
    with pytest.raises(UsageError, match="k=0 must be from 1"):
        checked_ks((0, 4), 16)
    with pytest.raises(UsageError, match="samples=1 per problem are too few"):
        checked_ks((), 1)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]


def test_holm_keeps_false_alarms_of_all_k_together_below_one_in_twenty() -> None:
    rng, single, adjusted = np.random.default_rng(4), 0, 0
    for _ in range(100):
        answers = draw_answers(Mix(seeds=0.0, clusters=0.5, both=0.0, gain=0.0), 2, 40, 32, rng)
        programs = answers.clusters
        arms = [
            arm("one", {"s": answers.trained_SP[0].tolist()}, 32, programs),
            arm("two", {"s": answers.base_P.tolist()}, 32, programs),
        ]
        points = compare_pass_at_k(*arms, [1, 2, 4, 8, 16]).points
        single += any(point.difference.p_value < 0.05 for point in points)
        adjusted += any(point.adjusted_p < 0.05 for point in points)
    assert adjusted / 100 <= 0.06
    assert single > adjusted
