"""Numbers of the proposals of one step: a table of what is measured, and its values over the recorded steps of a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ...runs.columns import Row
from .proposals import Proposal

ALL = "all"
"""The group of all proposals of a run."""
TOKENS = "tokens"
Series = Mapping[int, float]
"""Values by step; steps without one are not in it."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that is measured of the proposals of a step."""

    title: str
    """In tables and pictures."""
    unit: str
    of: Callable[[Sequence[Proposal]], float | None]
    """Its value; None where no proposal tells of it."""


def _mean_of(value_of: Callable[[Proposal], float | None]) -> Callable[[Sequence[Proposal]], float | None]:
    """The mean over the proposals that have that value."""

    def mean(proposals: Sequence[Proposal]) -> float | None:
        values = [value for one in proposals if (value := value_of(one)) is not None]
        return fmean(values) if values else None

    return mean


def _distinct(proposals: Sequence[Proposal]) -> float | None:
    names = [(one.game, one.key) for one in proposals if one.task is not None]
    return len(set(names)) / len(names) if names else None


def _shapes(proposals: Sequence[Proposal]) -> float | None:
    names = [(one.game, one.shape) for one in proposals if one.shape is not None]
    return len(set(names)) / len(names) if names else None


def _operations(proposals: Sequence[Proposal]) -> Counter[str]:
    return Counter(name for one in proposals for name in one.operations or ())


def _kinds(proposals: Sequence[Proposal]) -> float | None:
    return float(len(_operations(proposals))) if any(one.task is not None for one in proposals) else None


def _entropy(proposals: Sequence[Proposal]) -> float | None:
    """-sum p log p of the shares p of operations, in nats."""
    counts = list(_operations(proposals).values())
    total = sum(counts)
    return -math.fsum(count / total * math.log(count / total) for count in counts) + 0.0 if total else None


QUANTITIES: Mapping[str, Quantity] = {
    "valid": Quantity("valid", "share of proposals", _mean_of(lambda one: float(one.valid))),
    "solve_rate": Quantity("solved by own panel", "share of answers", _mean_of(lambda one: one.solve_rate)),
    "score": Quantity("score of own panel", "mean score (0 to 1)", _mean_of(lambda one: one.score)),
    TOKENS: Quantity("length", "tokens per proposal", _mean_of(lambda one: one.tokens)),
    "characters": Quantity("length in characters", "characters per proposal", _mean_of(lambda one: one.characters)),
    "answer_tokens": Quantity("length of answers", "tokens per answer", _mean_of(lambda one: one.answer_tokens)),
    "distinct": Quantity("distinct", "share of valid proposals", _distinct),
    "known": Quantity("known from before", "share of valid proposals", _mean_of(lambda one: one.known)),
    "shapes": Quantity("distinct shapes", "share of valid proposals", _shapes),
    "operations": Quantity("different operations", "number per step", _kinds),
    "operation_entropy": Quantity("entropy of operations", "nats", _entropy),
    "code": Quantity("requests like code", "share of valid proposals", _mean_of(lambda one: one.code)),
    "answers_code": Quantity("answers like code", "share of answers", _mean_of(lambda one: one.answers_code)),
}
"""By name."""


def groups_in(proposals: Sequence[Proposal]) -> dict[str, list[Proposal]]:
    """The proposals by group: all, and where there are several, every role and task type."""
    groups: dict[str, list[Proposal]] = {}
    for one in proposals:
        groups.setdefault(one.group, []).append(one)
    return {ALL: list(proposals), **(dict(sorted(groups.items())) if len(groups) > 1 else {})}


def series_of(proposals: Sequence[Proposal], rows: Sequence[Row] = ()) -> dict[str, dict[str, Series]]:
    """Values by group, quantity and step; what no step has is not in it.

    Args:
        proposals: Of one run.
        rows: Of its `metrics.jsonl`: they tell how many tokens messages have where records hold no tokens.
    """
    by_step: dict[str, dict[str, Series]] = {}
    for group, of_group in groups_in(proposals).items():
        steps: dict[int, list[Proposal]] = {}
        for one in of_group:
            steps.setdefault(one.step, []).append(one)
        values = {
            name: {step: value for step, some in sorted(steps.items()) if (value := quantity.of(some)) is not None}
            for name, quantity in QUANTITIES.items()
        }
        if not values[TOKENS]:
            groups = sorted({one.group for one in of_group})
            values[TOKENS] = {step: mean for step in sorted(steps) if (mean := _tokens(rows, step, groups)) is not None}
        by_step[group] = {name: series for name, series in values.items() if series}
    return by_step


def _tokens(rows: Sequence[Row], step: int, groups: Sequence[str]) -> float | None:
    """Mean length of the messages of some groups in a step, as its row says; None where it does not."""
    for row in rows:
        if row["step"] == step:
            found = [
                (row[f"{group}/reply_tokens"], row[f"{group}/count"]) for group in groups if f"{group}/reply_tokens" in row
            ]
            total = sum(count for _, count in found)
            return sum(mean * count for mean, count in found) / total if total else None
    return None
