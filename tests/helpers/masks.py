"""Masks of sampled tokens, as a batch has them: messages end in the last column."""

from __future__ import annotations

import torch


def mask_of(*lengths: int) -> torch.Tensor:
    """A mask of messages with these numbers of tokens."""
    return torch.arange(max(lengths)).flip(0)[None] < torch.tensor(lengths)[:, None]
