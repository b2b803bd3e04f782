"""How token losses become one number: the denominator of every message, computed over the whole step.

Dividing by numbers of the whole step, whatever the micro-batch, is what makes k micro-batches add up to one batch.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def denominators(
    aggregate: str, mask_BT: Tensor, roles: Sequence[str], *, reply_limit: int = 0, weights: Mapping[str, float] | None = None
) -> Tensor:
    """What each message's token losses are divided by, float32 (B, 1); `aggregate` as in `agents.objective.Objective`.

        token      sum_i |y_i|               Yu et al., DAPO, arXiv 2503.14476, equation 8
        sequence   B |y_i|                   Shao et al., DeepSeekMath, arXiv 2402.03300, equation 3
        message    B                         Ahmadian et al., arXiv 2402.14740: the log-probability of a whole message
        role       N_role / weight_role      Kuba et al., Language Self-Play, arXiv 2509.07414, equations 4 and 5
        constant   B reply_limit             Liu et al., Dr. GRPO, arXiv 2503.20783, figure 1

    A role of weight 0 is divided by infinity: it does not train.

    Args:
        aggregate: One of these.
        mask_BT: Sampled tokens of the whole step.
        roles: Of the messages.
        reply_limit: Tokens of the longest reply allowed, for `constant`.
        weights: Of roles, for `role`; others 1.

    Raises:
        ValueError: `constant` without `reply_limit`.
    """
    length_B, count = mask_BT.sum(-1).float(), len(roles)
    if aggregate == "token":
        found_B = torch.full((count,), float(mask_BT.sum()))
    elif aggregate == "sequence":
        found_B = count * length_B.clamp(min=1)
    elif aggregate == "message":
        found_B = torch.full((count,), float(count))
    elif aggregate == "role":
        sizes = Counter(roles)
        scale = {role: (weights or {}).get(role, 1.0) for role in sizes}
        found_B = torch.tensor([sizes[role] / scale[role] if scale[role] else float("inf") for role in roles])
    else:
        if reply_limit < 1:
            raise ValueError(f"aggregate={aggregate!r} divides by the longest reply allowed; give the learner its reply_limit.")
        found_B = torch.full((count,), float(count * reply_limit))
    return found_B[:, None]
