"""From a batch to what the loss needs: selected messages, returns, advantages, denominators, token weights.

Everything here is computed once for the whole batch, before its first optimiser step, so that micro-batches cannot change it.

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
from .algorithm import Algorithm
from .batch import TokenBatch, group_numbers
from .objective import Objective
from .prepared import Prepared, denominators_of
from .returns import kl_rewards, mean_kl, minus_kl, overlong_penalty
from .selection import informative


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
    policy_version: int | None = None,
    steps: int = 1,
) -> Prepared | None:
    """What the loss of `algorithm` on this batch needs; None where no message is left to train on.

    Args:
        batch: Everything that was collected for the step.
        algorithm: The row, with the run's settings.
        views: How the learner sees a batch.
        memory: What the row remembers from batch to batch.
        rng: Draws Clip-Cov's tokens.
        reply_limit: Tokens of the longest reply allowed.
        policy_version: The learner's; messages of an older one are off policy. None: none is.
        steps: Optimiser steps that will be taken; above 1 the learner must look at its own log-probabilities first.

    Raises:
        ValueError: The row needs siblings or a reply limit that are not there; role_shares leave a role out.
    """
    objective, collected = algorithm.objective, len(batch)
    algorithm.check_siblings(batch)
    objective.check_shares({tag.role for tag in batch.tags})
    chosen = selected(batch, algorithm, reply_limit)
    if chosen is None:
        return None
    batch = chosen
    reference_BT = views.reference(batch) if algorithm.wants_reference else None
    batch, reward_BT = _kl_in_reward(batch, algorithm, reference_BT)
    has_values, tis = "value_head" in algorithm.needs, objective.tis_cap > 0
    own_B, pairs = _own(batch, objective, policy_version), "pairs" in algorithm.needs
    looks_back = algorithm.has_ratio and bool(own_B.any()) and (steps > 1 or not own_B.all())
    look = has_values or tis or objective.entropy_share < 1 or looks_back
    own_BT, entropy_BT, values_BT = views.own(batch) if look else (batch.logprobs_BT, None, None)
    advantage_BT = _advantages(batch, algorithm, memory, values_BT, reward_BT)
    trained = _not_cut_off(batch, objective)
    if not trained:
        return None
    mask_BT = _only(trained, batch.mask_BT)
    weight_BT, held_BT = _token_weights(batch, mask_BT, algorithm, advantage_BT, entropy_BT, rng)
    metrics: dict[str, float] = {}
    if reference_BT is not None:
        metrics["kl_reference"] = mean_kl(batch.logprobs_BT, reference_BT, mask_BT)
    if tis:
        importance_BT = token_weights.truncated_importance(own_BT, batch.logprobs_BT, mask_BT, objective.tis_cap)
        weight_BT = weight_BT * importance_BT
        metrics["tis_weight"] = float(importance_BT.sum() / mask_BT.sum())
    ready = Prepared(
        batch=batch,
        advantage_BT=advantage_BT * weight_BT,
        old_BT=torch.where(own_B[:, None], own_BT, batch.logprobs_BT),
        own_B=own_B,
        denominator_B1=denominators_of(batch, objective, reply_limit, pairs=pairs),
        reference_BT=reference_BT,
        held_BT=held_BT,
        values_BT=values_BT if has_values else None,
        target_BT=_targets(batch, algorithm, values_BT, reward_BT) if has_values and values_BT is not None else None,
        metrics=metrics,
        objective=objective,
        reply_limit=reply_limit,
        pairs=pairs,
    )
    ready = ready if len(trained) == len(batch) else ready.part(trained)
    metrics["dropped"] = float(collected - len(trained))
    return ready if looks_back else ready.first()


def selected(batch: TokenBatch, algorithm: Algorithm, reply_limit: int) -> TokenBatch | None:
    """The messages that count, in the row's order, with the price on overlong replies in their returns; None: not one.

    Constant groups are dropped by what was earned before that price: they are those that all got right or all wrong, and
    lengths must not bring them back. The row's own selection sees the price.

    See: Yu et al., DAPO, arXiv 2503.14476, equation 8, whose constraint is on the number of correct answers.
    """
    objective, rows = algorithm.objective, list(range(len(batch)))
    if "pairs" in algorithm.needs:  # nobody can stay without the other
        rows = _not_cut_off(batch, objective)
    group_B = group_numbers(batch.tags, algorithm.group_by)
    if objective.constant_groups == "drop" and rows:
        rows = [rows[index] for index in informative(batch.returns_B[rows], group_B[rows])]
    if objective.overlong_share:
        batch = batch.with_returns(batch.returns_B + overlong_penalty(batch.mask_BT, reply_limit, objective.overlong_share))
    if algorithm.select is not None and rows:
        rows = [rows[index] for index in algorithm.select(batch.returns_B[rows], group_B[rows])]
    return batch.rows(rows) if rows else None


def _not_cut_off(batch: TokenBatch, objective: Objective) -> list[int]:
    """Rows that train under `cut_off`; the others still count in the baselines of their groups."""
    if objective.cut_off == "train" or batch.cut_B is None:
        return list(range(len(batch)))
    return (~batch.cut_B).nonzero()[:, 0].tolist()


def _advantages(
    batch: TokenBatch,
    algorithm: Algorithm,
    memory: MutableMapping[str, float],
    values_BT: Tensor | None,
    reward_BT: Tensor | None,
) -> Tensor:
    """The row's advantages (B, T), given what it needs."""
    given = {
        **({"values_BT": values_BT} if "value_head" in algorithm.needs else {}),
        **({"memory": memory, "tags": batch.tags} if "memory" in algorithm.needs else {}),
        **({"reward_BT": reward_BT} if reward_BT is not None else {}),
    }
    return algorithm.advantages(batch, **given)


def _only(rows: list[int], mask_BT: Tensor) -> Tensor:
    """The mask, with nothing in other rows."""
    kept_BT = torch.zeros_like(mask_BT)
    kept_BT[rows] = mask_BT[rows]
    return kept_BT


def _own(batch: TokenBatch, objective: Objective, policy_version: int | None) -> Tensor:
    """Messages whose ratios are taken against the learner's own log-probabilities before it changes, bool (B,).

    A sampler lagging behind is another policy, which ratios correct; under `tis_cap` the weight corrects it.
    """
    if objective.old_logprobs == "sampler":
        return torch.zeros(len(batch), dtype=torch.bool)
    if objective.tis_cap > 0 or policy_version is None:
        return torch.ones(len(batch), dtype=torch.bool)
    return batch.version_B >= policy_version


def _kl_in_reward(batch: TokenBatch, algorithm: Algorithm, reference_BT: Tensor | None) -> tuple[TokenBatch, Tensor | None]:
    """The batch with KL taken off its returns, or, for a row that needs `token_rewards`, the batch as it is and the rewards."""
    objective = algorithm.objective
    if reference_BT is None or not objective.kl_coef or objective.kl_in != "reward":
        return batch, None
    views = batch.logprobs_BT, reference_BT, batch.mask_BT
    paid = {"coef": objective.kl_coef, "clamp": objective.kl_clamp}
    if "token_rewards" in algorithm.needs:
        return batch, kl_rewards(*views, estimator=objective.kl_estimator, **paid)
    return batch.with_returns(minus_kl(batch.returns_B, *views, estimator=objective.kl_estimator, **paid)), None


def _token_weights(
    batch: TokenBatch,
    mask_BT: Tensor,
    algorithm: Algorithm,
    advantage_BT: Tensor,
    entropy_BT: Tensor | None,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor | None]:
    """Weights that multiply the advantage, and the tokens that KL-Cov holds back: shares of those in the mask, which train."""
    objective = algorithm.objective
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
