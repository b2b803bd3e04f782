from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from agents.algorithms.token_weights import clip_cov, covariance, high_entropy, kl_cov, truncated_importance

MASK = torch.tensor([[False, True, True], [True, True, True]])
NAN = float("nan")


def test_truncated_importance_by_hand() -> None:
    learner = torch.tensor([[NAN, -1.0, -2.0], [-1.0, -1.0, -3.0]])
    sampler = torch.tensor([[0.0, -1.0, -1.0], [-1.0 - math.log(1.5), -1.0 - math.log(9.0), -3.0 + math.log(4.0)]])
    found = truncated_importance(learner, sampler, MASK, 2.0)
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0, math.exp(-1.0)], [1.5, 2.0, 0.25]]))


def test_truncated_weights_make_another_samplers_policy_gradient_ours() -> None:
    """With no weight above the cap, E_sampler[w f] = E_learner[f], by enumeration of three symbols."""
    learner, sampler = torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.4, 0.4, 0.2]])
    weight = truncated_importance(learner.log(), sampler.log(), torch.ones(1, 3, dtype=torch.bool), 2.0)
    torch.testing.assert_close(sampler * weight, learner)
    capped = truncated_importance(learner.log(), sampler.log(), torch.ones(1, 3, dtype=torch.bool), 1.0)
    torch.testing.assert_close(capped, torch.tensor([[1.0, 0.75, 1.0]]))


def test_the_highest_entropies_of_the_step() -> None:
    entropy = torch.tensor([[9.0, 0.5, 2.0], [1.0, 0.1, 1.5]])  # 9 is off the mask
    # ceil(0.2 5) = 1, ceil(0.3 5) = 2, ceil(0.5 5) = 3
    assert high_entropy(entropy, MASK, 0.2).tolist() == [[0, 0, 1], [0, 0, 0]]
    assert high_entropy(entropy, MASK, 0.3).tolist() == [[0, 0, 1], [0, 0, 1]]
    assert high_entropy(entropy, MASK, 0.5).tolist() == [[0, 0, 1], [1, 0, 1]]
    assert high_entropy(entropy, MASK, 0.0).tolist() == [[0, 0, 0], [0, 0, 0]]
    tied = torch.tensor([[9.0, 0.5, 2.0], [1.5, 0.1, 1.5]])
    assert high_entropy(tied, MASK, 0.3).tolist() == [[0, 0, 1], [1, 0, 1]]


def covariance_by_hand() -> torch.Tensor:
    advantage = torch.tensor([[5.0, 2.0, 2.0], [-1.0, -1.0, -1.0]])
    logprobs = torch.tensor([[NAN, -1.0, -3.0], [-1.0, -2.0, -3.0]])
    return covariance(advantage, logprobs, MASK)


def test_covariance_by_hand() -> None:
    # mean A = (2 + 2 - 3) / 5 = 0.2, mean log pi = -10 / 5 = -2: (1.8)(1), (1.8)(-1), (-1.2)(1), 0, (-1.2)(-1)
    torch.testing.assert_close(covariance_by_hand(), torch.tensor([[0.0, 1.8, -1.8], [-1.2, 0.0, 1.2]]))


def test_kl_cov_holds_the_highest_covariances_and_at_least_one_token() -> None:
    found = covariance_by_hand()
    assert kl_cov(found, MASK, 0.0).tolist() == [[False, True, False], [False, False, False]]
    assert kl_cov(found, MASK, 0.4).tolist() == [[False, True, False], [False, False, True]]
    assert torch.equal(kl_cov(found, MASK, 1.0), MASK)
    assert not kl_cov(found[:, :1], torch.zeros(2, 1, dtype=torch.bool), 0.5).any()
    # all covariances negative: still never a token off the mask
    assert torch.equal(kl_cov(torch.where(MASK, -1.0, 0.0), MASK, 1.0), MASK)


def test_clip_cov_draws_among_the_tokens_between_its_bounds() -> None:
    found = covariance_by_hand()

    def left_out(share: float, low: float, high: float, seed: int = 0) -> list[list[int]]:
        weight = clip_cov(found, MASK, np.random.default_rng(seed), share=share, low=low, high=high)
        assert ((weight == 0) | (weight == 1)).all()
        assert (weight[~MASK] == 0).all()
        return (MASK & (weight == 0)).nonzero().tolist()

    assert left_out(0.0, 1.0, 1.5) == [[1, 2]]  # at least one token; 1.8 is above
    assert left_out(1.0, 1.0, 5.0) == [[0, 1], [1, 2]]  # no more than there are between the bounds
    assert left_out(1.0, 5.0, 9.0) == []
    assert len(left_out(0.2, 1.0, 5.0)) == 1
    assert {tuple(left_out(0.2, 1.0, 5.0, seed)[0]) for seed in range(20)} == {(0, 1), (1, 2)}
    assert left_out(0.2, 1.0, 5.0, 7) == left_out(0.2, 1.0, 5.0, 7)


def test_bounds_of_clip_cov_are_open() -> None:
    exact = torch.tensor([[0.0, 1.0, 5.0], [2.0, 0.0, 0.0]])
    weight = clip_cov(exact, MASK, np.random.default_rng(0), share=1.0, low=1.0, high=5.0)
    assert (weight == 0).nonzero().tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize("tokens", [1, 4])
def test_no_token_is_no_error(tokens: int) -> None:
    nothing = torch.zeros(1, tokens, dtype=torch.bool)
    zeros = torch.zeros(1, tokens)
    assert not clip_cov(zeros, nothing, np.random.default_rng(0), share=0.5, low=-1.0, high=1.0).any()
    assert not high_entropy(zeros, nothing, 0.5).any()
    assert not covariance(zeros, zeros, nothing).any()
