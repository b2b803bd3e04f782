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

from .adapters import SHARED, speaking_as
from .algorithm import Algorithm
from .learner_stats import LearnerStats
from .prepared import Prepared
from .scorer import Scorer
from .side_by_side import side_by_side
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
        algorithm: The row, with the run's settings.
        parts: Micro-batches that cover the step, each with the adapter that speaks in it.
        heed: Called before each of them; may raise.
    """
    stats = LearnerStats(ready.batch.tags, algorithm.ratio_bounds, per_message=algorithm.clips_messages)
    weights = scorer.weights_side_by_side()

    def learn(share: Sequence[Part]) -> tuple[list[_Learned], list[Tensor | None]]:
        """Some micro-batches, and their gradients, where these are not added to the weights' own."""
        own: list[Tensor | None] = [None] * len(weights)

        def backward(loss: Tensor) -> None:
            if not weights:
                return torch.autograd.backward(loss)
            grads = cast(Sequence[Tensor | None], torch.autograd.grad(loss, weights, allow_unused=True))
            for index, grad in enumerate(grads):
                there = own[index]
                own[index] = grad if there is None else there if grad is None else there.add_(grad)

        return [_learn(scorer, ready, algorithm, part, heed, backward) for part in share], own

    count = scorer.workers if weights else 1
    shares = side_by_side([partial(learn, parts[first::count]) for first in range(min(count, len(parts)))], count)
    for _, own in shares:  # in their order, which is always the same
        for weight, grad in zip(weights, own, strict=True):
            if grad is not None:
                weight.grad = grad if weight.grad is None else weight.grad.add_(grad)
    total = 0.0
    for index in range(len(parts)):
        one = shares[index % count][0][index // count]
        total += one.loss
        stats.value_error += one.value_error
        stats.add(*one.tokens)
        stats.slots, stats.used = stats.slots + one.slots, stats.used + one.used
    return total, stats


@dataclass(frozen=True, slots=True)
class _Learned:
    """What a micro-batch leaves behind beside its gradient."""

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
    """One micro-batch, by the adapter that speaks in it."""
    heed()
    adapter, rows = part
    batch = ready.batch.rows(rows)
    with speaking_as(scorer.model, adapter or SHARED):
        scored = scorer.score(batch, wants_entropy=algorithm.objective.entropy_coef > 0)
        loss, error = step_loss(scored, ready, rows, batch.mask_BT, algorithm)
        backward(loss)
    row_N = torch.tensor(rows).repeat_interleave(batch.mask_BT.sum(-1))
    logprob_N = scored.logprob_N.detach()
    sampler_N, old_N = (
        logprob_N if one_BT is None else one_BT[rows][:, -batch.mask_BT.shape[1] :][batch.mask_BT].to(logprob_N.device)
        for one_BT in (ready.batch.logprobs_BT, ready.old_BT)
    )
    tokens = (row_N, logprob_N, sampler_N, old_N, scored.entropy_N.detach())
    return _Learned(loss.item(), error, tokens, scored.slots, scored.used)
