"""Intervals: of pass@k in one evaluation, and of the gain where two of the same problems stand side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.seeding import generator_of
from ..runs.columns import short_game
from .statistics import bootstrap_difference, bounds_without_spread, pass_at_k, powers_of_two

EVERYTHING = "all problems"
"""Name of the row that takes all games together."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """pass@k of the same problems before and after training; `low` to `high` is the 95 % interval of the gain."""

    name: str
    problems: int
    """With at least k samples that count, before and after."""
    k: int
    """0: not pass@k, but the mean score of the verdicts, of games whose answers can be partly right."""
    before: float
    after: float
    gain: float
    low: float
    high: float
    alike: bool
    """All problems gained the same; the interval is that of `bounds_without_spread` then, else a bootstrap."""

    @property
    def measure(self) -> str:
        """`pass@k`, or `score`."""
        return measure_of(self.k)


@dataclass(frozen=True, slots=True)
class Score:
    """pass@k of one evaluation; `low` to `high` is its 95 % interval over problems."""

    name: str
    problems: int
    """With at least k samples that count."""
    k: int
    mean: float
    low: float
    high: float
    alike: bool
    """As in `Comparison`."""

    @property
    def measure(self) -> str:
        """As in `Comparison`."""
        return measure_of(self.k)


def measure_of(k: int) -> str:
    """What a rate is called; 0: the mean score of the verdicts."""
    return f"pass@{k}" if k else "score"


def correct_of(entry: Mapping[str, Any]) -> np.ndarray:
    """One game's evaluation as float64 (problems, samples): right answers (1) first, then wrong ones (0), then void ones (NaN).

    Rows of older runs do not say which problem's samples are void: theirs count as wrong.
    """
    right, samples = np.array(entry["right"], dtype=int), int(entry["samples"])
    void = np.array(entry["void"], dtype=int) if isinstance(entry.get("void"), list) else np.zeros_like(right)
    place = np.arange(samples)
    return np.where(place >= samples - void[:, None], np.nan, (place < right[:, None]).astype(float))


def rates_of(entry: Mapping[str, Any], k: int) -> np.ndarray:
    """pass@k of one game's problems, or with k=0 the mean score of their verdicts; float64 (problems,), NaN where void."""
    return pass_at_k(correct_of(entry), k) if k else np.array(entry["scores"], dtype=float)


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Comparison]:
    """A row per game and k, and for all problems together, k every power of two that the samples allow.

    Problems about the same program are resampled together, within a game and over several; where the rows do not name the
    programs (see `names_programs`), every problem counts as independent of the others.

    Args:
        before: A row of `eval.jsonl`.
        after: Another, of the same problems.

    Raises:
        ValueError: They are about other problems.
    """
    games = sorted(set(before["problems"]) & set(after["problems"]))
    rows = [row["problems"] for row in (before, after)]
    for env_id in games:
        names = [row[env_id].get("programs") for row in rows]
        if len(rows[0][env_id]["right"]) != len(rows[1][env_id]["right"]) or (None not in names and names[0] != names[1]):
            raise ValueError(
                f"the two evaluations of {env_id} are not of the same problems; measure both on one file of tasks."
            )
    clustered = names_programs(before) or names_programs(after)
    programs = {env_id: rows[0][env_id].get("programs") or rows[1][env_id].get("programs") for env_id in games}
    groups = {short_game(env_id): [env_id] for env_id in games} | ({EVERYTHING: games} if len(games) > 1 else {})
    samples = min((int(row[env_id]["samples"]) for row in rows for env_id in games), default=0)
    comparisons: list[Comparison] = []
    partly = {name: members for name, members in groups.items() if all("scores" in row[m] for row in rows for m in members)}
    for k, of_k in [*((k, groups) for k in powers_of_two(samples)), (0, partly)]:
        for name, members in of_k.items():
            old, new = (np.concatenate([rates_of(row[env_id], k) for env_id in members]) for row in rows)
            clusters = [program for env_id in members for program in programs[env_id]] if clustered else None
            kept = ~(np.isnan(old) | np.isnan(new))
            if kept.any():
                named = clusters and np.array(clusters)[kept].tolist()
                comparisons.append(_compared(name, k, old[kept], new[kept], named, least=-1.0))
    return comparisons


def scores_of(row: Mapping[str, Any]) -> list[Score]:
    """A score per k and game of a row of `eval.jsonl`, and for all problems together; resampled as in `compare`."""
    entries = {short_game(env_id): entry for env_id, entry in sorted(row["problems"].items())}
    groups = {name: [name] for name in entries} | ({EVERYTHING: list(entries)} if len(entries) > 1 else {})
    clustered, scores = names_programs(row), list[Score]()
    partly = {name: members for name, members in groups.items() if all("scores" in entries[member] for member in members)}
    samples = min((int(entry["samples"]) for entry in entries.values()), default=0)
    for k, of_k in [*((k, groups) for k in powers_of_two(samples)), (0, partly)]:
        for name, members in of_k.items():
            rates = np.concatenate([rates_of(entries[member], k) for member in members])
            clusters = [program for member in members for program in entries[member]["programs"]] if clustered else None
            kept = ~np.isnan(rates)
            if kept.any():
                named = clusters and np.array(clusters)[kept].tolist()
                found = _compared(name, k, np.zeros(kept.sum()), rates[kept], named, least=0.0)
                scores.append(Score(name, found.problems, k, found.gain, found.low, found.high, found.alike))
    return scores


def _compared(
    name: str, k: int, old: np.ndarray, new: np.ndarray, clusters: Sequence[str] | None, *, least: float
) -> Comparison:
    """The interval; `least` is the lowest gain that there could be."""
    gain, low, high = bootstrap_difference(old, new, generator_of("bootstrap", name, k), clusters=clusters)
    if alike := bool(np.ptp(new - old) == 0):
        low, high = bounds_without_spread(gain, len(set(clusters)) if clusters else len(old), least)
    return Comparison(name, len(old), k, float(old.mean()), float(new.mean()), gain, low, high, alike)


def names_programs(row: Mapping[str, Any]) -> bool:
    """Whether a row of `eval.jsonl` says which program each of its problems is about; those of older runs do not."""
    return all("programs" in entry for entry in row["problems"].values())
