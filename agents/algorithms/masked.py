"""Sums over masked tokens, and statistics per group; every denominator is explicit.

Legend of shape suffixes: B sequences, T token positions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..batching.groups import group_is_constant

VARIANCE_FLOOR = 1e-8
"""Added to the variance under the root, as AZR's code and verl do."""


def masked_sum(values_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """The sum of values * mask, a scalar; positions off the mask may hold anything, even NaN."""
    return torch.where(mask_BT, values_BT, 0.0).sum()


def group_mean(values_B: Tensor, weight_B: Tensor, group_B: Tensor) -> Tensor:
    """The weighted mean of every sequence's group, in float64.

    mean_g = sum_{i in g} w_i x_i / sum_{i in g} w_i

    Args:
        values_B: One value per sequence.
        weight_B: Nonnegative weights, such as numbers of tokens; a group of total weight 0 has mean 0.
        group_B: Group numbers 0..G-1, int64.

    Returns:
        mean_B: each sequence's group's mean.
    """
    count = int(group_B.max()) + 1 if group_B.numel() else 0
    total_G = _sum_by(weight_B.double(), group_B, count)
    sum_G = _sum_by(values_B.double() * weight_B.double(), group_B, count)
    return (sum_G / total_G.clamp(min=torch.finfo(torch.float64).tiny))[group_B]


def group_var(values_B: Tensor, weight_B: Tensor, group_B: Tensor) -> Tensor:
    """The Bessel-corrected weighted variance of every sequence's group, in float64; exactly 0 where all values are equal.

    var_g = sum_{i in g} w_i (x_i - mean_g)^2 / (sum_{i in g} w_i - 1)

    With weights = numbers of tokens this is the variance over all tokens of the group, each carrying its sequence's value.
    A group of total weight at most 1 has variance 0.
    """
    count = int(group_B.max()) + 1 if group_B.numel() else 0
    total_G = _sum_by(weight_B.double(), group_B, count)
    square_B = weight_B.double() * (values_B.double() - group_mean(values_B, weight_B, group_B)).square()
    var_B = (_sum_by(square_B, group_B, count) / (total_G - 1).clamp(min=1))[group_B]
    return torch.where(group_is_constant(values_B, group_B), 0.0, var_B)


def _sum_by(values_B: Tensor, group_B: Tensor, count: int) -> Tensor:
    return values_B.new_zeros(count).index_add_(0, group_B, values_B)
