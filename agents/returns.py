"""What is earned besides the game's return before advantages are taken: KL to the reference, a price on overlong replies.

KL in the reward has two forms. Rows whose advantage is one number per message take its sum off the message's return
(`minus_kl`). Rows that need `token_rewards` have it as a reward of every token (`kl_rewards`), and a token answers for its own
and the later ones alone (`reward_to_go`). At a message's first token both are the same, and where nothing is whitened so is
the expected gradient: what a token cannot change any more has none.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .losses import KL_ESTIMATORS, k3
from .masked import masked_sum


def minus_kl(
    returns_B: Tensor,
    logprobs_BT: Tensor,
    reference_BT: Tensor,
    mask_BT: Tensor,
    *,
    coef: float,
    estimator: str,
    clamp: float = 0.0,
) -> Tensor:
    """R - coef sum_t k(log pi_t, log ref_t), with the chosen estimator k and its bound as in `kl_rewards`; float32.

    With k1 the policy gradient of this return is that of R - coef KL(pi || ref), the reverse KL of whole messages.

    See: Ouyang et al., arXiv 2203.02155, equation 2; for Language Self-Play (arXiv 2509.07414, equations 4 and 5) the choice
    that has an expected gradient.
    """
    return returns_B - coef * _bounded(logprobs_BT, reference_BT, mask_BT, estimator, clamp).sum(-1)


def kl_rewards(
    logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor, *, coef: float, estimator: str, clamp: float = 0.0
) -> Tensor:
    """r_t = -coef k(log pi_t, log ref_t) of every sampled token, with the chosen estimator k; float32, 0 off the mask.

    With `clamp` above 0 each k lies in [-clamp, clamp], so that one token that the reference thinks all but impossible
    cannot be the whole return.

    See: Hu, REINFORCE++, arXiv 2501.03262: A_t = R - coef sum_{i >= t} k1_i with the old policy, then whitened; Ouyang et al.,
    arXiv 2203.02155. In code, OpenRLHF (the former's) takes k1 with coef 0.01 unless told otherwise, and bounds every
    estimate by 10 nats either way, and R by a range of its own; verl takes k1 and bounds k3 alone, by 10.
    """
    return -coef * _bounded(logprobs_BT, reference_BT, mask_BT, estimator, clamp)


def reward_to_go(returns_B: Tensor, reward_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """G_t = R + sum_{i >= t} r_i over the sampled tokens of a message, no discount; float64 (B, T), 0 off the mask."""
    earned_BT = torch.where(mask_BT, reward_BT.double(), 0.0)
    to_come_BT = earned_BT.flip(-1).cumsum(-1).flip(-1)
    return torch.where(mask_BT, returns_B.double()[:, None] + to_come_BT, 0.0)


def overlong_penalty(mask_BT: Tensor, reply_limit: int, share: float) -> Tensor:
    """0 up to (1 - share) of the limit, then linearly down to -1 at the limit; float32 (B,).

    Raises:
        ValueError: There is no limit.

    See: Yu et al., DAPO, arXiv 2503.14476, equation 13, with L_max = reply_limit and L_cache = share * reply_limit.
    """
    if reply_limit < 1:
        raise ValueError(f"options overlong_share={share!r} needs the longest reply allowed; give the learner its reply_limit.")
    cache = share * reply_limit
    return -((mask_BT.sum(-1).double() - (reply_limit - cache)) / cache).clamp(0.0, 1.0).float()


def mean_kl(logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor) -> float:
    """The k3 estimate of KL(policy || reference), nats per token."""
    return float(masked_sum(k3(logprobs_BT, reference_BT), mask_BT) / mask_BT.sum().clamp(min=1))


def _bounded(logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor, estimator: str, clamp: float) -> Tensor:
    """The estimate of every sampled token, no further from 0 than `clamp` if that is above 0; 0 off the mask."""
    kl_BT = KL_ESTIMATORS[estimator](logprobs_BT, reference_BT)
    return torch.where(mask_BT, kl_BT.clamp(-clamp, clamp) if clamp else kl_BT, 0.0)
