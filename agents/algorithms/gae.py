"""Generalised advantage estimation: advantages and targets out of the predictions of a value head, token by token.

Legend of shape suffixes: B sequences, T token positions.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .masked import VARIANCE_FLOOR


class Estimate(NamedTuple):
    """Advantages of the sampled tokens, and what a value head should have predicted before each of them."""

    advantage_BT: Tensor
    target_BT: Tensor | None = None


def generalised(
    returns_B: Tensor,
    group_B: Tensor,
    mask_BT: Tensor,
    *,
    values_BT: Tensor,
    gae_lambda: float = 0.95,
    whitened: bool = True,
    reward_BT: Tensor | None = None,
) -> Estimate:
    """Generalised advantage estimation with the return at a message's last token and no discount.

        delta_t = r_t + V_{t+1} - V_t,  A_t = delta_t + lambda A_{t+1}      (R joins r_t at the last token; V after it is 0)

    Args:
        returns_B: float32.
        group_B: Ignored.
        mask_BT: Sampled tokens, ending in the last column (see `agents.batching.batch`).
        values_BT: The value of the state before each sampled token.
        gae_lambda: 1 gives R + sum_{i >= t} r_i - V_t.
        whitened: Mean 0 and standard deviation 1 over the tokens of the batch, as PPO for language models does.
        reward_BT: r_t, the rewards of single tokens besides R; None: 0.

    Returns:
        The advantages, and as targets A + V before whitening: the lambda-return of every token.

    See: Schulman et al., arXiv 1506.02438, equation 16; with gamma = 1 as in Ouyang et al., arXiv 2203.02155, where KL to the
    reference is a reward of every token.
    """
    plain_BT = _gae(returns_B, mask_BT, values_BT, gae_lambda, reward_BT)
    advantage_BT = plain_BT
    if whitened and mask_BT.sum() > 1:
        tokens = plain_BT[mask_BT]
        advantage_BT = (plain_BT - tokens.mean()) / (tokens.var() + VARIANCE_FLOOR).sqrt()
    return Estimate(torch.where(mask_BT, advantage_BT, 0.0).float(), _plus_values(plain_BT, mask_BT, values_BT))


def lambda_returns(
    returns_B: Tensor, mask_BT: Tensor, values_BT: Tensor, gae_lambda: float, reward_BT: Tensor | None = None
) -> Tensor:
    """The targets of `generalised` alone, for an advantage that takes values and returns no targets of its own."""
    return _plus_values(_gae(returns_B, mask_BT, values_BT, gae_lambda, reward_BT), mask_BT, values_BT)


def _gae(returns_B: Tensor, mask_BT: Tensor, values_BT: Tensor, gae_lambda: float, reward_BT: Tensor | None) -> Tensor:
    """The A_t of `generalised` before whitening, in float64."""
    values_BT = torch.where(mask_BT, values_BT.double(), 0.0)
    advantage_BT = torch.zeros_like(values_BT)
    after_B, next_value_B = torch.zeros_like(returns_B, dtype=torch.float64), torch.zeros_like(returns_B, dtype=torch.float64)
    earned_BT = torch.zeros_like(values_BT) if reward_BT is None else torch.where(mask_BT, reward_BT.double(), 0.0)
    earned_BT[:, -1] += returns_B.double()
    for t in range(mask_BT.shape[1] - 1, -1, -1):
        delta_B = earned_BT[:, t] + next_value_B - values_BT[:, t]
        after_B = torch.where(mask_BT[:, t], delta_B + gae_lambda * after_B, 0.0)
        next_value_B = values_BT[:, t]
        advantage_BT[:, t] = after_B
    return advantage_BT


def _plus_values(plain_BT: Tensor, mask_BT: Tensor, values_BT: Tensor) -> Tensor:
    """The targets A + V in float32, 0 off the mask."""
    return torch.where(mask_BT, torch.where(mask_BT, plain_BT, 0.0).float() + values_BT, 0.0)
