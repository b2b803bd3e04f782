"""What a win rate would be if both answers were equally long: one logistic regression on the difference of lengths.

    logit P(win) = theta + phi tanh(d / s)

with d the difference of lengths of an instruction's answers and s the standard deviation of d over instructions; the rate at
equal length is sigmoid(theta). Fitted by maximum likelihood on values in [0, 1], of which 1/2 is half a win and half a loss.

See: Dubois et al., Length-Controlled AlpacaEval, arXiv 2404.04475, section 3. Deviation: AlpacaEval's logit has a further
term, the difficulty of each instruction, fitted on many models, and its fit is regularised; both are left out here, so that
numbers are not those of its leaderboard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_LOGIT = 12.0
"""A fit that goes further has no maximum: wins and losses can be told apart by length, or there is one of them alone."""
STEPS = 60


@dataclass(frozen=True, slots=True)
class LengthFit:
    """The rate at equal length with its interval, and the effect of length; NaN where there is no maximum."""

    rate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    phi: float = np.nan


def fit_length(value_N: np.ndarray, gap_N: np.ndarray, weight_RN: np.ndarray) -> LengthFit:
    """The fit over all instructions, and its 95 % interval over resamples of them.

    Args:
        value_N: In [0, 1].
        gap_N: Differences of lengths, the model's less the other's; where all are alike, length explains nothing (phi 0).
        weight_RN: How often each instruction is in each of R resamples.

    Returns:
        The fit; NaN where nothing is there or there is no maximum, an interval of NaN where more than one resample in twenty
        has none.
    """
    if not len(value_N):
        return LengthFit()
    spread = gap_N.std()
    x_N = np.tanh(gap_N / spread) if spread else np.zeros_like(gap_N)
    [[theta, phi]] = logistic(x_N, value_N, np.ones((1, len(value_N))))
    if np.isnan(theta):
        return LengthFit()
    rates_R = _sigmoid(logistic(x_N, value_N, weight_RN)[:, 0])
    low, high = np.nan, np.nan
    if np.isnan(rates_R).mean() <= 0.05:
        low, high = np.nanquantile(rates_R, [0.025, 0.975])
    return LengthFit(float(_sigmoid(theta)), float(low), float(high), float(phi))


def logistic(x_N: np.ndarray, y_N: np.ndarray, weight_RN: np.ndarray) -> np.ndarray:
    """Maximum-likelihood (theta, phi) of logit P = theta + phi x for R weightings at once, by Newton's method.

    Args:
        x_N: The covariate; where it is 0 throughout, phi is 0.
        y_N: In [0, 1].
        weight_RN: At least 0.

    Returns:
        float64 (R, 2); NaN where there is no maximum within `MAX_LOGIT`.
    """
    theta_R1, phi_R1 = np.zeros((2, len(weight_RN), 1))
    total_R1 = weight_RN.sum(axis=1, keepdims=True)
    found_R1 = np.zeros_like(total_R1, dtype=bool)
    for _ in range(STEPS):
        p_RN = _sigmoid(theta_R1 + phi_R1 * x_N)
        left_RN, curve_RN = weight_RN * (y_N - p_RN), weight_RN * p_RN * (1 - p_RN)
        slope_R1, slope_x_R1 = left_RN.sum(axis=1, keepdims=True), (left_RN @ x_N)[:, None]
        found_R1 = (np.maximum(abs(slope_R1), abs(slope_x_R1)) < 1e-9 * total_R1) & (abs(theta_R1) + abs(phi_R1) < MAX_LOGIT)
        if found_R1.all():
            break
        flat = 1e-9 * total_R1  # a covariate that is constant has no curvature, and no slope either
        a_R1, b_R1 = curve_RN.sum(axis=1, keepdims=True) + flat, (curve_RN @ x_N)[:, None]
        c_R1 = (curve_RN @ x_N**2)[:, None] + flat
        step_R2 = np.hstack([c_R1 * slope_R1 - b_R1 * slope_x_R1, a_R1 * slope_x_R1 - b_R1 * slope_R1])
        step_R2 /= a_R1 * c_R1 - b_R1**2
        step_R2 /= np.maximum(1.0, abs(step_R2).max(axis=1, keepdims=True))  # so that no step goes far beyond the maximum
        theta_R1, phi_R1 = (
            (at + step[:, None]).clip(-2 * MAX_LOGIT, 2 * MAX_LOGIT)
            for at, step in zip((theta_R1, phi_R1), step_R2.T, strict=True)
        )
    return np.where(found_R1, np.hstack([theta_R1, phi_R1]), np.nan)


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))
