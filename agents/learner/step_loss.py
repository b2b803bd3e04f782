"""The loss of a micro-batch: the algorithm's own and the terms that its objective adds, as its share of the whole step's.

Legend of shape suffixes: B messages of the step, T token positions, N sampled tokens of the micro-batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..algorithms.algorithm import Algorithm
from ..algorithms.kl import kl_loss
from ..algorithms.losses import value_error
from ..algorithms.masked import masked_sum
from ..models.forward import Scored
from .prepared_batch import Prepared


def step_loss(
    scored: Scored, ready: Prepared, rows: Sequence[int], mask_BT: Tensor, algorithm: Algorithm
) -> tuple[Tensor, float]:
    """Loss of the algorithm + kl_coef KL - entropy_coef H + KL-Cov + value_coef value error, each over the step's denominators.

    Args:
        scored: The micro-batch under the present weights.
        ready: The whole step.
        rows: Which of its messages the micro-batch holds.
        mask_BT: Sampled tokens of the micro-batch, with its own width.
        algorithm: With the run's settings.

    Returns:
        The loss, with gradient, and the value error alone, a number.
    """
    objective, device, index = algorithm.objective, scored.logprob_N.device, list(rows)
    mask_BT = mask_BT.to(device)
    width = mask_BT.shape[1]

    def of(whole_BT: Tensor) -> Tensor:
        return whole_BT[index, -width:].to(device)

    def spread(values_N: Tensor) -> Tensor:
        return torch.zeros_like(mask_BT, dtype=values_N.dtype).masked_scatter(mask_BT, values_N)

    denominator_B1 = ready.denominator_B1[index].to(device)
    logprobs_BT = spread(scored.logprob_N)
    old_BT = logprobs_BT.detach() if ready.old_BT is None else of(ready.old_BT)
    reference_BT = None if ready.reference_BT is None else of(ready.reference_BT)
    advantage_BT = of(ready.advantage_BT)
    loss = algorithm.losses(logprobs_BT, old_BT, advantage_BT, mask_BT, denominator_B1, reference_BT=reference_BT)
    if reference_BT is not None and objective.kl_coef and objective.kl_in == "loss":
        kl = kl_loss(logprobs_BT, reference_BT, mask_BT, denominator_B1, estimator=objective.kl_estimator)
        loss = loss + objective.kl_coef * kl
    if objective.entropy_coef:
        loss = loss - objective.entropy_coef * masked_sum(spread(scored.entropy_N) / denominator_B1, mask_BT)
    if ready.penalised_BT is not None:
        gap_BT = (logprobs_BT - old_BT).abs() / denominator_B1
        loss = loss + objective.kl_cov_coef * masked_sum(gap_BT, of(ready.penalised_BT))
    if ready.values_BT is None or ready.target_BT is None or scored.value_N is None:
        return loss, 0.0
    error = value_error(spread(scored.value_N), of(ready.values_BT), of(ready.target_BT), mask_BT, denominator_B1)
    return loss + objective.value_coef * error, error.item()
