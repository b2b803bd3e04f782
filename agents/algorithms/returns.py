"""Returns beside the game's: what later tokens still bring, and a penalty on overlong replies.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

import torch
from torch import Tensor


def reward_to_go(returns_B: Tensor, reward_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """The gain G_t = R + sum_{i >= t} r_i over the sampled tokens of a message, no discount; float64 (B, T), 0 off the mask."""
    earned_BT = torch.where(mask_BT, reward_BT.double(), 0.0)
    to_come_BT = earned_BT.flip(-1).cumsum(-1).flip(-1)
    return torch.where(mask_BT, returns_B.double()[:, None] + to_come_BT, 0.0)


def overlong_penalty(mask_BT: Tensor, reply_limit: int, share: float) -> Tensor:
    """A penalty of 0 up to (1 - share) of the limit, then linearly down to -1 at the limit; float32 (B,).

    Raises:
        ValueError: There is no limit.

    See: Yu et al., DAPO, arXiv 2503.14476, equation 13, with L_max = reply_limit and L_cache = share * reply_limit.
    """
    if reply_limit < 1:
        raise ValueError(f"options overlong_share={share!r} needs the longest reply allowed; give the learner its reply_limit.")
    cache = share * reply_limit
    return -((mask_BT.sum(-1).double() - (reply_limit - cache)) / cache).clamp(0.0, 1.0).float()
