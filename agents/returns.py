"""What is added to a message's return before advantages are taken: KL to the reference, a price on overlong replies.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from torch import Tensor

from .losses import KL_ESTIMATORS, k3
from .masked import masked_sum


def minus_kl(
    returns_B: Tensor, logprobs_BT: Tensor, reference_BT: Tensor, mask_BT: Tensor, *, coef: float, estimator: str
) -> Tensor:
    """R - coef sum_t k(log pi_t, log ref_t), with the chosen estimator k; float32.

    With k1 the policy gradient of this return is that of R - coef KL(pi || ref), the reverse KL of whole messages. Every token
    carries the sum of its whole message; REINFORCE++ and PPO for language models give it the sum from that token on, with the
    same expected gradient where nothing is whitened.

    See: Ouyang et al., arXiv 2203.02155, equation 2; for Language Self-Play (arXiv 2509.07414, equations 4 and 5) the choice
    that has an expected gradient.
    """
    kl_BT = KL_ESTIMATORS[estimator](logprobs_BT, reference_BT)
    return returns_B - coef * (kl_BT * mask_BT).sum(-1)


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
