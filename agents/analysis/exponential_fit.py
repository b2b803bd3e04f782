"""The law R = -a exp(H) + b between what is solved and the entropy of the policy, by least squares, with intervals.

It is a straight line in x = exp(H), so that least squares are exact. The ceiling b - a is what R would be with no entropy left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

LEAST_POINTS = 4
LEAST_RUNS = 3
"""With fewer, the spread between runs says too little, and the interval is that of independent points."""
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A number of the fit, and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialFit:
    """R = -a exp(H) + b."""

    points: int
    runs: int
    a: Coefficient
    b: Coefficient
    ceiling: Coefficient
    """b - a: R at H = 0."""
    r2: float
    """Share of the variance of R that the fit explains; NaN where R does not vary."""
    error: float
    """Root mean square of what it leaves, in units of R."""
    left_out_error: float | None
    """The same where every run is predicted by the fit to all others; None with one run, or where others do not fix a fit."""
    interval_by: str
    """`runs`: the jackknife over runs, Student's t with runs - 1 degrees of freedom. `points`: Student's t of least squares,
    points - 2 degrees of freedom, as if points of one run were independent, which is too narrow where they are not."""
    covariance: tuple[tuple[float, float], tuple[float, float]]
    """Of the estimates (b, a)."""
    freedom: int
    """Degrees of freedom of Student's t."""

    def at(self, entropy: float) -> Coefficient:
        """The fitted R at an entropy, in nats, with the interval of the curve; single points lie around it."""
        weights = np.array([1.0, -float(np.exp(entropy))])
        return _coefficient(weights, (self.b.value, self.a.value), np.array(self.covariance), self.freedom)


def fit_exponential(entropy: Sequence[float], solved: Sequence[float], runs: Sequence[str]) -> ExponentialFit:
    """Fits R = -a exp(H) + b to points of one or several runs.

    With three runs or more, a run is a cluster: each is left out in turn, and with theta_g the estimate without run g,
    Var(theta) = (G - 1) / G * sum_g (theta_g - mean theta)^2, Student's t with G - 1 degrees of freedom. With fewer, or where
    the others of a run do not fix a fit, points count as independent.

    Args:
        entropy: H of every point, nats per token.
        solved: R of every point, such as pass@1.
        runs: The run that each point is of.

    Raises:
        ValueError: There are fewer than four points, lengths differ, or all entropies are equal.

    See: Cui et al., The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models, arXiv 2505.22617 (the law);
    MacKinnon, Nielsen and Webb, Fast and reliable jackknife and bootstrap methods for cluster-robust inference, J. Appl.
    Econometrics 38 (2023).
    """
    if not len(entropy) == len(solved) == len(runs):
        raise ValueError(f"{len(entropy)} entropies, {len(solved)} scores and {len(runs)} names of runs must be as many.")
    if len(entropy) < LEAST_POINTS:
        raise ValueError(
            f"points: {len(entropy)} with an entropy and a score are too few to fit; {LEAST_POINTS} are the least: evaluate "
            "more often (evaluation.every) or give more runs."
        )
    x, y = np.exp(np.asarray(entropy, dtype=np.float64)), np.asarray(solved, dtype=np.float64)
    whole = _line(x, y)
    if whole is None:
        raise ValueError("entropy: all points have the same, so that nothing can be fitted; give steps that differ.")
    names = list(dict.fromkeys(runs))
    of_run = [np.array([run == name for run in runs]) for name in names]
    without = [_line(x[~own], y[~own]) for own in of_run] if len(names) > 1 else []
    kept = [line for line in without if line is not None]
    complete = bool(kept) and len(kept) == len(names)
    residual, spread = y - whole[0] + whole[1] * x, y - y.mean()
    left: float | None = None
    if complete:
        errors = [y[own] - b + a * x[own] for own, (b, a) in zip(of_run, kept, strict=True)]
        left = float(np.sqrt(np.mean(np.square(np.concatenate(errors)))))
    by_runs = complete and len(names) >= LEAST_RUNS
    covariance = _jackknife(np.array(kept)) if by_runs else _classical(x, residual)
    freedom = len(names) - 1 if by_runs else len(x) - 2
    constant = not np.ptp(y)
    return ExponentialFit(
        points=len(x),
        runs=len(names),
        a=_coefficient(np.array([0.0, 1.0]), whole, covariance, freedom),
        b=_coefficient(np.array([1.0, 0.0]), whole, covariance, freedom),
        ceiling=_coefficient(np.array([1.0, -1.0]), whole, covariance, freedom),
        r2=float("nan") if constant else 1.0 - float(residual @ residual / (spread @ spread)),
        error=float(np.sqrt(np.mean(np.square(residual)))),
        left_out_error=left,
        interval_by="runs" if by_runs else "points",
        covariance=((float(covariance[0, 0]), float(covariance[0, 1])), (float(covariance[1, 0]), float(covariance[1, 1]))),
        freedom=freedom,
    )


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float] | None:
    """(b, a) of y = b - a x by least squares; None where x does not vary."""
    if len(x) < 2 or not np.ptp(x):
        return None
    centred = x - x.mean()
    a = -float(centred @ y / (centred @ centred))
    return float(y.mean()) + a * float(x.mean()), a


def _jackknife(estimates: np.ndarray) -> np.ndarray:
    """Covariance (2, 2) of (b, a) from the estimates (G, 2) without each run."""
    gap = estimates - estimates.mean(axis=0)
    return (len(estimates) - 1) / len(estimates) * gap.T @ gap


def _classical(x: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Covariance (2, 2) of (b, a) of least squares with independent errors of one variance s2, as b = mean y + a mean x.

    Var a = s2 / Sxx, Cov(b, a) = mean x Var a, Var b = s2 / n + mean x Cov(b, a), with Sxx = sum (x - mean x)^2: the inverse of
    the normal equations has no digit left where the entropies are close to each other.
    """
    mean = float(x.mean())
    error = float(residual @ residual) / (len(x) - 2)
    of_a = error / float((x - mean) @ (x - mean))
    return np.array([[error / len(x) + mean**2 * of_a, mean * of_a], [mean * of_a, of_a]])


def _coefficient(weights: np.ndarray, line: tuple[float, float], covariance: np.ndarray, freedom: int) -> Coefficient:
    """A combination of b and a, with its interval."""
    value = float(weights @ np.array(line))
    width = float(stdtrit(freedom, (1 + LEVEL) / 2) * np.sqrt(max(0.0, weights @ covariance @ weights)))
    return Coefficient(value, value - width, value + width)
