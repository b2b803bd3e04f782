"""Control arms: what training does when the reward carries no information, or the wrong sign.

Legend of shape suffixes: B messages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def control_returns(returns_B: Tensor, cells: Sequence[str], arm: str, rng: np.random.Generator) -> Tensor:
    """Training returns under a control arm.

    Args:
        returns_B: The true ones.
        cells: `role/task_type` of each message.
        arm: `true` leaves them; `random` permutes them within each cell, which keeps every cell's mean and variance and breaks
            the tie to the message; `flipped` negates them.
        rng: Draws the permutation.

    Raises:
        ValueError: The arm is not known.
    """
    if arm == "true":
        return returns_B
    if arm == "flipped":
        return -returns_B
    if arm != "random":
        raise ValueError(f"reward={arm!r} is not known; choose true, random or flipped.")
    permuted_B = returns_B.clone()
    for cell in dict.fromkeys(cells):
        rows = np.flatnonzero([one == cell for one in cells])
        permuted_B[torch.from_numpy(rows)] = returns_B[torch.from_numpy(rng.permutation(rows))]
    return permuted_B
