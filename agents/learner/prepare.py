"""From a batch to what the loss needs: selected messages, returns, advantages, denominators, token weights.

Everything here is computed once for the whole batch, before its first optimiser step, so that micro-batches cannot change it.

Legend of shape suffixes: B messages, T token positions.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..algorithms.algorithm import Algorithm
from ..algorithms.kl import kl_rewards, mean_kl, minus_kl
from ..algorithms.returns import overlong_penalty
from ..algorithms.token_weights import truncated_importance, weights_and_penalties
from ..batching.batch import TokenBatch
from ..batching.groups import Groups
from ..config.objective import Objective
from ..models.forward import BatchScores
from .prepared_batch import Prepared, denominators_of


class BatchScorer(Protocol):
    """The part of `learner.logprobs.Scorer` that preparing needs: forward passes over all messages, without gradient."""

    def score_batch(self, batch: TokenBatch) -> BatchScores:
        """Log-probabilities, entropies and values under the present weights."""
        ...

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        """Log-probabilities (B, T) under the starting weights."""
        ...


def prepare(
    batch: TokenBatch,
    algorithm: Algorithm,
    scorer: BatchScorer,
    *,
    state: MutableMapping[str, float],
    rng: np.random.Generator,
    reply_limit: int = 0,
    policy_version: int | None = None,
    steps: int = 1,
) -> Prepared | None:
    """Computes all that the loss of `algorithm` on this batch needs; None where no message is left to train on.

    Args:
        batch: Everything that was collected for the step.
        algorithm: With the run's settings.
        scorer: Of the learner's model; called only for what the algorithm needs.
        state: Of the algorithm, from batch to batch; changed in place.
        rng: Draws Clip-Cov's tokens.
        reply_limit: Tokens of the longest reply allowed.
        policy_version: The learner's; messages of an older one are off policy. None: none is.
        steps: Optimiser steps that will be taken; above 1 the learner's own log-probabilities are computed first.

    Raises:
        ValueError: Siblings or a reply limit are needed that are not there; role_shares leave a role out.
    """
    objective, collected = algorithm.objective, len(batch)
    groups = algorithm.groups(batch)
    algorithm.check_siblings(batch, groups)
    objective.check_shares({tag.role for tag in batch.tags})
    selection = selected(batch, groups, algorithm, reply_limit)
    if selection is None:
        return None
    batch, groups = selection
    reference_BT = scorer.reference_logprobs(batch) if algorithm.wants_reference else None
    own_B = _own(batch, objective, policy_version)
    ratios_move = algorithm.has_ratio and bool(own_B.any()) and (steps > 1 or not own_B.all())
    scores = _scores(batch, algorithm, scorer, ratios_move)
    batch, reward_BT = _kl_in_reward(batch, algorithm, reference_BT)
    advantage_BT, target_BT = algorithm.estimate(batch, groups, state=state, values_BT=scores.values_BT, reward_BT=reward_BT)
    trained = _not_cut_off(batch, objective)
    if not trained:
        return None
    mask_BT = _only(trained, batch.mask_BT)
    entropy_BT = scores.entropy_BT
    weight_BT, penalised_BT = weights_and_penalties(objective, mask_BT, advantage_BT, batch.logprobs_BT, entropy_BT, rng)
    metrics = {"dropped": float(collected - len(trained))}
    if reference_BT is not None:
        metrics |= _kl_metrics(batch, reference_BT, mask_BT)
    if objective.tis_cap > 0:
        importance_BT = truncated_importance(scores.logprobs_BT, batch.logprobs_BT, mask_BT, objective.tis_cap)
        weight_BT = weight_BT * importance_BT
        metrics["tis_weight"] = float(importance_BT.sum() / mask_BT.sum())
    pairs = "pairs" in algorithm.needs
    ready = Prepared(
        batch=batch,
        advantage_BT=advantage_BT * weight_BT,
        old_BT=torch.where(own_B[:, None], scores.logprobs_BT, batch.logprobs_BT),
        own_B=own_B,
        denominator_B1=denominators_of(batch, objective, reply_limit, pairs=pairs),
        reference_BT=reference_BT,
        penalised_BT=penalised_BT,
        values_BT=scores.values_BT,
        target_BT=target_BT,
        metrics=metrics,
        objective=objective,
        reply_limit=reply_limit,
        pairs=pairs,
    )
    ready = ready if len(trained) == len(batch) else ready.part(trained)
    return ready if ratios_move else ready.first()


def selected(batch: TokenBatch, groups: Groups, algorithm: Algorithm, reply_limit: int) -> tuple[TokenBatch, Groups] | None:
    """The messages that count, in the algorithm's order, with the penalty on overlong replies in their returns; None: not one.

    Constant groups are dropped by the returns before that penalty: they are those that all got right or all wrong, and lengths
    must not bring them back. The algorithm's own selection sees the penalty.

    See: Yu et al., DAPO, arXiv 2503.14476, equation 8, whose constraint is on the number of correct answers.
    """
    objective, rows = algorithm.objective, list(range(len(batch)))
    unpenalised_B = batch.returns_B
    if "pairs" in algorithm.needs:  # nobody can stay without the other
        rows = _not_cut_off(batch, objective)
    if objective.constant_groups == "drop" and rows:
        constant = groups.rows(rows, unpenalised_B).constant_B.tolist()
        rows = [row for row, dropped in zip(rows, constant, strict=True) if not dropped]
    if objective.overlong_share:
        batch = batch.with_returns(batch.returns_B + overlong_penalty(batch.mask_BT, reply_limit, objective.overlong_share))
    if algorithm.select is not None and rows:
        rows = [rows[index] for index in algorithm.select(batch.returns_B[rows], groups.number_B[rows])]
    return (batch.rows(rows), groups.rows(rows, unpenalised_B)) if rows else None


def _not_cut_off(batch: TokenBatch, objective: Objective) -> list[int]:
    """Rows that train under `cut_off`; the others still count in the baselines of their groups."""
    if objective.cut_off == "train" or batch.cut_B is None:
        return list(range(len(batch)))
    return (~batch.cut_B).nonzero()[:, 0].tolist()


def _own(batch: TokenBatch, objective: Objective, policy_version: int | None) -> Tensor:
    """Messages whose ratios are taken against the learner's own log-probabilities before it changes, bool (B,).

    A sampler lagging behind is another policy, which ratios correct; under `tis_cap` the weight corrects it.
    """
    if objective.old_logprobs == "sampler":
        return torch.zeros(len(batch), dtype=torch.bool)
    if objective.tis_cap > 0 or policy_version is None:
        return torch.ones(len(batch), dtype=torch.bool)
    return batch.version_B >= policy_version


def _scores(batch: TokenBatch, algorithm: Algorithm, scorer: BatchScorer, ratios_move: bool) -> BatchScores:
    """The learner's scores where anything needs them, else the sampler's log-probabilities and nothing beside."""
    objective, has_values = algorithm.objective, "value_head" in algorithm.needs
    if not (has_values or ratios_move or objective.tis_cap > 0 or objective.entropy_share < 1):
        return BatchScores(batch.logprobs_BT)
    scores = scorer.score_batch(batch)
    return scores if has_values else scores._replace(values_BT=None)


def _kl_in_reward(batch: TokenBatch, algorithm: Algorithm, reference_BT: Tensor | None) -> tuple[TokenBatch, Tensor | None]:
    """The batch with KL taken off its returns, or, where the advantage takes token rewards, the batch as it is and these."""
    objective = algorithm.objective
    if reference_BT is None or not objective.kl_coef or objective.kl_in != "reward":
        return batch, None
    coef, estimator, clamp = objective.kl_coef, objective.kl_estimator, objective.kl_clamp
    tensors = batch.logprobs_BT, reference_BT, batch.mask_BT
    if "token_rewards" in algorithm.needs:
        return batch, kl_rewards(*tensors, coef=coef, estimator=estimator, clamp=clamp)
    return batch.with_returns(minus_kl(batch.returns_B, *tensors, coef=coef, estimator=estimator, clamp=clamp)), None


def _kl_metrics(batch: TokenBatch, reference_BT: Tensor, mask_BT: Tensor) -> dict[str, float]:
    """KL to the reference in nats per trained token: of the whole batch, and of every role on a task type that trains.

    The mean of the groups, each weighed by its trained tokens, is that of the whole.
    """
    rows: dict[str, list[int]] = {}
    for row in mask_BT.any(-1).nonzero()[:, 0].tolist():
        rows.setdefault(batch.tags[row].metric_group, []).append(row)
    tensors = batch.logprobs_BT, reference_BT, mask_BT
    groups = {f"{group}/kl_reference": mean_kl(*(tensor[rows[group]] for tensor in tensors)) for group in sorted(rows)}
    return {"kl_reference": mean_kl(*tensors), **groups}


def _only(rows: list[int], mask_BT: Tensor) -> Tensor:
    """The mask, with nothing in other rows."""
    kept_BT = torch.zeros_like(mask_BT)
    kept_BT[rows] = mask_BT[rows]
    return kept_BT
