"""R = -a exp(H) + b on planted curves: exact without noise, inside the interval with it, and honest where nothing holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from agents.analysis.exponential_fit import fit_exponential

ENTROPY = [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]


def planted(runs: int, rng: np.random.Generator, *, of_run: float = 0.0, of_point: float = 0.0) -> tuple[list[float], ...]:
    """R = -0.2 exp(H) + 0.7, with an offset of every run and noise of every point."""
    entropy = [value + 0.01 * run for run in range(runs) for value in ENTROPY]
    offsets = np.repeat(rng.normal(0, of_run, runs), len(ENTROPY))
    solved = -0.2 * np.exp(entropy) + 0.7 + offsets + rng.normal(0, of_point, len(entropy))
    return entropy, solved.tolist(), [f"run-{run}" for run in range(runs) for _ in ENTROPY]


@pytest.mark.parametrize("runs", [1, 2, 4])
def test_a_curve_without_noise_is_found_exactly(runs: int) -> None:
    fit = fit_exponential(*planted(runs, np.random.default_rng(0)))
    assert (fit.a.value, fit.b.value, fit.ceiling.value) == pytest.approx((0.2, 0.7, 0.5))
    assert fit.r2 == pytest.approx(1.0)
    assert fit.error < 1e-12
    assert (fit.points, fit.runs) == (6 * runs, runs)
    assert fit.interval_by == ("runs" if runs > 2 else "points")
    assert fit.left_out_error is None if runs == 1 else fit.left_out_error < 1e-12
    assert (fit.at(0.0).value, fit.at(0.0).high) == pytest.approx((fit.ceiling.value, fit.ceiling.high))
    assert fit.at(0.5).value == pytest.approx(0.7 - 0.2 * np.exp(0.5))


def test_one_run_is_the_line_of_least_squares_with_its_interval() -> None:
    entropy, solved, runs = planted(1, np.random.default_rng(1), of_point=0.01)
    fit, line = fit_exponential(entropy, solved, runs), stats.linregress(np.exp(entropy), solved)
    width = stats.t.ppf(0.975, 4)
    assert fit.a.value == pytest.approx(-line.slope)
    assert fit.a.high - fit.a.value == pytest.approx(width * line.stderr)
    assert fit.b.high - fit.b.value == pytest.approx(width * line.intercept_stderr)
    assert fit.r2 == pytest.approx(line.rvalue**2)


def test_the_jackknife_over_runs_by_hand() -> None:
    """Three runs with the same entropies and offsets -0.03, 0, 0.03: a does not move, b varies as a mean of three does."""
    entropy, solved, runs = planted(3, np.random.default_rng(0))
    entropy = [value - 0.01 * (place // 6) for place, value in enumerate(entropy)]
    solved = [-0.2 * float(np.exp(value)) + 0.7 + (-0.03, 0.0, 0.03)[place // 6] for place, value in enumerate(entropy)]
    fit = fit_exponential(entropy, solved, runs)
    assert fit.a.high - fit.a.low == pytest.approx(0.0, abs=1e-9)
    assert fit.b.high - fit.b.value == pytest.approx(4.302653 * 0.03 / np.sqrt(3), abs=1e-5)
    assert fit.left_out_error == pytest.approx(np.sqrt((0.045**2 + 0 + 0.045**2) / 3))  # each is 1.5 times its offset away


def test_intervals_over_runs_cover_the_planted_numbers() -> None:
    """200 sets of five runs whose offsets differ: of the 95 % intervals of b - a at least 90 % hold the truth."""
    rng = np.random.default_rng(2)
    fits = [fit_exponential(*planted(5, rng, of_run=0.03, of_point=0.01)) for _ in range(200)]
    held = np.mean([fit.ceiling.low <= 0.5 <= fit.ceiling.high for fit in fits])
    assert held >= 0.9


def test_a_law_that_differs_between_runs_does_not_predict_the_run_left_out() -> None:
    entropy = ENTROPY * 4
    solved = [0.5 + sign * 0.3 * value for sign in (-1, 1, -1, 1) for value in ENTROPY]
    fit = fit_exponential(entropy, solved, [str(place // 6) for place in range(24)])
    assert fit.r2 == pytest.approx(0.0, abs=1e-9)
    assert fit.left_out_error is not None
    assert fit.left_out_error > 1.2 * fit.error
    assert fit.a.low < 0 < fit.a.high


def test_what_cannot_be_fitted_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^points: 3 .* 4 are the least"):
        fit_exponential([0.1, 0.2, 0.3], [0.1, 0.2, 0.3], ["a"] * 3)
    with pytest.raises(ValueError, match=r"^entropy: all points have the same"):
        fit_exponential([0.1] * 4, [0.1, 0.2, 0.3, 0.4], ["a"] * 4)
    with pytest.raises(ValueError, match="must be as many"):
        fit_exponential([0.1] * 4, [0.1] * 3, ["a"] * 4)
    assert np.isnan(fit_exponential(ENTROPY, [0.5] * 6, ["a"] * 6).r2)


def test_entropies_that_are_close_have_the_interval_of_the_straight_line() -> None:
    """x = exp(H) of 1e-7 apart: by hand in shifted x, where nothing is lost."""
    x = np.exp(0.5) + 1e-7 * np.arange(6)
    solved = np.array([0.3, 0.1, 0.4, 0.1, 0.5, 0.9])
    fit, line = fit_exponential(np.log(x).tolist(), solved.tolist(), ["run"] * 6), stats.linregress(np.arange(6), solved)
    width = stats.t.ppf(0.975, 4)
    assert fit.a.value == pytest.approx(-line.slope / 1e-7, rel=1e-5)
    assert fit.a.high - fit.a.value == pytest.approx(width * line.stderr / 1e-7, rel=1e-5)
    assert fit.b.high - fit.b.value == pytest.approx(width * line.stderr / 1e-7 * np.exp(0.5), rel=1e-5)
