"""Tables of a run: held-out scores before and after with bootstrap intervals, a single evaluation, the last proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..curves import last_proposals, of_role, roles_of, short_game
from ..metrics import read_rows
from ..seeding import generator_of
from ..statistics import bootstrap_difference, pass_at_k, powers_of_two
from ..tables import print_table, say

RECENT = 10
"""Last steps that validity is averaged over."""
EVERYTHING = "all problems"


@dataclass(frozen=True, slots=True)
class Comparison:
    """pass@k of the same problems before and after training; `low` to `high` is the 95 % bootstrap interval of the gain."""

    name: str
    problems: int
    """With at least k samples that count, before and after."""
    k: int
    before: float
    after: float
    gain: float
    low: float
    high: float


def correct_of(entry: Mapping[str, Any]) -> np.ndarray:
    """One game's evaluation as float64 (problems, samples): right answers (1) first, then wrong ones (0), then void ones (NaN).

    Rows of older runs do not say which problem's samples are void: theirs count as wrong.
    """
    right, samples = np.array(entry["right"], dtype=int), int(entry["samples"])
    void = np.array(entry["void"], dtype=int) if isinstance(entry.get("void"), list) else np.zeros_like(right)
    place = np.arange(samples)
    return np.where(place >= samples - void[:, None], np.nan, (place < right[:, None]).astype(float))


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
    found: list[Comparison] = []
    for k in powers_of_two(samples):
        for name, members in groups.items():
            old, new = (np.concatenate([pass_at_k(correct_of(row[one]), k) for one in members]) for row in rows)
            clusters = [program for one in members for program in programs[one]] if clustered else None
            kept = ~(np.isnan(old) | np.isnan(new))
            if kept.any():
                found.append(_compared(name, k, old[kept], new[kept], clusters and np.array(clusters)[kept].tolist()))
    return found


def _compared(name: str, k: int, old: np.ndarray, new: np.ndarray, clusters: Sequence[str] | None) -> Comparison:
    gain, low, high = bootstrap_difference(old, new, generator_of("bootstrap", name, k), clusters=clusters)
    return Comparison(name, len(old), k, float(old.mean()), float(new.mean()), gain, low, high)


def names_programs(row: Mapping[str, Any]) -> bool:
    """Whether a row of `eval.jsonl` says which program each of its problems is about; those of older runs do not."""
    return all("programs" in entry for entry in row["problems"].values())


def interval_note(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """How the intervals of `compare` came about, in a sentence."""
    if names_programs(before) or names_programs(after):
        return (
            "Sampled answers; the interval is a bootstrap over problems, of which those about one program are drawn together."
        )
    return (
        "Sampled answers; the interval is a bootstrap over problems as if they were independent, since these rows do not name "
        "their programs: where task types share programs, it is too narrow."
    )


def print_comparison(console: Console, run_dir: Path) -> None:
    """The before/after table of a run; nothing where it was not evaluated."""
    rows = read_rows(run_dir / "eval.jsonl")
    if not rows:
        return
    if len(rows) == 1:
        print_scores(console, rows[0], f"Held-out problems, after step {rows[0]['step']}")
        return
    before, after = rows[0], rows[-1]
    names = ("task type", "problems", "measure", "before", "after", "gain", "95 % interval")
    cells: list[list[str]] = []
    found = compare(before, after)
    for index, one in enumerate(found):
        if index and found[index - 1].k != one.k:
            cells.append([])
        cells.append([one.name, str(one.problems), f"pass@{one.k}", f"{one.before:.3f}", f"{one.after:.3f}", *gain_cells(one)])
    print_table(console, f"Held-out problems: after step {before['step']} and after step {after['step']}", names, cells)
    say(console, interval_note(before, after))


def gain_cells(one: Comparison) -> list[str]:
    """A gain, green where its interval is above 0 and red where it is below, and the interval."""
    colour = "green" if one.low > 0 else "red" if one.high < 0 else "yellow"
    return [f"[{colour}]{one.gain:+.3f}[/]", f"{one.low:+.3f} to {one.high:+.3f}"]


def print_scores(console: Console, scores: Mapping[str, Any], title: str) -> None:
    """pass@k of one evaluation per game, and over all problems; k every power of two that the samples allow."""
    problems = {short_game(env_id): correct_of(entry) for env_id, entry in sorted(scores["problems"].items())}
    ks = powers_of_two(min((correct.shape[1] for correct in problems.values()), default=0))
    rates = {name: [pass_at_k(correct, k) for k in ks] for name, correct in problems.items()}
    if len(rates) > 1:
        rates[EVERYTHING] = [np.concatenate(own) for own in zip(*rates.values(), strict=True)]
    counts = {name: len(correct) for name, correct in problems.items()}
    counts[EVERYTHING] = sum(counts.values())
    cells = [[name, str(counts[name]), *map(_mean_rate, own)] for name, own in rates.items()]
    print_table(console, title, ("task type", "problems", *(f"pass@{k}" for k in ks)), cells)


def _mean_rate(rate: np.ndarray) -> str:
    return "-" if np.isnan(rate).all() else f"{np.nanmean(rate):.3f}"


def print_training(console: Console, run_dir: Path) -> None:
    """How training went: per role validity, credit, entropy over the first and the last steps; distinctness of proposals."""
    rows = read_rows(run_dir / "metrics.jsonl")
    width = max(1, min(RECENT, len(rows) // 2))
    first, last = rows[:width], rows[-width:]
    columns = {"valid": "valid_rate", "solved": "solve_rate", "credit": "credit_mean", "entropy": "entropy"}
    cells = [[role, *(_change(first, last, role, what) for what in columns.values())] for role in roles_of(rows[-1])]
    print_table(console, f"Training: {_span(first)} -> {_span(last)}", ("role", *columns), cells)
    proposals = last_proposals(run_dir)
    if proposals is not None:
        say(
            console,
            f"Of the last {proposals.asked} recorded proposals of programs {proposals.valid} are valid, and "
            f"{proposals.distinct} of those differ by syntax tree.",
        )


def _span(rows: Sequence[Mapping[str, Any]]) -> str:
    if len(rows) == 1:
        return f"step {rows[0]['step']}"
    return f"mean of steps {rows[0]['step']} to {rows[-1]['step']}"


def _change(first: Sequence[Mapping[str, Any]], last: Sequence[Mapping[str, Any]], role: str, what: str) -> str:
    before, after = _mean(first, role, what), _mean(last, role, what)
    return "-" if before == after == "-" else f"{before} -> {after}"


def _mean(rows: Sequence[Mapping[str, Any]], role: str, what: str) -> str:
    found = [value for row in rows if (value := of_role(row, role, what)) is not None]
    return f"{np.mean(found):.2f}" if found else "-"
