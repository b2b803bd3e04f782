"""Advantages: what each message earned beyond its baseline. Pure functions of returns, group numbers and token masks.

All share one signature, so that a row of `agents.algorithms` can name any of them:

    advantage(returns_B, group_B, mask_BT) -> advantage_BT

`returns_B` is the training return of each message (undiscounted: every token of a message carries all of it), `group_B`
numbers the group that supplies its baseline (which groups those are is the row's `group_by`), `mask_BT` marks the sampled
tokens. Off the mask the advantage is 0. A group whose returns are all equal gets exactly 0, except under `monte_carlo`,
which has no baseline.

Legend of shape suffixes: B sequences, T token positions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .masked import group_is_constant, group_mean, group_var

Advantage = Callable[[Tensor, Tensor, Tensor], Tensor]

VARIANCE_FLOOR = 1e-8
"""Added to the variance under the root, as AZR's code and verl do."""
STD_FLOOR = 1e-4
"""Added to the standard deviation by GRPO, as TRL does."""


def monte_carlo(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """A_t = R: the return itself, no baseline; groups are ignored.

    See: Williams, Simple statistical gradient-following algorithms, 1992, equation 4 with b = 0.
    """
    return on_tokens(returns_B, mask_BT)


def whiten(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """A_t = (R - mean_g) / sqrt(var_g + 1e-8), mean and Bessel-corrected variance over all sampled tokens of the group.

    Each token carries its message's return, so long messages weigh more. One group for the whole batch is REINFORCE++; one per
    (role, task type) is TRR++.

    See: Hu, REINFORCE++, arXiv 2501.03262, section 3.3; Zhao et al., Absolute Zero, arXiv 2505.03335, equation 8. Deviation
    from that equation, towards AZR's code: statistics are over tokens, not sequences. Deviation from REINFORCE++: no KL
    term in the return.
    """
    length_B = mask_BT.sum(-1)
    centred_B = returns_B.double() - group_mean(returns_B, length_B, group_B)
    scaled_B = centred_B / (group_var(returns_B, length_B, group_B) + VARIANCE_FLOOR).sqrt()
    return on_tokens(_zero_where_constant(scaled_B, returns_B, group_B), mask_BT)


def standardise(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """A = (R - mean_g) / (std_g + 1e-4), over the messages of the group, whatever their length.

    See: Shao et al., DeepSeekMath, arXiv 2402.03300, section 4.1.2 (outcome supervision). The standard deviation is
    Bessel-corrected, as in TRL; a group of one gets 0.
    """
    ones_B = torch.ones_like(returns_B)
    centred_B = returns_B.double() - group_mean(returns_B, ones_B, group_B)
    scaled_B = centred_B / (group_var(returns_B, ones_B, group_B).sqrt() + STD_FLOOR)
    return on_tokens(_zero_where_constant(scaled_B, returns_B, group_B), mask_BT)


def centre(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """A = R - mean_g, over the messages of the group; no division.

    See: Kuba et al., Language Self-Play, arXiv 2509.07414, equations 2 and 3; Liu et al., Dr. GRPO, arXiv 2503.20783,
    section 3.
    """
    centred_B = returns_B.double() - group_mean(returns_B, torch.ones_like(returns_B), group_B)
    return on_tokens(_zero_where_constant(centred_B, returns_B, group_B), mask_BT)


def on_tokens(advantage_B: Tensor, mask_BT: Tensor) -> Tensor:
    """Every sampled token carries its message's advantage, in float32; 0 off the mask."""
    return torch.where(mask_BT, advantage_B.float()[:, None], 0.0)


def _zero_where_constant(advantage_B: Tensor, returns_B: Tensor, group_B: Tensor) -> Tensor:
    return torch.where(group_is_constant(returns_B, group_B), 0.0, advantage_B)
