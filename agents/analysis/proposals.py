"""Proposals over training, from recorded episodes: how many of their panel solved them, how long they and their answers are.

See: Chae et al., Towards Understanding Self-play for LLM Reasoning, arXiv 2510.27072: solve rate and length of answers over
iterations. There, proposals of several checkpoints are solved anew by one model; here, each is rated by the panel of its step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from selfplay_envs import Episode, read_episodes
from selfplay_envs.names.registration import answering_roles

from ..runs.folder import recorded_episodes

LAST = 0.2
"""Share of the recorded steps that the end of a run is a mean over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One valid proposal whose panel has answered."""

    step: int
    task_type: str
    solve_rate: float
    """Share of its panel's answers that are right; void ones do not count."""
    tokens: int
    """Of the proposal."""
    answer_tokens: float
    """Mean of its panel's answers."""


def proposals_of_run(folder: Path) -> list[Proposal]:
    """All valid proposals in the recorded episodes of a run, by step.

    Raises:
        UsageError: A record is damaged; names the line.
    """
    found = recorded_episodes(folder)
    return [one for step, path in found.items() for one in proposals_in(read_episodes(path), step)]


def proposals_in(episodes: Iterable[Episode], step: int) -> list[Proposal]:
    """The valid proposals of some episodes; those that no answer of their panel counts for are left out."""
    found: list[Proposal] = []
    for episode in episodes:
        first = episode.messages[0] if episode.messages else None
        if first is None or episode.proposed is None or first.slot.role in answering_roles([episode.env_id]):
            continue
        panel = [turn for turn in episode.messages[1:] if turn.slot.role != first.slot.role and not turn.void]
        if panel:
            found.append(
                Proposal(
                    step=step,
                    task_type=first.task_type,
                    solve_rate=fmean(float(turn.verdict.valid and turn.verdict.score == 1.0) for turn in panel),
                    tokens=len(first.reply.token_ids),
                    answer_tokens=fmean(len(turn.reply.token_ids) for turn in panel),
                )
            )
    return found


def mean_by_step(proposals: Sequence[Proposal]) -> dict[int, float]:
    """Mean solve rate of the proposals of each step."""
    rates: dict[int, list[float]] = {}
    for one in proposals:
        rates.setdefault(one.step, []).append(one.solve_rate)
    return {step: fmean(values) for step, values in sorted(rates.items())}


def last_solve_rate(proposals: Sequence[Proposal]) -> float | None:
    """Mean solve rate of the proposals in the last fifth of a run's recorded steps; None where there are none."""
    steps = sorted({one.step for one in proposals})
    end = set(steps[-max(1, round(LAST * len(steps))) :])
    rates = [one.solve_rate for one in proposals if one.step in end]
    return fmean(rates) if rates else None


def solve_rate_histogram(proposals: Sequence[Proposal], panel: int) -> dict[int, list[float]]:
    """Share of the proposals of each step that 0, 1, ... `panel` of their panel solved; solve rates are rounded to these.

    Args:
        proposals: Of one run, or of several.
        panel: Attempts at a proposal.

    Returns:
        `panel + 1` shares by step, which add up to 1.
    """
    counts: dict[int, list[int]] = {}
    for one in proposals:
        counts.setdefault(one.step, [0] * (panel + 1))[round(one.solve_rate * panel)] += 1
    return {step: [count / sum(row) for count in row] for step, row in sorted(counts.items())}


def lengths_by_solve_rate(proposals: Sequence[Proposal], bins: Sequence[float] = (0.25, 0.5, 0.75, 1.0)) -> Mapping[str, float]:
    """Mean length of answers in tokens by the solve rate of the task, in bins up to each bound; empty bins are left out."""
    means: dict[str, float] = {}
    low = -1.0
    for high in bins:
        lengths = [one.answer_tokens for one in proposals if low < one.solve_rate <= high]
        if lengths:
            means[f"{max(low, 0.0):g} to {high:g}"] = fmean(lengths)
        low = high
    return means
