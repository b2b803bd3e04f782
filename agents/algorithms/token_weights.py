"""Weights per token that multiply the advantage, and tokens to penalise; pure functions over the whole step.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..config.objective import Objective


def weights_and_penalties(
    objective: Objective,
    mask_BT: Tensor,
    advantage_BT: Tensor,
    logprobs_BT: Tensor,
    entropy_BT: Tensor | None,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor | None]:
    """Weights that multiply the advantage, and the tokens that KL-Cov penalises, if it is chosen.

    Args:
        objective: Which of the functions below apply, and their shares of tokens.
        mask_BT: Tokens that train: the shares are shares of these.
        advantage_BT: Before weights.
        logprobs_BT: The sampler's.
        entropy_BT: The learner's; None: entropies choose no tokens.
        rng: Draws Clip-Cov's tokens.
    """
    weight_BT, penalised_BT = mask_BT.float(), None
    if objective.covariance != "none":
        covariance_BT = covariance(advantage_BT, logprobs_BT, mask_BT)
        if objective.covariance == "kl":
            penalised_BT = kl_cov(covariance_BT, mask_BT, objective.kl_cov_share)
        else:
            low, high = objective.clip_cov_low, objective.clip_cov_high
            weight_BT = clip_cov(covariance_BT, mask_BT, rng, share=objective.clip_cov_share, low=low, high=high)
    if entropy_BT is not None and objective.entropy_share < 1:
        weight_BT = weight_BT * high_entropy(entropy_BT, mask_BT, objective.entropy_share)
    return weight_BT, penalised_BT


def truncated_importance(learner_BT: Tensor, sampler_BT: Tensor, mask_BT: Tensor, cap: float) -> Tensor:
    """The weight min(pi_learner / pi_sampler, cap) per token; 0 off the mask.

    See: Yao et al., Your efficient RL framework secretly brings you off-policy training, 2025.
    """
    return torch.where(mask_BT, (learner_BT - sampler_BT).exp().clamp(max=cap), 0.0)


def high_entropy(entropy_BT: Tensor, mask_BT: Tensor, share: float) -> Tensor:
    """Weight 1 on the ceil(share * tokens) sampled tokens of the highest entropy, 0 elsewhere; ties at the border all count.

    See: Wang et al., Beyond the 80/20 rule, arXiv 2506.01939, equation 5: the denominator stays that of all tokens.
    """
    entropy_N = entropy_BT[mask_BT]
    kept = math.ceil(share * entropy_N.numel())
    if kept == 0:
        return torch.zeros_like(entropy_BT)
    border = entropy_N.topk(kept).values[-1]
    return (mask_BT & (entropy_BT >= border)).float()


def covariance(advantage_BT: Tensor, logprobs_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """The product c_t = (A_t - mean A)(log pi_t - mean log pi) over the sampled tokens of the step; 0 off the mask.

    See: Cui et al., The entropy mechanism of RL for reasoning language models, arXiv 2505.22617, equation 11.
    """
    count = mask_BT.sum().clamp(min=1)
    mean_a = torch.where(mask_BT, advantage_BT, 0.0).sum() / count
    mean_l = torch.where(mask_BT, logprobs_BT, 0.0).sum() / count
    return torch.where(mask_BT, (advantage_BT - mean_a) * (logprobs_BT - mean_l), 0.0)


def clip_cov(
    covariance_BT: Tensor, mask_BT: Tensor, rng: np.random.Generator, *, share: float, low: float, high: float
) -> Tensor:
    """Weight 0 on max(1, share * tokens) tokens drawn among those with low < c < high, 1 on the other sampled tokens.

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
    penalised_BT = torch.zeros_like(mask_BT)
    score_BT = torch.where(mask_BT, covariance_BT, -torch.inf)
    penalised_BT.view(-1)[score_BT.flatten().topk(count).indices] = True
    return penalised_BT & mask_BT
