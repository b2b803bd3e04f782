"""Scores that rise beside held-out results that do, or do not."""

from __future__ import annotations

import numpy as np
import pytest

from agents.analysis.seed_curves import Curve
from agents.analysis.stability.reward_drift import held_out, reward_drift

STEPS = list(range(1, 101))
EVALUATED = [0, 20, 40, 60, 80, 100]
FLAT_THEN_UP = [0.4 if step < 60 else 0.4 + 0.02 * (step - 59) for step in STEPS]


def score(values: list[float]) -> Curve:
    return Curve(group="solver", steps=STEPS, values=values)


def results(*values: float) -> Curve:
    return Curve(group="held-out", steps=EVALUATED, values=values)


def test_the_mean_over_games_takes_scores_where_there_are_some() -> None:
    rows = [
        {"step": 0, "A/pass@1": 0.2, "A/pass@4": 0.9, "B/pass@1": 0.0, "B/score": 0.6, "all/pass@1": 0.1},
        {"step": 10, "all/pass@1": 0.3},
        {"step": 20},
    ]
    found = held_out(rows)
    assert (found.steps, found.values) == ([0, 10], [pytest.approx(0.4), 0.3])


def test_a_score_that_leaves_flat_results_is_dated_to_its_bend() -> None:
    found = reward_drift(score(FLAT_THEN_UP), results(0.3, 0.3, 0.3, 0.3, 0.3, 0.3))
    assert found is not None
    assert found.step == 60
    assert found.before == pytest.approx(0.4)
    assert found.held_out == (0.3, 0.3)


def test_results_that_follow_or_come_later_are_no_drift() -> None:
    assert reward_drift(score(FLAT_THEN_UP), results(0.3, 0.3, 0.3, 0.3, 0.4, 0.5)) is None
    assert reward_drift(score(FLAT_THEN_UP), results(0.3, 0.3, 0.3, 0.3, 0.3, 0.5)) is None  # late, but after all
    assert reward_drift(score([0.4] * 100), results(0.3, 0.3, 0.3, 0.2, 0.1, 0.0)) is None  # nothing is earned by it


def test_results_that_stop_following_date_it_where_they_stopped() -> None:
    steady = [0.2 + 0.006 * step for step in STEPS]
    found = reward_drift(score(steady), results(0.1, 0.2, 0.3, 0.3, 0.3, 0.3))
    assert found is not None
    assert found.step == 40
    assert found.evaluated[0] == 40


def test_what_a_score_regains_is_no_drift() -> None:
    """Up to step 20 it is 0.8, then 0.4; the way back is not a new height."""
    swing = [0.8 if step <= 20 else value for step, value in zip(STEPS, FLAT_THEN_UP, strict=True)]
    capped = [min(0.85, value) for value in swing]
    assert reward_drift(score(capped), results(0.3, 0.3, 0.3, 0.3, 0.3, 0.3)) is None


def test_units_do_not_matter_nor_do_too_few_rows() -> None:
    large = score([100 * value - 90 for value in FLAT_THEN_UP])
    assert reward_drift(large, results(0.3, 0.3, 0.3, 0.3, 0.3, 0.3)) is not None
    assert reward_drift(score(FLAT_THEN_UP), Curve(group="held-out", steps=[0], values=[0.3])) is None
    short = Curve(group="solver", steps=[1, 2], values=[0.1, 0.9])
    assert reward_drift(short, Curve(group="held-out", steps=[0, 1, 2], values=[0.3, 0.3, 0.3])) is None


def test_noise_alone_is_no_drift() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        noisy = (0.3 + 0.1 * rng.normal(size=100)).tolist()
        assert reward_drift(score(noisy), results(*(0.3 + 0.01 * rng.normal(size=6)).tolist())) is None
