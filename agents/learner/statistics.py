"""Statistics of an update: sums over sampled tokens, filled micro-batch by micro-batch, and the means they end in.

Legend of shape suffixes: B messages, N sampled tokens of a micro-batch, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..algorithms.kl import k3
from ..batching.batch import Tag

NAMES = ("tokens", "entropy", "nll", "kl", "clipped", "ratio", "gap")


class LearnerStats:
    """Statistics of one pass over a batch.

    Args:
        tags: Of its messages.
        bounds: Ratios outside of them count as clipped.
        per_message: The ratio that is clipped is a message's geometric mean, as in GSPO; all its tokens count then.
    """

    def __init__(
        self, tags: Sequence[Tag], bounds: tuple[float, float] = (-torch.inf, torch.inf), *, per_message: bool = False
    ) -> None:
        self.per_message = per_message
        self.tags = tags
        self.bounds = bounds
        self.sums_BS = torch.zeros(len(tags), len(NAMES), dtype=torch.float64)
        self.ratio_max, self.ratio_min = 0.0, float("inf")
        self.slots = self.used = 0
        self.value_error = 0.0

    def add(self, row_N: Tensor, logprob_N: Tensor, sampler_N: Tensor, old_N: Tensor, entropy_N: Tensor) -> None:
        """Adds one micro-batch's tokens to their messages' sums.

        Args:
            row_N: Message of each token.
            logprob_N: Under the present weights.
            sampler_N: As they were sampled: KL and ratios are reported against these.
            old_N: Those that the loss clips against.
            entropy_N: Nats.
        """
        ratio_N, gap_N = (logprob_N - sampler_N).exp(), logprob_N - old_N
        clipped_N = self._outside(gap_N.exp())
        columns = (torch.ones_like(ratio_N), entropy_N, -logprob_N, k3(sampler_N, logprob_N), clipped_N, ratio_N, gap_N)
        self.sums_BS.index_add_(0, row_N, torch.stack([column.double() for column in columns], -1).cpu())
        self.ratio_max = max(self.ratio_max, float(ratio_N.max()))
        self.ratio_min = min(self.ratio_min, float(ratio_N.min()))

    def means(self) -> dict[str, float]:
        """Means over sampled tokens of the batch; tokens and entropies per group as `role/task_type/entropy`."""
        total = dict(zip(NAMES, self.sums_BS.sum(0).tolist(), strict=True))
        if self.per_message:
            length_B, gap_B = self.sums_BS[:, NAMES.index("tokens")], self.sums_BS[:, NAMES.index("gap")]
            total["clipped"] = float((self._outside((gap_B / length_B.clamp(min=1)).exp()) * length_B).sum())
        tokens = max(total["tokens"], 1.0)
        metrics = {
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
        groups: dict[str, list[int]] = {}
        for row, tag in enumerate(self.tags):
            groups.setdefault(tag.metric_group, []).append(row)
        for group, rows in sorted(groups.items()):
            sums = dict(zip(NAMES, self.sums_BS[torch.tensor(rows)].sum(0).tolist(), strict=True))
            metrics[f"{group}/tokens"] = sums["tokens"]
            metrics[f"{group}/entropy"] = sums["entropy"] / max(sums["tokens"], 1.0)
            metrics[f"{group}/entropy_sampled"] = sums["nll"] / max(sums["tokens"], 1.0)
        return metrics

    def _outside(self, ratio: Tensor) -> Tensor:
        return (ratio < self.bounds[0]) | (ratio > self.bounds[1])
