"""How much an update changes the entropy of a policy, to first order: the covariance of log-probability and advantage.

For a softmax policy whose logits z of a state s move by dz, to first order

    dH(s) = -Cov_{a ~ pi(.|s)}( log pi(a|s), dz(s, a) )                                                  any step
          = -eta Cov_{a ~ pi(.|s)}( log pi(a|s), pi(a|s) A(s, a) )    with dz = eta pi A                 vanilla gradient
          = -eta Cov_{a ~ pi(.|s)}( log pi(a|s), A(s, a) )            with dz = eta A                    natural gradient

The second is one exact policy-gradient step with logits as parameters of their own for every state (tabular), A centred,
sum_a pi A = 0, and the state's weight in the objective in eta. What is assumed beyond that where a language model trains: that
its weights move the logits of one state as a table would, that the sampled tokens stand for the distribution, and that all
states share eta. AdamW rescales every weight's gradient, so that eta is not the learning rate and is not known: it is fitted
on the run (`fit_scale`), and what can be held against the data is sign and correlation.

From recorded tokens there is one sample (log pi, A) per state, and the covariance is estimated over all of them together, as
Clip-Cov takes it: mean_t (A_t - mean A)(log pi_t - mean log pi). It holds the covariance of the states' means beside that
within states.

See: Cui et al., The Entropy Mechanism of Reinforcement Learning for Reasoning Language Models, arXiv 2505.22617: the lemma on
the entropy of a softmax policy, the theorems on vanilla and natural policy gradient, and equation 11 for the pooled estimate.

Legend of shape suffixes: N tokens, I intervals between steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_INTERVALS = 3
"""Fewer say nothing of a correlation."""


@dataclass(frozen=True, slots=True)
class Covariances:
    """Covariance of log-probability with what moves a logit; the predicted change of entropy is -eta times it."""

    natural: float
    """With A."""
    vanilla: float
    """With pi A."""
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleFit:
    """Predicted against measured changes of entropy over the intervals of a run."""

    intervals: int
    eta: float
    """The scale that fits best, by least squares through the origin: change = -eta * covariance."""
    correlation: float
    """Pearson's, of -covariance with the change; NaN where one of the two does not vary."""
    same_sign: float
    """Share of intervals in which -covariance and the change have one sign."""


def pooled(logprob_N: np.ndarray, advantage_N: np.ndarray) -> Covariances:
    """Covariances over all tokens, as if they were of one state.

    Raises:
        ValueError: There are no tokens, or the two are not of the same.
    """
    _check(logprob_N, advantage_N)
    gap_N = logprob_N - logprob_N.mean()
    moved_N = np.exp(logprob_N) * advantage_N
    return Covariances(
        natural=float((gap_N * (advantage_N - advantage_N.mean())).mean()),
        vanilla=float((gap_N * (moved_N - moved_N.mean())).mean()),
        tokens=len(logprob_N),
    )


def fit_scale(covariance_I: Sequence[float], change_I: Sequence[float]) -> ScaleFit:
    """The scale eta of a run, and how well -covariance foretells the change of entropy.

    Args:
        covariance_I: Of each interval; that of several updates is the sum over them.
        change_I: Measured over the same intervals, nats.

    Raises:
        ValueError: There are fewer than three intervals, not as many of one as of the other, or no covariance differs from 0.
    """
    x, y = -np.asarray(covariance_I, dtype=np.float64), np.asarray(change_I, dtype=np.float64)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} covariances and {len(y)} changes must be of the same intervals.")
    if len(x) < LEAST_INTERVALS:
        raise ValueError(
            f"intervals: {len(x)} between recorded steps are too few for a correlation; {LEAST_INTERVALS} are the least: "
            "record more steps (episodes_every)."
        )
    if not x.any():
        raise ValueError("covariance: it is 0 in every interval, as no advantage differs from another; nothing is predicted.")
    varies = bool(np.ptp(x) and np.ptp(y))
    return ScaleFit(
        intervals=len(x),
        eta=float(x @ y / (x @ x)),
        correlation=float(np.corrcoef(x, y)[0, 1]) if varies else float("nan"),
        same_sign=float((np.sign(x) == np.sign(y)).mean()),
    )


def _check(one_N: np.ndarray, other_N: np.ndarray) -> None:
    if one_N.shape != other_N.shape or not len(one_N):
        raise ValueError(f"arrays of {len(one_N)} and {len(other_N)} tokens must be of the same tokens, at least one.")
