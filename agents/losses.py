"""Policy losses: pure functions of log-probabilities, advantages and a mask. The denominator is an argument.

All share one signature, so that a row of `agents.algorithms` can name any of them:

    loss(logprobs_BT, old_logprobs_BT, advantage_BT, mask_BT, denominator, **row defaults) -> scalar

Dividing by the number of sampled tokens of the *whole* step, whatever the micro-batch, makes k micro-batches add up to one
batch.

Legend of shape suffixes: B sequences, T token positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .masked import masked_sum

Loss = Callable[..., Tensor]


def policy_gradient(
    logprobs_BT: Tensor, old_logprobs_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor, denominator: float
) -> Tensor:
    """L = -sum_t A_t log pi(y_t) / denominator; the old log-probabilities are not used.

    See: Williams, 1992, equation 4; token-level aggregation.
    """
    return -masked_sum(logprobs_BT * advantage_BT, mask_BT) / denominator


def clipped_surrogate(
    logprobs_BT: Tensor,
    old_logprobs_BT: Tensor,
    advantage_BT: Tensor,
    mask_BT: Tensor,
    denominator: float,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    """L = -sum_t min(r_t A_t, clip(r_t, 1 - clip_low, 1 + clip_high) A_t) / denominator, with r_t = pi(y_t) / pi_old(y_t).

    `old_logprobs_BT` are the sampler's own. Where r = 1 the gradient is that of `policy_gradient`.

    See: Schulman et al., PPO, arXiv 1707.06347, equation 7; separate bounds: Yu et al., DAPO, arXiv 2503.14476, equation 10.
    Deviation from GRPO (arXiv 2402.03300, equation 3): a token-level mean over the step, not a mean of per-sequence means.
    """
    ratio_BT = torch.where(mask_BT, logprobs_BT - old_logprobs_BT, 0.0).exp()
    clipped_BT = ratio_BT.clamp(1.0 - clip_low, 1.0 + clip_high)
    return -masked_sum(torch.minimum(ratio_BT * advantage_BT, clipped_BT * advantage_BT), mask_BT) / denominator


def k3(logprobs_BT: Tensor, other_logprobs_BT: Tensor) -> Tensor:
    """R - 1 - log r with r = other / own, per token: a nonnegative unbiased estimate of KL(own || other), in nats.

    See: Schulman, Approximating KL divergence, 2020, estimator k3.
    """
    gap_BT = other_logprobs_BT - logprobs_BT
    return gap_BT.exp() - 1.0 - gap_BT


def exact_entropy(logits_BTV: Tensor) -> Tensor:
    """H = -sum_v p_v log p_v over the full vocabulary, per position, in nats.

    See: Chae et al., arXiv 2510.27072, section on entropy; the exact estimator, next to the sampled -log p(y_t).
    """
    logprobs_BTV = torch.log_softmax(logits_BTV.float(), -1)
    return -(logprobs_BTV.exp() * logprobs_BTV).sum(-1)
