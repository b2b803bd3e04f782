"""Weights per token that multiply the advantage, and tokens to hold back; pure functions over the whole step.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def truncated_importance(learner_BT: Tensor, sampler_BT: Tensor, mask_BT: Tensor, cap: float) -> Tensor:
    """min(pi_learner / pi_sampler, cap) per token; 0 off the mask.

    See: Yao et al., Your efficient RL framework secretly brings you off-policy training, 2025.
    """
    return torch.where(mask_BT, (learner_BT - sampler_BT).exp().clamp(max=cap), 0.0)


def high_entropy(entropy_BT: Tensor, mask_BT: Tensor, share: float) -> Tensor:
    """1 on the ceil(share * tokens) sampled tokens of the highest entropy, 0 elsewhere; ties at the border all count.

    See: Wang et al., Beyond the 80/20 rule, arXiv 2506.01939, equation 5: the denominator stays that of all tokens.
    """
    entropy_N = entropy_BT[mask_BT]
    kept = math.ceil(share * entropy_N.numel())
    if kept == 0:
        return torch.zeros_like(entropy_BT)
    border = entropy_N.topk(kept).values[-1]
    return (mask_BT & (entropy_BT >= border)).float()


def covariance(advantage_BT: Tensor, logprobs_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """c_t = (A_t - mean A)(log pi_t - mean log pi) over the sampled tokens of the step; 0 off the mask.

    See: Cui et al., The entropy mechanism of RL for reasoning language models, arXiv 2505.22617, equation 11.
    """
    count = mask_BT.sum().clamp(min=1)
    mean_a = torch.where(mask_BT, advantage_BT, 0.0).sum() / count
    mean_l = torch.where(mask_BT, logprobs_BT, 0.0).sum() / count
    return torch.where(mask_BT, (advantage_BT - mean_a) * (logprobs_BT - mean_l), 0.0)


def clip_cov(
    covariance_BT: Tensor, mask_BT: Tensor, rng: np.random.Generator, *, share: float, low: float, high: float
) -> Tensor:
    """0 on max(1, share * tokens) tokens drawn among those with low < c < high, 1 on the other sampled tokens.

    See: Cui et al., arXiv 2505.22617, equation 12.
    """
    inside = ((covariance_BT > low) & (covariance_BT < high) & mask_BT).nonzero().tolist()
    count = min(len(inside), max(1, int(share * int(mask_BT.sum()))))
    weight_BT = mask_BT.float()
    for index in rng.choice(len(inside), count, replace=False).tolist() if count else []:
        row, column = inside[index]
        weight_BT[row, column] = 0.0
    return weight_BT


def kl_cov(covariance_BT: Tensor, mask_BT: Tensor, share: float) -> Tensor:
    """True on the max(1, share * tokens) sampled tokens of the highest covariance.

    See: Cui et al., arXiv 2505.22617, equation 13.
    """
    count = min(int(mask_BT.sum()), max(1, int(share * int(mask_BT.sum()))))
    found_BT = torch.zeros_like(mask_BT)
    score_BT = torch.where(mask_BT, covariance_BT, -torch.inf)
    found_BT.view(-1)[score_BT.flatten().topk(count).indices] = True
    return found_BT & mask_BT
