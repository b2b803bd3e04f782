"""Advantages: the return of each message beyond its baseline. Pure functions of returns, group numbers and token masks.

All share one signature, so that an algorithm can name any of them:

    advantage(returns_B, group_B, mask_BT, **settings) -> advantage_BT

`returns_B` is the training return of each message (undiscounted: every token of a message carries all of it), `group_B`
numbers the group that supplies its baseline (which groups those are is the algorithm's `group_by`), `mask_BT` marks the sampled
tokens. Off the mask the advantage is 0. A group whose returns are all equal gets exactly 0, except where no siblings make the
baseline (`monte_carlo`, `imitate`, `ema_baseline`, `gae.generalised`) and where token rewards differ. `settings` are the
algorithm's `defaults` that the function names, and what its keywords need (see `algorithms.signatures.KEYWORD_NEEDS`). Where
`reward_BT` is given, single tokens have rewards besides the message's return: KL to the reference, token by token (see
`algorithms.kl.kl_rewards`). A function that is given `values_BT` may return an `Estimate`, with the targets of the value head.

Legend of shape suffixes: B sequences, T token positions.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence

import torch
from torch import Tensor

from ..batching.batch import Tag
from ..batching.groups import group_is_constant
from .gae import Estimate as Estimate  # again here, and the next two: advantages of one's own import them from this module
from .gae import generalised as generalised
from .gae import lambda_returns as lambda_returns
from .masked import VARIANCE_FLOOR, group_mean, group_var
from .returns import reward_to_go

Advantage = Callable[..., Tensor | Estimate]

STD_FLOOR = 1e-4
"""Added to the standard deviation by GRPO, as TRL does."""


def monte_carlo(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor, *, reward_BT: Tensor | None = None) -> Tensor:
    """The gain A_t = R + sum_{i >= t} r_i: the return and the token rewards still to come; no baseline, groups are ignored.

    See: Williams, Simple statistical gradient-following algorithms, 1992, equation 4 with b = 0.
    """
    if reward_BT is None:
        return on_tokens(returns_B, mask_BT)
    return reward_to_go(returns_B, reward_BT, mask_BT).float()


def imitate(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """The constant A_t = 1: with `losses.policy_gradient` maximum likelihood; returns and groups are ignored."""
    return mask_BT.float()


def whiten(
    returns_B: Tensor, group_B: Tensor, mask_BT: Tensor, *, statistics: str = "token", reward_BT: Tensor | None = None
) -> Tensor:
    """Gains A_t = (G_t - mean_g) / sqrt(var_g + 1e-8), with Bessel-corrected variance of the group; G_t = R + sum_{i >= t} r_i.

    `statistics="token"`: over the G_t of all sampled tokens of the group, so that long messages weigh more. `"sequence"`: over
    its messages, whatever their length, each with its total, the G_t of its first token. Where these are all equal in a group,
    A is exactly 0. Without `reward_BT`, G_t = R; with it, a group of equal R has its KL alone to whiten
    (`constant_groups=drop` leaves it out).
    One group for the whole batch is REINFORCE++; one per (role, task type) is TRR++.

    Raises:
        ValueError: `statistics` is neither.

    See: Hu, REINFORCE++, arXiv 2501.03262, section 3.3; Zhao et al., Absolute Zero, arXiv 2505.03335, equation 8, whose text
    says sequences and whose code says tokens. Deviation from REINFORCE++: no KL term in the return unless `kl_coef` is set.
    """
    if statistics not in ("token", "sequence"):
        raise ValueError(f"options statistics={statistics!r} is not known; choose token or sequence.")
    if reward_BT is None:
        weight_B = mask_BT.sum(-1) if statistics == "token" else torch.ones_like(returns_B)
        return on_tokens(_whitened(returns_B, returns_B, weight_B, group_B), mask_BT)
    gain_BT = reward_to_go(returns_B, reward_BT, mask_BT)
    counted_BT, weight_BT, group_BT = gain_BT, torch.ones_like(gain_BT), group_B[:, None].expand_as(mask_BT)
    if statistics == "sequence":
        total_B = returns_B.double() + torch.where(mask_BT, reward_BT.double(), 0.0).sum(-1)
        counted_BT, weight_BT = total_B[:, None].expand_as(gain_BT), weight_BT / mask_BT.sum(-1, keepdim=True).clamp(min=1)
    scaled_N = _whitened(*(values_BT[mask_BT] for values_BT in (gain_BT, counted_BT, weight_BT, group_BT)))
    return torch.zeros_like(gain_BT).masked_scatter(mask_BT, scaled_N).float()


def standardise(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """Standard scores A = (R - mean_g) / (std_g + 1e-4), over the messages of the group, whatever their length.

    See: Shao et al., DeepSeekMath, arXiv 2402.03300, section 4.1.2 (outcome supervision). The standard deviation is
    Bessel-corrected, as in TRL; a group of one gets 0.
    """
    ones_B = torch.ones_like(returns_B)
    centred_B = returns_B.double() - group_mean(returns_B, ones_B, group_B)
    scaled_B = centred_B / (group_var(returns_B, ones_B, group_B).sqrt() + STD_FLOOR)
    return on_tokens(_zero_where_constant(scaled_B, returns_B, group_B), mask_BT)


def centre(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """Differences A = R - mean_g, over the messages of the group; no division.

    See: Kuba et al., Language Self-Play, arXiv 2509.07414, equations 2 and 3; Liu et al., Dr. GRPO, arXiv 2503.20783,
    section 3.
    """
    centred_B = returns_B.double() - group_mean(returns_B, torch.ones_like(returns_B), group_B)
    return on_tokens(_zero_where_constant(centred_B, returns_B, group_B), mask_BT)


def leave_one_out(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor) -> Tensor:
    """RLOO: A_i = R_i - mean of the other messages of its group = n / (n - 1) (R_i - mean_g); a group of one gets 0.

    See: Ahmadian et al., Back to Basics, arXiv 2402.14740, section 4 (RLOO); Kool et al., Buy 4 REINFORCE samples, 2019.
    """
    size_B = torch.bincount(group_B)[group_B].double()
    centred_B = returns_B.double() - group_mean(returns_B, torch.ones_like(returns_B), group_B)
    return on_tokens(_zero_where_constant(centred_B * size_B / (size_B - 1).clamp(min=1), returns_B, group_B), mask_BT)


def ema_baseline(
    returns_B: Tensor,
    group_B: Tensor,
    mask_BT: Tensor,
    *,
    state: MutableMapping[str, float],
    tags: Sequence[Tag],
    ema_decay: float = 0.95,
) -> Tensor:
    """Differences A = R - b, where b is a moving average of the returns of that game and role that lasts from batch to batch.

        for every episode, in order: A = R - b;  b <- decay b + (1 - decay) R      (b starts at 0 and is read before it moves)

    Several messages of one role in an episode (a panel, or moves) are compared with one b, which then moves once by their mean.

    Args:
        returns_B: float32.
        group_B: Groups are ignored: the key is (game, role).
        mask_BT: Sampled tokens.
        state: The averages by `game role`; changed in place.
        tags: Of the messages.
        ema_decay: In [0, 1).

    See: Liu et al., SPIRAL, arXiv 2506.24119, role-conditioned advantage estimation; decay 0.95.
    """
    if not 0 <= ema_decay < 1:
        raise ValueError(f"options ema_decay={ema_decay!r} is outside [0, 1); SPIRAL uses 0.95.")
    visits: dict[tuple[str, int], list[int]] = {}
    for row, tag in enumerate(tags):
        visits.setdefault((f"{tag.env_id} {tag.role}", tag.episode), []).append(row)
    advantage_B = returns_B.double()
    for (key, _), rows in visits.items():
        baseline = state.get(key, 0.0)
        mean = float(returns_B[rows].double().mean())
        advantage_B[rows] -= baseline
        state[key] = ema_decay * baseline + (1 - ema_decay) * mean
    return on_tokens(advantage_B, mask_BT)


def on_tokens(advantage_B: Tensor, mask_BT: Tensor) -> Tensor:
    """Every sampled token carries its message's advantage, in float32; 0 off the mask."""
    return torch.where(mask_BT, advantage_B.float()[:, None], 0.0)


def _whitened(gain_B: Tensor, counted_B: Tensor, weight_B: Tensor, group_B: Tensor) -> Tensor:
    """Gains by the weighted mean and deviation of what is counted in their group; exactly 0 where that is all equal."""
    centred_B = gain_B.double() - group_mean(counted_B, weight_B, group_B)
    scaled_B = centred_B / (group_var(counted_B, weight_B, group_B) + VARIANCE_FLOOR).sqrt()
    return _zero_where_constant(scaled_B, counted_B, group_B)


def _zero_where_constant(advantage_B: Tensor, returns_B: Tensor, group_B: Tensor) -> Tensor:
    return torch.where(group_is_constant(returns_B, group_B), 0.0, advantage_B)
