"""From a batch to what the loss needs: selected messages, returns, advantages, denominators, token weights.

Everything here is computed once for the whole step, before the first micro-batch, so that micro-batches cannot change it.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import token_weights
from .advantages import generalised
from .aggregate import denominators
from .algorithm import Algorithm
from .batch import TokenBatch, group_numbers
from .returns import kl_rewards, mean_kl, minus_kl, overlong_penalty
from .selection import informative


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A batch that is ready for gradients."""

    batch: TokenBatch
    """The messages that train."""
    advantage_BT: Tensor
    """Token weights included."""
    old_BT: Tensor
    """Log-probabilities that ratios are taken against."""
    denominator_B1: Tensor
    reference_BT: Tensor | None
    held_BT: Tensor | None
    """Tokens that KL-Cov holds back."""
    values_BT: Tensor | None
    target_BT: Tensor | None
    """What the value head should have said."""
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """How the learner sees a batch before it changes; each scores all messages, without gradient, only if it is called."""

    own: Callable[[TokenBatch], tuple[Tensor, Tensor, Tensor | None]]
    """Log-probabilities, entropies and values (B, T) under the present weights."""
    reference: Callable[[TokenBatch], Tensor]
    """Log-probabilities under the starting weights."""


def prepare(
    batch: TokenBatch,
    algorithm: Algorithm,
    views: Views,
    *,
    memory: MutableMapping[str, float],
    rng: np.random.Generator,
    reply_limit: int = 0,
) -> Prepared | None:
    """What the loss of `algorithm` on this batch needs; None where no message is left to train on.

    Args:
        batch: Everything that was collected for the step.
        algorithm: The row, with the run's settings.
        views: How the learner sees a batch.
        memory: What the row remembers from batch to batch.
        rng: Draws Clip-Cov's tokens.
        reply_limit: Tokens of the longest reply allowed.

    Raises:
        ValueError: The row needs siblings or a reply limit that are not there.
    """
    algorithm.check_siblings(batch)
    objective, collected = algorithm.objective, len(batch)
    if objective.overlong_share:
        penalty_B = overlong_penalty(batch.mask_BT, reply_limit, objective.overlong_share)
        batch = batch.with_returns(batch.returns_B + penalty_B)
    rows = selected(batch, algorithm)
    if not rows:
        return None
    batch = batch.rows(rows)
    reference_BT = views.reference(batch) if algorithm.wants_reference else None
    batch, reward_BT = _kl_in_reward(batch, algorithm, reference_BT)
    has_values, tis = "value_head" in algorithm.needs, objective.tis_cap > 0
    look = has_values or tis or objective.entropy_share < 1
    own_BT, entropy_BT, values_BT = views.own(batch) if look else (batch.logprobs_BT, None, None)
    given = {
        **({"values_BT": values_BT} if has_values else {}),
        **({"memory": memory, "tags": batch.tags} if "memory" in algorithm.needs else {}),
        **({"reward_BT": reward_BT} if reward_BT is not None else {}),
    }
    advantage_BT = algorithm.advantages(batch, **given)
    weight_BT, held_BT = _token_weights(batch, algorithm, advantage_BT, entropy_BT, rng)
    metrics = {"dropped": float(collected - len(batch))}
    if reference_BT is not None:
        metrics["kl_reference"] = mean_kl(batch.logprobs_BT, reference_BT, batch.mask_BT)
    if tis:
        importance_BT = token_weights.truncated_importance(own_BT, batch.logprobs_BT, batch.mask_BT, objective.tis_cap)
        weight_BT = weight_BT * importance_BT
        metrics["tis_weight"] = float(importance_BT.sum() / batch.num_tokens)
    roles = [tag.role for tag in batch.tags]
    return Prepared(
        batch=batch,
        advantage_BT=advantage_BT * weight_BT,
        old_BT=own_BT if tis else batch.logprobs_BT,
        denominator_B1=denominators(
            objective.aggregate, batch.mask_BT, roles, reply_limit=reply_limit, weights=objective.weights()
        ),
        reference_BT=reference_BT,
        held_BT=held_BT,
        values_BT=values_BT if has_values else None,
        target_BT=_targets(batch, algorithm, values_BT, reward_BT) if has_values and values_BT is not None else None,
        metrics=metrics,
    )


def selected(batch: TokenBatch, algorithm: Algorithm) -> list[int]:
    """The messages that train, in the row's order: without constant groups where they are dropped, then what it selects."""
    rows = list(range(len(batch)))
    group_B = group_numbers(batch.tags, algorithm.group_by)
    for select in (informative if algorithm.objective.constant_groups == "drop" else None, algorithm.select):
        if select is not None and rows:
            rows = [rows[index] for index in select(batch.returns_B[rows], group_B[rows])]
    return rows


def _kl_in_reward(batch: TokenBatch, algorithm: Algorithm, reference_BT: Tensor | None) -> tuple[TokenBatch, Tensor | None]:
    """The batch with KL taken off its returns, or, for a row that needs `token_rewards`, the batch as it is and the rewards."""
    objective = algorithm.objective
    if reference_BT is None or not objective.kl_coef or objective.kl_in != "reward":
        return batch, None
    views = batch.logprobs_BT, reference_BT, batch.mask_BT
    if "token_rewards" in algorithm.needs:
        return batch, kl_rewards(*views, coef=objective.kl_coef, estimator=objective.kl_estimator)
    priced_B = minus_kl(batch.returns_B, *views, coef=objective.kl_coef, estimator=objective.kl_estimator)
    return batch.with_returns(priced_B), None


def _token_weights(
    batch: TokenBatch, algorithm: Algorithm, advantage_BT: Tensor, entropy_BT: Tensor | None, rng: np.random.Generator
) -> tuple[Tensor, Tensor | None]:
    """Weights that multiply the advantage, and the tokens that KL-Cov holds back."""
    objective, mask_BT = algorithm.objective, batch.mask_BT
    weight_BT, held_BT = mask_BT.float(), None
    if objective.covariance != "none":
        covariance_BT = token_weights.covariance(advantage_BT, batch.logprobs_BT, mask_BT)
        if objective.covariance == "kl":
            held_BT = token_weights.kl_cov(covariance_BT, mask_BT, objective.kl_cov_share)
        else:
            low, high = objective.clip_cov_low, objective.clip_cov_high
            weight_BT = token_weights.clip_cov(covariance_BT, mask_BT, rng, share=objective.clip_cov_share, low=low, high=high)
    if entropy_BT is not None and objective.entropy_share < 1:
        weight_BT = weight_BT * token_weights.high_entropy(entropy_BT, mask_BT, objective.entropy_share)
    return weight_BT, held_BT


def _targets(batch: TokenBatch, algorithm: Algorithm, values_BT: Tensor, reward_BT: Tensor | None) -> Tensor:
    """A + V with the advantage before whitening: the lambda-return of every token."""
    group_B = torch.zeros(len(batch), dtype=torch.long)
    plain_BT = generalised(
        batch.returns_B,
        group_B,
        batch.mask_BT,
        values_BT=values_BT,
        gae_lambda=float(algorithm.defaults.get("gae_lambda", 1.0)),
        whitened=False,
        reward_BT=reward_BT,
    )
    return torch.where(batch.mask_BT, plain_BT + values_BT, 0.0)
