"""The denominators by which token losses become one number, computed over the whole step.

Dividing by numbers of the whole step, whatever the micro-batch, is what makes k micro-batches add up to one batch.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def denominators(
    aggregate: str,
    mask_BT: Tensor,
    roles: Sequence[str],
    *,
    reply_limit: int = 0,
    weights: Mapping[str, float] | None = None,
    shares: Mapping[str, float] | None = None,
    pairs: bool = False,
) -> Tensor:
    """The denominator of each message's token losses, float32 (B, 1); `aggregate` as in `agents.config.objective.Objective`.

        token      sum_i |y_i|               Yu et al., DAPO, arXiv 2503.14476, equation 8
        sequence   B |y_i|                   Shao et al., DeepSeekMath, arXiv 2402.03300, equation 3
        message    B                         Ahmadian et al., arXiv 2402.14740: the log-probability of a whole message
        role       N_role / weight_role      Kuba et al., Language Self-Play, arXiv 2509.07414, equations 4 and 5
        constant   B reply_limit             Liu et al., Dr. GRPO, arXiv 2503.20783, figure 1

    A role of weight or share 0 is divided by infinity: it does not train.

    Args:
        aggregate: One of these.
        mask_BT: Sampled tokens of the whole step.
        roles: Of the messages.
        reply_limit: Tokens of the longest reply allowed, for `constant`.
        weights: Of roles, for `role`; others 1.
        shares: Of roles in the step's weight, see `shared_out`; None or empty: as the aggregate has it.
        pairs: The loss is of whole messages, so that one of many tokens weighs no more in `shares`.

    Raises:
        ValueError: `constant` without `reply_limit`.
    """
    length_B, count = mask_BT.sum(-1).float(), len(roles)
    if aggregate == "token":
        denominator_B = torch.full((count,), float(mask_BT.sum()))
    elif aggregate == "sequence":
        denominator_B = count * length_B.clamp(min=1)
    elif aggregate == "message":
        denominator_B = torch.full((count,), float(count))
    elif aggregate == "role":
        sizes = Counter(roles)
        scale = {role: (weights or {}).get(role, 1.0) for role in sizes}
        denominator_B = torch.tensor([sizes[role] / scale[role] if scale[role] else float("inf") for role in roles])
    else:
        if reply_limit < 1:
            raise ValueError(f"aggregate={aggregate!r} divides by the longest reply allowed; give the learner its reply_limit.")
        denominator_B = torch.full((count,), float(count * reply_limit))
    counted_B = torch.ones_like(length_B) if pairs else length_B
    return (shared_out(denominator_B, counted_B, roles, shares) if shares else denominator_B)[:, None]


def shared_out(denominator_B: Tensor, length_B: Tensor, roles: Sequence[str], shares: Mapping[str, float]) -> Tensor:
    """Denominators under which a role's tokens have that share of the step's weight, float32 (B,).

    The weight of a token is 1 / denominator, that of a role the sum over its tokens. The step's total weight stays what it
    was. What the named roles leave is shared by the others as before; the share of a role that is absent stays unused, so that
    no role's steps grow where another has no messages.
    """
    weight_B = length_B.double() / denominator_B.double()
    weights = dict.fromkeys(roles, 0.0)
    for role, weight in zip(roles, weight_B.tolist(), strict=True):
        weights[role] += weight
    unnamed = sum(weight for role, weight in weights.items() if role not in shares)
    left = max(0.0, 1.0 - math.fsum(shares.values()))
    scale: dict[str, float] = {}
    for role, weight in weights.items():
        target = sum(weights.values()) * (shares[role] if role in shares else left * weight / unnamed if unnamed else 0.0)
        scale[role] = weight / target if target else math.inf
    return (denominator_B.double() * torch.tensor([scale[role] for role in roles], dtype=torch.float64)).float()
