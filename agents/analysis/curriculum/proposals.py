"""Proposals over training, from recorded episodes: valid or not, how long, how hard for their panel, and what they are made of.

See: Chae et al., Towards Understanding Self-play for LLM Reasoning, arXiv 2510.27072: solve rate and length of answers over
iterations. There, proposals of several checkpoints are solved anew by one model; here, each is rated by the panel of its step,
and `agents.analysis.curriculum.solving` solves a sample anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from selfplay_envs import Episode, read_episodes
from selfplay_envs.checks.styles import looks_like_code
from selfplay_envs.core.records import Turn
from selfplay_envs.names.registration import answering_roles
from selfplay_envs.replies.parsing import read_reply
from selfplay_envs.tasks.duplicates import recorded_proposal_key

from ...runs.folder import recorded_episodes
from .content import content_of

LAST = 0.2
"""Share of the recorded steps that the end of a run is a mean over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One message of a role that proposes."""

    step: int
    game: str
    """Its name in the run."""
    role: str
    task_type: str
    valid: bool
    characters: int
    """Of the message."""
    tokens: int | None
    """Of the message; None where the record holds none."""
    task: Mapping[str, Any] | None = None
    """What was proposed; this and all below are None of a proposal that is not valid."""
    key: str | None = None
    """Equal for proposals that the game takes for the same."""
    shape: str | None = None
    """See `agents.analysis.curriculum.content`; None too where its text has none."""
    operations: tuple[str, ...] | None = None
    """See there."""
    solve_rate: float | None = None
    """Share of its panel's answers that are right; void ones do not count, and where all are void it is None."""
    score: float | None = None
    """Mean score of its panel's answers, for games whose answers can be partly right."""
    answer_tokens: float | None = None
    """Mean of its panel's answers; None too where the record holds none."""
    code: bool | None = None
    """Whether it looks like code; None too of programs, which are."""
    answers_code: float | None = None
    """Share of its panel's valid answers that look like code; None too of answers to programs."""
    known: bool | None = None
    """Whether an earlier recorded step has the same proposal; None too in the first one."""

    @property
    def group(self) -> str:
        """`role/task_type`, as in the rows of a run."""
        return f"{self.role}/{self.task_type}" if self.task_type else self.role


def proposals_of_run(folder: Path) -> list[Proposal]:
    """All proposals in the recorded episodes of a run, by step; void ones, which say nothing of anybody, are left out.

    Raises:
        UsageError: A record is damaged, and the sentence names the line; or a game is not on this machine.
    """
    found: list[Proposal] = []
    seen: set[tuple[str, str | None]] = set()
    for number, (step, path) in enumerate(recorded_episodes(folder).items()):
        of_step = proposals_in(read_episodes(path), step)
        if number:
            of_step = [replace(one, known=(one.game, one.key) in seen) if one.task is not None else one for one in of_step]
        seen |= {(one.game, one.key) for one in of_step if one.task is not None}
        found += of_step
    return found


def proposals_in(episodes: Iterable[Episode], step: int) -> list[Proposal]:
    """The proposals of some episodes: first messages of roles that do not answer, in games where another role does."""
    found: list[Proposal] = []
    answering: dict[str, tuple[str, ...]] = {}
    for episode in episodes:
        first = episode.messages[0] if episode.messages else None
        if episode.env_id not in answering:
            answering[episode.env_id] = answering_roles([episode.env_id])
        answers = answering[episode.env_id]
        if first is not None and answers and first.slot.role not in answers and not first.void:
            panel = [turn for turn in episode.messages[1:] if turn.slot.role in answers and not turn.void]
            found.append(_proposal(episode, first, panel, step))
    return found


def _proposal(episode: Episode, first: Turn, panel: Sequence[Turn], step: int) -> Proposal:
    """One proposal; `panel` are the answers that count."""
    tokens = len(first.reply.token_ids) or None
    message = Proposal(
        step=step,
        game=episode.game_name,
        role=first.slot.role,
        task_type=first.task_type,
        valid=first.verdict.valid,
        characters=len(first.reply.text),
        tokens=tokens,
    )
    if episode.proposed is None:
        return message
    content, words = content_of(episode.proposed), "program" not in episode.proposed
    valid = [turn for turn in panel if turn.verdict.valid]  # a block that was left open would look like one of code
    texts = [text for text in episode.proposed.values() if isinstance(text, str)]
    return replace(
        message,
        task=episode.proposed,
        key=recorded_proposal_key(episode),
        shape=content.shape,
        operations=content.operations,
        solve_rate=_mean([float(turn.verdict.valid and turn.verdict.score == 1.0) for turn in panel]),
        score=_mean([turn.verdict.score if turn.verdict.valid else 0.0 for turn in panel]),
        code=any(map(looks_like_code, texts)) if words else None,
        answers_code=_mean([float(looks_like_code(_answer(turn))) for turn in valid]) if words else None,
        answer_tokens=_mean([len(turn.reply.token_ids) for turn in panel if turn.reply.token_ids]),
    )


def _answer(turn: Turn) -> str:
    """The answer in a message: in its last block of that name, or all of it but a thought."""
    reply = read_reply(turn.reply.text)
    return [reply.answer, *reply.bodies("answer")][-1]


def last_solve_rate(proposals: Sequence[Proposal]) -> float | None:
    """Mean solve rate of the proposals in the last fifth of a run's recorded steps; None where there are none."""
    rated = [(one.step, one.solve_rate) for one in proposals if one.solve_rate is not None]
    steps = sorted({step for step, _ in rated})
    end = set(steps[-max(1, round(LAST * len(steps))) :])
    return _mean([rate for step, rate in rated if step in end])


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
        if one.solve_rate is not None:
            counts.setdefault(one.step, [0] * (panel + 1))[round(one.solve_rate * panel)] += 1
    return {step: [count / sum(row) for count in row] for step, row in sorted(counts.items())}


def lengths_by_solve_rate(proposals: Sequence[Proposal], bins: Sequence[float] = (0.25, 0.5, 0.75, 1.0)) -> Mapping[str, float]:
    """Mean length of answers in tokens by the solve rate of the task, in bins up to each bound; empty bins are left out."""
    means: dict[str, float] = {}
    rated = [(one.solve_rate, one.answer_tokens) for one in proposals]
    low = -1.0
    for high in bins:
        lengths = [tokens for rate, tokens in rated if rate is not None and tokens is not None and low < rate <= high]
        if lengths:
            means[f"{max(low, 0.0):g} to {high:g}"] = fmean(lengths)
        low = high
    return means


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
