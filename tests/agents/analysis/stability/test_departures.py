"""When a series leaves where it was, against hand-made series."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agents.analysis.stability.departures import FIRST, LASTING, departure, noise, onset


def half(reference: float, _: float) -> float:
    return reference / 2


def wave(rows: int) -> np.ndarray:
    """+0.01, -0.01, +0.01, ..."""
    return 0.01 * (-1.0) ** np.arange(rows)


def test_noise_is_that_of_single_rows_whatever_the_trend_and_the_jump() -> None:
    rng = np.random.default_rng(0)
    value_T = 0.3 * rng.normal(size=4_000)
    assert noise(value_T) == pytest.approx(0.3, rel=0.05)
    assert noise(value_T + 0.01 * np.arange(4_000) + 50 * (np.arange(4_000) > 2_000)) == pytest.approx(0.3, rel=0.05)
    assert noise(np.array([1.0])) == 0.0


def test_a_jump_is_found_at_its_row_with_its_numbers() -> None:
    value_T = np.where(np.arange(60) < 25, 1.0, 0.3) + wave(60)
    found = departure(value_T, -1, half)
    assert found is not None
    assert found.onset == 25
    assert (found.value, found.reference, found.limit) == (pytest.approx(0.3), pytest.approx(1.0), pytest.approx(0.5))
    assert found.until is None
    assert departure(value_T, 1, lambda *_: 2.0) is None


def test_a_ramp_is_dated_to_its_foot_not_to_where_it_crosses() -> None:
    """1 up to row 29, then 0.1 more per row: 2 is crossed at row 40, and the ramp began at row 30."""
    value_T = 1.0 + 0.1 * np.maximum(0, np.arange(60) - 29) + wave(60)
    found = departure(value_T, 1, lambda reference, _: 2 * reference)
    assert found is not None
    assert found.onset == 30
    assert found.limit == pytest.approx(2.0)


def test_a_break_is_not_dated_before_rows_that_were_as_good_as_ever() -> None:
    """A climb at the start, extrapolated, lies far above what follows; that is no fall."""
    climb = np.array([0.5, 0.6, 0.7, 0.8, 0.9])
    value_T = np.concatenate([climb, np.full(25, 0.95), np.full(30, 0.6)]) + 2 * wave(60)
    found = departure(value_T, -1, lambda reference, _: reference - 0.2, "best")
    assert found is not None
    assert found.onset == 30


def test_what_does_not_last_is_none_and_what_ends_says_so() -> None:
    value_T = np.ones(80)
    value_T[30 : 30 + LASTING - 3] = 0.0  # 5 of 8
    assert departure(value_T, -1, half) is None
    value_T[30:45] = 0.0
    found = departure(value_T, -1, half)
    assert found is not None
    assert (found.onset, found.until) == (30, 45)
    late_T = np.ones(80)
    late_T[-(LASTING - 1) :] = 0.0  # not yet seen to last
    assert departure(late_T, -1, half) is None


def test_the_limit_is_never_within_the_noise() -> None:
    """Rows of +-1 around 4 with sd 1.4826 * 2 / sqrt(2) = 2.1: half of 4 lies within three of them."""
    value_T = np.concatenate([np.full(20, 4.0), np.full(20, 1.5)]) + 100 * wave(40)
    assert departure(value_T, -1, half) is None
    assert departure(value_T / 100 + 3.96, -1, lambda *_: 3.99) is None


def test_the_best_so_far_is_a_reference_of_its_own() -> None:
    value_T = np.concatenate([np.full(20, 0.4), np.full(20, 1.0), np.full(20, 0.45)])
    assert departure(value_T, -1, half, "start") is None
    found = departure(value_T, -1, half, "best")
    assert found is not None
    assert (found.onset, found.reference) == (40, 1.0)
    low = departure(-value_T, 1, lambda reference, _: reference / 2, "best")  # the lowest is the best where rising is bad
    assert low is not None
    assert (low.onset, low.reference) == (40, -1.0)
    grown = departure(np.linspace(0, 3, 40), 1, lambda *_: 1.0, "zero")
    assert grown is not None
    assert grown.reference == 0.0


def test_too_few_rows_and_limits_at_infinity_are_no_departure() -> None:
    value_T = np.concatenate([np.ones(FIRST), np.zeros(LASTING)])
    assert departure(value_T, -1, half) is not None
    assert departure(value_T[1:], -1, half) is None
    assert departure(value_T, -1, lambda *_: -math.inf) is None


def test_only_breaks_in_the_direction_count() -> None:
    value_T = np.where(np.arange(40) < 20, 0.0, 1.0)
    assert onset(value_T, 1, latest=39) == 20
    assert onset(np.zeros(10), -1, latest=9) == 9
