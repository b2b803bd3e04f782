"""The gradient loop: micro-batches that add up to exactly the gradient of the whole step.

Legend of shape suffixes: B messages, T token positions, N sampled tokens of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .adapters import SHARED, speaking_as
from .algorithm import Algorithm
from .learner_stats import LearnerStats
from .prepare import Prepared
from .scorer import Scorer
from .step_loss import step_loss
from .token_budget import Part


def add_gradients(scorer: Scorer, ready: Prepared, algorithm: Algorithm, parts: Sequence[Part]) -> tuple[float, LearnerStats]:
    """Adds the step's gradient to what the weights have, one micro-batch after the other; returns the loss and statistics.

    Args:
        scorer: Of the model that trains.
        ready: The whole step, with the denominators that its micro-batches share.
        algorithm: The row, with the run's settings.
        parts: Micro-batches that cover the step, each with the adapter that speaks in it.
    """
    low, high = (float(algorithm.defaults.get(name, torch.inf)) for name in ("clip_low", "clip_high"))
    stats = LearnerStats(ready.batch.tags, (low, high), per_message=algorithm.clips_messages)
    total = 0.0
    for adapter, rows in parts:
        part = ready.batch.rows(rows)
        with speaking_as(scorer.model, adapter or SHARED):
            scored = scorer.score(part, wants_entropy=algorithm.objective.entropy_coef > 0)
            loss, error = step_loss(scored, ready, rows, part.mask_BT, algorithm)
            torch.autograd.backward(loss)
        total += loss.item()
        stats.value_error += error
        row_N = torch.tensor(rows).repeat_interleave(part.mask_BT.sum(-1))
        old_N = part.logprobs_BT[part.mask_BT].to(scored.logprob_N.device)
        clip_N = ready.old_BT[rows][:, -part.mask_BT.shape[1] :][part.mask_BT].to(scored.logprob_N.device)
        stats.add(row_N, scored.logprob_N.detach(), old_N, clip_N, scored.entropy_N.detach())
        stats.slots, stats.used = stats.slots + scored.slots, stats.used + scored.used
    return total, stats
