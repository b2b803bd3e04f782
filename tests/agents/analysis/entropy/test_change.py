"""Predicted changes of entropy: exact on a table of logits, to first order, and the estimates from single samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agents.algorithms.token_weights import covariance
from agents.analysis.entropy.change import fit_scale, pooled
from tests.helpers.tabular_policy import natural_step, predicted_change, softmax_entropy, vanilla_step

LOGIT_SA = np.array([[0.3, -1.0, 0.7, 0.0], [2.0, 0.0, -0.5, 0.1], [0.0, 0.0, 0.0, 1.5]])
REWARD_SA = np.array([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.5, 0.0], [-1.0, 2.0, 0.0, 0.3]])


def softmax(logit_SA: np.ndarray) -> np.ndarray:
    p_SA = np.exp(logit_SA - logit_SA.max(axis=1, keepdims=True))
    return p_SA / p_SA.sum(axis=1, keepdims=True)


P_SA = softmax(LOGIT_SA)
ADVANTAGE_SA = REWARD_SA - (P_SA * REWARD_SA).sum(axis=1, keepdims=True)


@pytest.mark.parametrize("step", [vanilla_step, natural_step])
def test_the_predicted_change_is_the_measured_one_to_first_order(step: Callable[..., np.ndarray]) -> None:
    """The error falls with the square of the step: a tenth of the step, a hundredth of the error."""
    errors = []
    for eta in (1e-2, 1e-3, 1e-4):
        step_SA = step(P_SA, REWARD_SA, eta)
        measured_S = softmax_entropy(softmax(LOGIT_SA + step_SA)) - softmax_entropy(P_SA)
        errors.append(np.abs(measured_S - predicted_change(P_SA, step_SA)).max())
    assert np.abs(measured_S).min() > 100 * errors[-1]  # of the last, smallest step
    assert errors[1] == pytest.approx(errors[0] / 100, rel=0.1)
    assert errors[2] == pytest.approx(errors[1] / 100, rel=0.1)


def test_the_vanilla_step_is_the_gradient_of_the_expected_reward() -> None:
    """d/dz of sum_a softmax(z)_a R_a, by finite differences."""
    step_SA, width = vanilla_step(P_SA, REWARD_SA, 1.0), 1e-6
    for state in range(3):
        for action in range(4):
            moved_SA = LOGIT_SA.copy()
            moved_SA[state, action] += width
            gain = ((softmax(moved_SA) - P_SA) * REWARD_SA).sum() / width
            assert step_SA[state, action] == pytest.approx(gain, abs=1e-5)


def test_two_actions_in_closed_form() -> None:
    """p = (3/4, 1/4), A = (1, -3): Cov(log p, A) = 3/4 * 1/4 * ln 3 * 4; with p A = (3/4, -3/4), times 3/2 in place of 4."""
    p_SA, advantage_SA = np.array([[0.75, 0.25]]), np.array([[1.0, -3.0]])
    natural = predicted_change(p_SA, natural_step(p_SA, advantage_SA, 0.1))
    vanilla = predicted_change(p_SA, vanilla_step(p_SA, advantage_SA, 0.1))
    assert natural[0] == pytest.approx(-0.1 * 3 / 16 * np.log(3) * 4)
    assert vanilla[0] == pytest.approx(-0.1 * 3 / 16 * np.log(3) * 1.5)


def test_pooled_is_what_clip_cov_takes_and_equals_the_exact_one_in_a_single_state() -> None:
    import torch

    p_SA = np.array([[4, 2, 1, 1]]) / 8
    advantage_A = np.array([1.0, -1.0, -2.0, 0.0])
    action_N = np.repeat(np.arange(4), (4, 2, 1, 1))
    logprob_N, advantage_N = np.log(p_SA[0, action_N]), advantage_A[action_N]
    found = pooled(logprob_N, advantage_N)
    assert found.natural == pytest.approx(-predicted_change(p_SA, natural_step(p_SA, advantage_A[None], 1.0))[0])
    assert found.vanilla == pytest.approx(-predicted_change(p_SA, vanilla_step(p_SA, advantage_A[None], 1.0))[0])
    tensors = [torch.from_numpy(one)[None] for one in (advantage_N, logprob_N, np.ones(8, dtype=bool))]
    assert found.natural == pytest.approx(float(covariance(*tensors).mean()))


def test_a_planted_scale_is_found() -> None:
    covariance_I = [0.1, 0.3, -0.2, 0.05]
    fit = fit_scale(covariance_I, [-0.5 * one for one in covariance_I])
    assert (fit.eta, fit.correlation, fit.same_sign, fit.intervals) == (pytest.approx(0.5), pytest.approx(1.0), 1.0, 4)
    against = fit_scale(covariance_I, covariance_I)
    assert (against.eta, against.correlation, against.same_sign) == (pytest.approx(-1.0), pytest.approx(-1.0), 0.0)
    assert np.isnan(fit_scale([0.1, 0.1, 0.1], [0.0, 0.1, 0.2]).correlation)


def test_what_cannot_be_told_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^intervals: 2 between recorded steps are too few"):
        fit_scale([0.1, 0.2], [0.1, 0.2])
    with pytest.raises(ValueError, match=r"^covariance: it is 0 in every interval"):
        fit_scale([0.0] * 3, [0.1] * 3)
    with pytest.raises(ValueError, match="3 covariances and 2 changes"):
        fit_scale([0.1] * 3, [0.1] * 2)
    with pytest.raises(ValueError, match="arrays of 0 and 0 tokens"):
        pooled(np.zeros(0), np.zeros(0))
