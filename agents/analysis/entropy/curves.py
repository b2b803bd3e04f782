"""Entropy over training, from the rows of finished runs: of the whole model, by role, and by role and task type.

All are means over response tokens, in nats. Three kinds say different things and have names of their own:

    exact      -sum_v p_v log p_v over the whole vocabulary, at the temperature that replies are sampled with
    sampled    -log p of the token that was sampled: unbiased for the same number, noisier
    recorded   the same, over all sampled messages of the recorded episodes, those that did not train too

Exact and sampled are the learner's, over the messages that trained: a role that never trains, such as a frozen proposer, has
none, and only what was recorded tells of it. The row of step s describes the weights before the update of step s.

See: Chae et al., Towards Understanding Self-play for LLM Reasoning, arXiv 2510.27072 (whole model and by role).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from selfplay_envs import Episode, UsageError, read_episodes

from ...runs.columns import Row, groups_of, of_role, roles_of, series
from ...runs.folder import recorded_episodes
from ..finished_runs import FinishedRun
from ..seed_curves import Curve, SeedCurve, seed_curve

Kind = Literal["exact", "sampled", "recorded"]
COLUMNS: Mapping[str, str] = {"exact": "entropy", "sampled": "entropy_sampled"}
"""Kinds that rows of a run hold, and the column of each."""
WHOLE = "whole model"


def entropy_curves(rows: Sequence[Row], kind: Kind) -> dict[str, Curve]:
    """The curves of a run by group: the whole model, every role, every role and task type; steps without a value are left out.

    Args:
        rows: Of `metrics.jsonl`.
        kind: `exact` or `sampled`.

    Raises:
        ValueError: Rows of metrics have no such kind.
    """
    if kind not in COLUMNS:
        raise ValueError(f"kind={kind!r} is not in the rows of a run; choose one of {', '.join(COLUMNS)}.")
    column = COLUMNS[kind]
    roles = sorted({role for row in rows for role in roles_of(row)})
    groups = sorted({group for row in rows for group in groups_of(row)})
    values: dict[str, Callable[[Row], float | None]] = {WHOLE: lambda row: row.get(column)}
    values |= {role: lambda row, role=role: of_role(row, role, column) for role in roles}
    values |= {group: lambda row, group=group: row.get(f"{group}/{column}") for group in groups if group not in roles}
    return _curves({group: series(rows, value) for group, value in values.items()})


def recorded_curves(folder: Path) -> dict[str, Curve]:
    """The same of kind `recorded`, from the episodes of a run that hold log-probabilities.

    Args:
        folder: Of the run.

    Raises:
        UsageError: No episode is recorded, or they hold no log-probabilities.
    """
    points: dict[str, tuple[list[int], list[float]]] = {}
    for step, path in recorded_steps(folder).items():
        for group, mean in sampled_entropy(read_episodes(path)).items():
            steps, values = points.setdefault(group, ([], []))
            steps.append(step)
            values.append(mean)
    if not points:
        raise UsageError(f"run={str(folder)!r}: its recorded episodes hold no log-probabilities; {HOW_TO_RECORD}")
    ordered = sorted(points, key=lambda group: (group != WHOLE, "/" in group, group))
    return _curves({group: points[group] for group in ordered})


HOW_TO_RECORD = "train it with record_tokens=true, which writes them, and a small episodes_every."
"""What to do where tokens are missing."""


def recorded_steps(folder: Path) -> dict[int, Path]:
    """Files of recorded episodes of a run by step.

    Raises:
        UsageError: There are none.
    """
    found = recorded_episodes(folder)
    if not found:
        raise UsageError(f"run={str(folder)!r} has no recorded episodes; {HOW_TO_RECORD}")
    return found


def sampled_entropy(episodes: Iterable[Episode]) -> dict[str, float]:
    """Mean of -log p over the tokens of all sampled messages, by group; replies that were given are none."""
    sums: dict[str, list[float]] = {}
    for episode in episodes:
        for turn in episode.messages:
            if turn.reply.given or not turn.reply.logprobs:
                continue
            role, kind = turn.slot.role, turn.task_type
            for group in dict.fromkeys((WHOLE, role, f"{role}/{kind}" if kind else role)):
                total = sums.setdefault(group, [0.0, 0.0])
                total[0] -= sum(turn.reply.logprobs)
                total[1] += len(turn.reply.logprobs)
    return {group: total / tokens for group, (total, tokens) in sums.items()}


def over_seeds(runs: Sequence[FinishedRun], kind: Kind) -> list[SeedCurve]:
    """A mean curve per arm and group, runs of an arm aligned by step; the interval is Student's t over seeds.

    Raises:
        UsageError: A run holds no such entropies.
    """
    curves: dict[tuple[str, str], list[Curve]] = {}
    for run in runs:
        found = recorded_curves(run.folder) if kind == "recorded" else entropy_curves(run.rows, kind)
        if not found:
            raise UsageError(f"run={str(run.folder)!r}: no step of it trained on a token, so it has no {kind} entropy.")
        for group, curve in found.items():
            curves.setdefault((run.arm, group), []).append(curve)
    means = [seed_curve(arm, kind, of_group) for (arm, _), of_group in curves.items()]
    return [mean for mean in means if mean is not None]


def _curves(points: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> dict[str, Curve]:
    return {group: Curve(group=group, steps=steps, values=values) for group, (steps, values) in points.items() if steps}
