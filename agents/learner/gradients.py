"""The gradient loop: micro-batches that add up to exactly the gradient of the whole step.

Legend of shape suffixes: B messages, T token positions, N sampled tokens of a micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor

from ..algorithms.algorithm import Algorithm
from ..hardware.threads import side_by_side
from ..models.adapters import SHARED, use_adapter
from .logprobs import Scorer
from .prepared_batch import Prepared
from .statistics import LearnerStats
from .step_loss import step_loss
from .token_budget import Part


def add_gradients(
    scorer: Scorer, ready: Prepared, algorithm: Algorithm, parts: Sequence[Part], heed: Callable[[], None] = lambda: None
) -> tuple[float, LearnerStats]:
    """Adds the step's gradient to what the weights have; returns the loss and statistics.

    Micro-batches come one after the other, or, where the scorer has several workers, side by side: every `workers`-th of them
    adds to a sum of its own, and the sums are added in their order, so that the bits depend on the number of workers alone.

    Args:
        scorer: Of the model that trains.
        ready: The whole step, with the denominators that its micro-batches share.
        algorithm: With the run's settings.
        parts: Micro-batches that cover the step, each with the adapter that scores it.
        heed: Called before each of them; may raise.
    """
    stats = LearnerStats(ready.batch.tags, algorithm.ratio_bounds, per_message=algorithm.clips_messages)
    weights = scorer.weights_side_by_side()

    def learn(share: Sequence[Part]) -> tuple[list[_Learned], list[Tensor | None]]:
        """Some micro-batches, and their gradients, where these are not added to the weights' own."""
        sums: list[Tensor | None] = [None] * len(weights)

        def backward(loss: Tensor) -> None:
            if not weights:
                return torch.autograd.backward(loss)
            grads = cast(Sequence[Tensor | None], torch.autograd.grad(loss, weights, allow_unused=True))
            for index, grad in enumerate(grads):
                before = sums[index]
                sums[index] = grad if before is None else before if grad is None else before.add_(grad)

        return [_learn(scorer, ready, algorithm, part, heed, backward) for part in share], sums

    count = scorer.workers if weights else 1
    shares = side_by_side([partial(learn, parts[first::count]) for first in range(min(count, len(parts)))], count)
    for _, sums in shares:  # in their order, which is always the same
        for weight, grad in zip(weights, sums, strict=True):
            if grad is not None:
                weight.grad = grad if weight.grad is None else weight.grad.add_(grad)
    total = 0.0
    for index in range(len(parts)):
        learned = shares[index % count][0][index // count]
        total += learned.loss
        stats.value_error += learned.value_error
        stats.add(*learned.tokens)
        stats.slots, stats.used = stats.slots + learned.slots, stats.used + learned.used
    return total, stats


@dataclass(frozen=True, slots=True)
class _Learned:
    """Results of a micro-batch beside its gradient."""

    loss: float
    value_error: float
    tokens: tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
    """As `LearnerStats.add` takes them."""
    slots: int
    used: int


def _learn(
    scorer: Scorer,
    ready: Prepared,
    algorithm: Algorithm,
    part: Part,
    heed: Callable[[], None],
    backward: Callable[[Tensor], None],
) -> _Learned:
    """One micro-batch, by the adapter that scores it."""
    heed()
    adapter, rows = part
    batch = ready.batch.rows(rows)
    with use_adapter(scorer.model, adapter or SHARED):
        scored = scorer.score(batch, wants_entropy=algorithm.objective.entropy_coef > 0)
        loss, error = step_loss(scored, ready, rows, batch.mask_BT, algorithm)
        backward(loss)
    row_N = torch.tensor(rows).repeat_interleave(batch.mask_BT.sum(-1))
    logprob_N = scored.logprob_N.detach()
    sampler_N = batch.logprobs_BT[batch.mask_BT].to(logprob_N.device)
    old_N = logprob_N
    if ready.old_BT is not None:
        old_N = ready.old_BT[rows][:, -batch.mask_BT.shape[1] :][batch.mask_BT].to(logprob_N.device)
    tokens = (row_N, logprob_N, sampler_N, old_N, scored.entropy_N.detach())
    return _Learned(loss.item(), error, tokens, scored.slots, scored.used)
