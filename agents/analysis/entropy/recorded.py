"""Recorded episodes with tokens: as replies that models can score, and with the advantages that they trained with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from selfplay_envs import Episode, UsageError, read_episodes
from selfplay_envs.names.registration import make_game
from selfplay_envs.rewards.controls import control_arm

from ...algorithms.algorithm import Algorithm
from ...algorithms.table import find_algorithm
from ...batching.batch import Sample, TokenBatch, collate, samples_of, tag_of, trains
from ...config.role_schedule import Schedule
from ...config.run import TrainConfig
from ...core.seeding import generator_of
from ...learner.prepare import prepare
from ...models.forward import BatchScores
from ..finished_runs import FinishedRun
from .change import Covariances, pooled
from .curves import HOW_TO_RECORD, WHOLE, entropy_curves, recorded_steps

WITHOUT_COVARIANCE = frozenset({"state", "value_head", "reference", "pairs"})
"""Needs of an algorithm whose advantages cannot be computed from one step's episodes, or that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedChange:
    """One group of a run: covariances of its recorded steps, and what its entropy did."""

    group: str
    """`WHOLE`, or a role."""
    steps: Sequence[int]
    """At which an interval begins; it ends at the next recorded step that is far enough, the last one a step after it."""
    updates: Sequence[int]
    """In each interval."""
    covariances: Sequence[Covariances]
    """Mean over its updates; a recorded step stands for those up to the next recorded one."""
    changes: Sequence[float]
    """Of the exact entropy over each interval, nats, from the rows of the run. They are of different prompts, and noisy."""

    @property
    def totals(self) -> list[float]:
        """Covariance with the advantage times updates, of each interval: the predicted change is -eta times that."""
        return [one.natural * count for one, count in zip(self.covariances, self.updates, strict=True)]


def recorded_replies(episodes: Iterable[Episode]) -> list[Sample]:
    """Every sampled message that holds its tokens, whether it trained or not; replies that were given are left out.

    Raises:
        UsageError: No message holds tokens.
    """
    samples = [
        Sample(
            turn.reply,
            turn.training_return,
            tag_of(episode, number, index),
        )
        for number, episode in enumerate(episodes)
        for index, turn in enumerate(episode.messages)
        if turn.reply.token_ids and turn.reply.prompt_ids and not turn.reply.given
    ]
    if not samples:
        raise UsageError(f"episodes: no message holds token ids and was sampled; {HOW_TO_RECORD}")
    return samples


def predicted_changes(run: FinishedRun, span: int = 1) -> list[PredictedChange]:
    """Predicted and measured changes of entropy over the recorded steps of a run, for the whole model and by role.

    Advantages are computed anew from the recorded returns, as the run's algorithm did; token weights are in them.

    Args:
        run: Whose episodes are recorded with tokens.
        span: Updates of an interval at least: over more of them the change is larger beside the noise of two batches.

    Raises:
        UsageError: Episodes with tokens are missing, or the algorithm's advantages cannot be computed from them.
    """
    algorithm = _algorithm(run.config)
    found = {step: _of_step(run.config, algorithm, step, path) for step, path in recorded_steps(run.folder).items()}
    if not any(found.values()):
        raise UsageError(
            f"run={str(run.folder)!r}: no message of its recorded episodes trained and holds tokens; {HOW_TO_RECORD}"
        )
    groups = dict.fromkeys((WHOLE, *sorted({group for of in found.values() for group in of})))
    changes = [_intervals(run, group, {step: of[group] for step, of in found.items() if group in of}, span) for group in groups]
    return [change for change in changes if change.steps]


def trained_tokens(
    config: TrainConfig, algorithm: Algorithm, step: int, episodes: Sequence[Episode]
) -> tuple[TokenBatch, Tensor] | None:
    """The messages that a step trained on, and their advantages (B, T), 0 off the mask; None where nothing trained.

    Args:
        config: Of the run.
        algorithm: The run's, with its settings.
        step: Of the run.
        episodes: All of that step.

    Raises:
        UsageError: The algorithm's options need what episodes do not hold.
    """
    roles = _trained_roles(config, step)
    rng = generator_of(config.seed, "reward", step)  # as the loop draws the control arm
    samples = samples_of(control_arm(list(episodes), lambda turn: trains(turn, roles), config.reward, rng), roles)
    if not samples:
        return None
    limit = config.sampling.max_new_tokens
    ready = prepare(collate(samples), algorithm, _NoModel(), state={}, rng=generator_of("analysis", step), reply_limit=limit)
    return None if ready is None else (ready.batch, ready.advantage_BT)


class _NoModel:
    """Stands where a model would score the batch."""

    def score_batch(self, batch: TokenBatch) -> BatchScores:
        raise UsageError("algorithm: its options need the scores of the model at every step, which is not there any more.")

    def reference_logprobs(self, batch: TokenBatch) -> Tensor:
        raise UsageError("algorithm: its options need the scores of the starting model, which episodes do not hold.")


def _algorithm(config: TrainConfig) -> Algorithm:
    """The run's algorithm.

    Raises:
        UsageError: No covariance can be computed for it from recorded episodes.
    """
    algorithm = find_algorithm(config.algorithm).configured(config.options)
    if algorithm.imitates:
        raise UsageError(f"algorithm={config.algorithm!r} imitates given or chosen replies; no advantage tells where it moves.")
    if needs := sorted(algorithm.needs & WITHOUT_COVARIANCE):
        raise UsageError(
            f"algorithm={config.algorithm!r} needs {' and '.join(needs)}, so that its advantages do not follow from one step's "
            "episodes; the covariance is for algorithms such as trr++, grpo or reinforce."
        )
    return algorithm


def _trained_roles(config: TrainConfig, step: int) -> Collection[str]:
    """The roles that trained at a step."""
    roles = frozenset(role for mix in config.games for role in make_game(mix.env_id, **mix.kwargs).roles)
    trained = Schedule.parse(config.schedule).trained(step, roles)
    return trained & frozenset(config.train_roles) if config.train_roles else trained


def _of_step(config: TrainConfig, algorithm: Algorithm, step: int, path: Path) -> dict[str, Covariances]:
    """Covariances of one recorded step by group; none where nothing trained."""
    trained = trained_tokens(config, algorithm, step, list(read_episodes(path)))
    if trained is None:
        return {}
    batch, advantage_BT = trained
    roles = np.array([tag.role for tag in batch.tags])
    message_N = np.repeat(np.arange(len(batch)), batch.mask_BT.sum(-1).numpy())
    logprob_N = batch.logprobs_BT[batch.mask_BT].double().numpy()
    advantage_N = advantage_BT[batch.mask_BT].double().numpy()
    whole = {WHOLE: pooled(logprob_N, advantage_N)}
    of_role = {role: roles[message_N] == role for role in sorted(set(roles.tolist()))}
    return whole | {role: pooled(logprob_N[kept], advantage_N[kept]) for role, kept in of_role.items()}


def _intervals(run: FinishedRun, group: str, found: dict[int, Covariances], span: int) -> PredictedChange:
    """Intervals of at least `span` updates between recorded steps of a group, with the entropy at both ends of each."""
    curve = entropy_curves(run.rows, "exact").get(group)
    at = dict(zip(curve.steps, curve.values, strict=True)) if curve else {}
    recorded = sorted(step for step in found if step in at)
    ends = [*recorded[1:], *([recorded[-1] + 1] if recorded and recorded[-1] + 1 in at else [])]
    pieces = list(zip(recorded, ends, strict=False))  # each recorded step, and where the next one takes over
    steps: list[int] = []
    stops: list[int] = []
    covariances: list[Covariances] = []
    inside: list[tuple[int, int]] = []
    for piece in pieces:
        inside.append(piece)
        first, last = inside[0][0], piece[1]
        if last - first >= span:
            steps, stops = [*steps, first], [*stops, last]
            covariances.append(_mean([(found[begin], end - begin) for begin, end in inside]))
            inside = []
    return PredictedChange(
        group=group,
        steps=steps,
        updates=[stop - step for step, stop in zip(steps, stops, strict=True)],
        covariances=covariances,
        changes=[at[stop] - at[step] for step, stop in zip(steps, stops, strict=True)],
    )


def _mean(parts: Sequence[tuple[Covariances, int]]) -> Covariances:
    """Mean over updates of the covariances that stand for so many of them."""
    updates = sum(count for _, count in parts)
    return Covariances(
        natural=sum(one.natural * count for one, count in parts) / updates,
        vanilla=sum(one.vanilla * count for one, count in parts) / updates,
        tokens=sum(one.tokens for one, _ in parts),
    )
