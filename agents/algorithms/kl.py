"""KL to the reference: estimates per token, and their places in the return, in the reward of tokens, in the loss, in metrics.

KL in the reward has two forms. Algorithms whose advantage is one number per message take its sum off the message's return
(`minus_kl`). Those whose advantage takes `reward_BT` have it as a reward of every token (`kl_rewards`), and a token answers for
its own and the later ones alone (`returns.reward_to_go`). At a message's first token both are the same, and where nothing is
whitened so is the expected gradient: what a token cannot change any more has none.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .masked import masked_sum


def k1(logprobs_BT: Tensor, other_logprobs_BT: Tensor) -> Tensor:
    """The estimate log(own / other) per token: unbiased for KL(own || other), in nats, of either sign.

    See: Schulman, Approximating KL divergence, 2020.
    """
    return logprobs_BT - other_logprobs_BT


def k2(logprobs_BT: Tensor, other_logprobs_BT: Tensor) -> Tensor:
    """The estimate k1^2 / 2 per token: biased, nonnegative; its gradient is that of the reverse KL.

    See: Schulman, Approximating KL divergence, 2020.
    """
    return (logprobs_BT - other_logprobs_BT).square() / 2


def k3(logprobs_BT: Tensor, other_logprobs_BT: Tensor) -> Tensor:
    """The estimate r - 1 - log r with r = other / own, per token: nonnegative, unbiased for KL(own || other), in nats.

    See: Schulman, Approximating KL divergence, 2020.
    """
    gap_BT = other_logprobs_BT - logprobs_BT
    return gap_BT.exp() - 1.0 - gap_BT


KL_ESTIMATORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"k1": k1, "k2": k2, "k3": k3}


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
    """The return R - coef sum_t k(log pi_t, log ref_t), with the estimator k and its bound as in `kl_rewards`; float32.

    With k1 the policy gradient of this return is that of R - coef KL(pi || ref), the reverse KL of whole messages.

    See: Ouyang et al., arXiv 2203.02155, equation 2; for Language Self-Play (arXiv 2509.07414, equations 4 and 5) the choice
    that has an expected gradient.
    """
    return returns_B - coef * _bounded(logprobs_BT, reference_BT, mask_BT, estimator, clamp).sum(-1)


def kl_rewards(
    logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor, *, coef: float, estimator: str, clamp: float = 0.0
) -> Tensor:
    """The reward r_t = -coef k(log pi_t, log ref_t) of every sampled token, with the estimator k; float32, 0 off the mask.

    With `clamp` above 0 each k lies in [-clamp, clamp], so that one token that the reference thinks all but impossible
    cannot be the whole return.

    See: Hu, REINFORCE++, arXiv 2501.03262: A_t = R - coef sum_{i >= t} k1_i with the old policy, then whitened; Ouyang et al.,
    arXiv 2203.02155. In code, OpenRLHF (the former's) takes k1 with coef 0.01 unless told otherwise, and bounds every
    estimate by 10 nats either way, and R by a range of its own; verl takes k1 and bounds k3 alone, by 10.
    """
    return -coef * _bounded(logprobs_BT, reference_BT, mask_BT, estimator, clamp)


def kl_loss(
    logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor, denominator: float | Tensor, *, estimator: str
) -> Tensor:
    """The loss term sum_t k(log pi_t, log ref_t) / denominator, without its coefficient; a scalar with gradient."""
    return masked_sum(KL_ESTIMATORS[estimator](logprobs_BT, reference_BT) / denominator, mask_BT)


def mean_kl(logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor) -> float:
    """The k3 estimate of KL(policy || reference), nats per token."""
    return float(masked_sum(k3(logprobs_BT, reference_BT), mask_BT) / mask_BT.sum().clamp(min=1))


def _bounded(logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor, estimator: str, clamp: float) -> Tensor:
    """The estimate of every sampled token, no further from 0 than `clamp` if that is above 0; 0 off the mask."""
    kl_BT = KL_ESTIMATORS[estimator](logprobs_BT, reference_BT)
    return torch.where(mask_BT, kl_BT.clamp(-clamp, clamp) if clamp else kl_BT, 0.0)
