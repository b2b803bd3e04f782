"""What an update reports: sums over sampled tokens, filled micro-batch by micro-batch, and the means they end in.

Legend of shape suffixes: B messages, N sampled tokens of a micro-batch, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .batch import Tag
from .losses import k3

NAMES = ("tokens", "entropy", "nll", "kl", "clipped", "ratio")


class LearnerStats:
    """Statistics of one pass over a batch.

    Args:
        tags: Of its messages.
        clip: Ratios outside (1 - low, 1 + high) count as clipped.
    """

    def __init__(self, tags: Sequence[Tag], clip: tuple[float, float] = (torch.inf, torch.inf)) -> None:
        self.tags = tags
        self.clip = clip
        self.sums_BS = torch.zeros(len(tags), len(NAMES), dtype=torch.float64)
        self.ratio_max, self.ratio_min = 0.0, float("inf")
        self.slots = self.used = 0
        self.value_error = 0.0

    def add(self, row_N: Tensor, logprob_N: Tensor, old_N: Tensor, entropy_N: Tensor) -> None:
        """Adds one micro-batch's tokens to their messages' sums."""
        ratio_N = (logprob_N - old_N).exp()
        clipped_N = (ratio_N < 1 - self.clip[0]) | (ratio_N > 1 + self.clip[1])
        columns = (torch.ones_like(ratio_N), entropy_N, -logprob_N, k3(old_N, logprob_N), clipped_N, ratio_N)
        self.sums_BS.index_add_(0, row_N, torch.stack([column.double() for column in columns], -1).cpu())
        self.ratio_max = max(self.ratio_max, float(ratio_N.max()))
        self.ratio_min = min(self.ratio_min, float(ratio_N.min()))

    def means(self) -> dict[str, float]:
        """Means over sampled tokens of the batch, and entropies per cell as `role/task_type/entropy`."""
        total = dict(zip(NAMES, self.sums_BS.sum(0).tolist(), strict=True))
        tokens = max(total["tokens"], 1.0)
        found = {
            "entropy": total["entropy"] / tokens,
            "entropy_sampled": total["nll"] / tokens,
            "approx_kl": total["kl"] / tokens,
            "clip_fraction": total["clipped"] / tokens,
            "ratio_mean": total["ratio"] / tokens,
            "ratio_min": self.ratio_min,
            "ratio_max": self.ratio_max,
            "tokens": tokens,
            "padding_waste": 1.0 - self.used / max(self.slots, 1),
        }
        cells: dict[str, list[int]] = {}
        for row, tag in enumerate(self.tags):
            cells.setdefault(tag.cell, []).append(row)
        for cell, rows in sorted(cells.items()):
            own = dict(zip(NAMES, self.sums_BS[torch.tensor(rows)].sum(0).tolist(), strict=True))
            found[f"{cell}/entropy"] = own["entropy"] / max(own["tokens"], 1.0)
            found[f"{cell}/entropy_sampled"] = own["nll"] / max(own["tokens"], 1.0)
        return found
