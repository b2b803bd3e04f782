"""Policy losses: pure functions of log-probabilities, advantages and a mask. The denominator is an argument.

All share one signature, so that an algorithm can name any of them:

    loss(logprobs_BT, old_logprobs_BT, advantage_BT, mask_BT, denominator, **settings) -> scalar

`denominator` is a number, or one per message (B, 1), computed over the *whole* step (see `algorithms.aggregate`), so that k
micro-batches add up to one batch. Every loss but `preference`, which knows no advantage, is linear in positive factors of the
advantage; token weights rely on it.
`settings` are the algorithm's `defaults` that the function names.

Legend of shape suffixes: B sequences, T token positions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from .masked import masked_sum

Loss = Callable[..., Tensor]
Denominator = float | Tensor


def policy_gradient(
    logprobs_BT: Tensor, old_logprobs_BT: Tensor, advantage_BT: Tensor, mask_BT: Tensor, denominator: Denominator
) -> Tensor:
    """The loss L = -sum_t A_t log pi(y_t) / denominator; the old log-probabilities are not used.

    See: Williams, 1992, equation 4. With A = 1 it is maximum likelihood.
    """
    return -masked_sum(logprobs_BT * advantage_BT / denominator, mask_BT)


def clipped_surrogate(
    logprobs_BT: Tensor,
    old_logprobs_BT: Tensor,
    advantage_BT: Tensor,
    mask_BT: Tensor,
    denominator: Denominator,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
    dual_clip: float = 0.0,
) -> Tensor:
    """PPO: L = -sum_t min(r_t A_t, clip(r_t, 1 - clip_low, 1 + clip_high) A_t) / denominator, with r_t = pi(y_t) / pi_old(y_t).

    With `dual_clip` = c > 1 a token of negative advantage counts max(that, c A_t): where r is large and A < 0 the minimum alone
    has no bound. Where r = 1 the gradient is that of `policy_gradient`.

    See: Schulman et al., PPO, arXiv 1707.06347, equation 7; separate bounds: Yu et al., DAPO, arXiv 2503.14476, equation 10;
    dual clip: Ye et al., arXiv 1912.09729, equation 5.
    """
    ratio_BT = torch.where(mask_BT, logprobs_BT - old_logprobs_BT, 0.0).exp()
    gain_BT = _lower_of(ratio_BT, advantage_BT, clip_low, clip_high)
    if dual_clip:
        gain_BT = torch.where(advantage_BT < 0, torch.maximum(gain_BT, dual_clip * advantage_BT), gain_BT)
    return -masked_sum(gain_BT / denominator, mask_BT)


def clipped_sequence(
    logprobs_BT: Tensor,
    old_logprobs_BT: Tensor,
    advantage_BT: Tensor,
    mask_BT: Tensor,
    denominator: Denominator,
    *,
    clip_low: float = 3e-4,
    clip_high: float = 4e-4,
) -> Tensor:
    """The loss of `clipped_surrogate` with one ratio per message: s = exp(mean_t (log pi - log pi_old)), its geometric mean.

    See: Zheng et al., GSPO, arXiv 2507.18071, equations 5 and 7; bounds of section 5.1.
    """
    length_B1 = mask_BT.sum(-1, keepdim=True).clamp(min=1)
    gap_B1 = torch.where(mask_BT, logprobs_BT - old_logprobs_BT, 0.0).sum(-1, keepdim=True) / length_B1
    ratio_BT = gap_B1.exp().expand_as(mask_BT)
    return -masked_sum(_lower_of(ratio_BT, advantage_BT, clip_low, clip_high) / denominator, mask_BT)


def clipped_weight(
    logprobs_BT: Tensor,
    old_logprobs_BT: Tensor,
    advantage_BT: Tensor,
    mask_BT: Tensor,
    denominator: Denominator,
    *,
    weight_cap: float = 5.0,
) -> Tensor:
    """CISPO: L = -sum_t sg(min(r_t, weight_cap)) A_t log pi(y_t) / denominator: the weight is clipped, not the gradient.

    See: MiniMax-M1 (CISPO), arXiv 2506.13585, equations 4 and 5, without a lower bound; cap 5 as in Khatri et al., ScaleRL,
    arXiv 2510.13786.
    """
    ratio_BT = torch.where(mask_BT, logprobs_BT - old_logprobs_BT, 0.0).exp()
    weight_BT = ratio_BT.clamp(max=weight_cap).detach()
    return -masked_sum(weight_BT * advantage_BT * logprobs_BT / denominator, mask_BT)


def preference(
    logprobs_BT: Tensor,
    old_logprobs_BT: Tensor,
    advantage_BT: Tensor,
    mask_BT: Tensor,
    denominator: Denominator,
    *,
    reference_BT: Tensor,
    beta: float = 0.1,
) -> Tensor:
    """The loss L = -sum_pairs log sigmoid(beta (h_win - h_lose)) / (denominator / 2), h = sum_t log(pi / ref).

    Rows 2i win, rows 2i + 1 lose; a denominator that counts messages is twice the number of pairs.

    See: Rafailov et al., DPO, arXiv 2305.18290, equation 7.
    """
    gain_B = torch.where(mask_BT, logprobs_BT - reference_BT, 0.0).sum(-1)
    pairs = (denominator[0::2, 0] if isinstance(denominator, Tensor) else denominator) / 2
    return -(logsigmoid(beta * (gain_B[0::2] - gain_B[1::2])) / pairs).sum()


def value_error(
    values_BT: Tensor, old_values_BT: Tensor, target_BT: Tensor, mask_BT: Tensor, denominator: Denominator, *, clip: float = 0.2
) -> Tensor:
    """The loss L = sum_t max((V - G)^2, (V_old + clip(V - V_old, -clip, clip) - G)^2) / 2 / denominator.

    See: the value loss of OpenAI's baselines, ppo2; Huang et al., The N implementation details of RLHF with PPO, 2023.
    """
    near_BT = old_values_BT + (values_BT - old_values_BT).clamp(-clip, clip)
    square_BT = torch.maximum((values_BT - target_BT).square(), (near_BT - target_BT).square())
    return masked_sum(square_BT / 2 / denominator, mask_BT)


WITHOUT_RATIO: tuple[Loss, ...] = (policy_gradient, preference)
"""Losses that do not look at the old log-probabilities: they do not know which policy sampled the messages."""


def _lower_of(ratio_BT: Tensor, advantage_BT: Tensor, low: float, high: float) -> Tensor:
    """The lower of r A and clip(r) A, per token."""
    return torch.minimum(ratio_BT * advantage_BT, ratio_BT.clamp(1.0 - low, 1.0 + high) * advantage_BT)
