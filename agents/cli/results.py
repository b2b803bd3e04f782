"""Tables of a run: held-out scores before and after with bootstrap intervals, a single evaluation, the last proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from ..curves import last_proposals, of_role, roles_of, short_game
from ..evaluate import bootstrap_difference, pass_at_k
from ..metrics import read_rows
from ..seeding import generator_of

KS = (1, 4)
"""The k of pass@k in every table, as far as there are samples."""
RECENT = 10
"""Last steps that validity is averaged over."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """pass@k of the same problems before and after training; `low` to `high` is the 95 % bootstrap interval of the gain."""

    name: str
    problems: int
    k: int
    before: float
    after: float
    gain: float
    low: float
    high: float


def correct_of(entry: Mapping[str, Any]) -> np.ndarray:
    """Right answers of one game's evaluation as a bool array (problems, samples), right ones first."""
    right = np.array(entry["right"], dtype=int)
    return np.arange(entry["samples"]) < right[:, None]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Comparison]:
    """A row per game and k, and for all problems together; both arguments are rows of `eval.jsonl`."""
    found: list[Comparison] = []
    games = sorted(set(before["problems"]) & set(after["problems"]))
    samples = min((int(row["problems"][env_id]["samples"]) for row in (before, after) for env_id in games), default=0)
    for k in (k for k in KS if k <= samples):
        scored = {g: [pass_at_k(correct_of(row["problems"][g]), k) for row in (before, after)] for g in games}
        names = {short_game(env_id): scored[env_id] for env_id in games}
        if len(games) > 1:
            names["all problems"] = [np.concatenate([scored[env_id][i] for env_id in games]) for i in (0, 1)]
        for name, (old, new) in names.items():
            gain, low, high = bootstrap_difference(old, new, generator_of("bootstrap", name, k))
            found.append(Comparison(name, len(old), k, float(old.mean()), float(new.mean()), gain, low, high))
    return found


def print_comparison(console: Console, run_dir: Path) -> None:
    """The before/after table of a run; nothing where it was not evaluated."""
    rows = read_rows(run_dir / "eval.jsonl")
    if not rows:
        return
    if len(rows) == 1:
        print_scores(console, rows[0], f"Held-out problems, after step {rows[0]['step']}")
        return
    before, after = rows[0], rows[-1]
    table = Table(title=f"Held-out problems: after step {before['step']} and after step {after['step']}", title_justify="left")
    table.add_column("task type", no_wrap=True)
    for name in ("problems", "measure", "before", "after", "gain", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    found = compare(before, after)
    for index, one in enumerate(found, 1):
        colour = "green" if one.low > 0 else "red" if one.high < 0 else "yellow"
        table.add_row(
            one.name,
            str(one.problems),
            f"pass@{one.k}",
            f"{one.before:.3f}",
            f"{one.after:.3f}",
            f"[{colour}]{one.gain:+.3f}[/]",
            f"{one.low:+.3f} to {one.high:+.3f}",
            end_section=index < len(found) and found[index].k != one.k,
        )
    console.print(table)
    console.print("Sampled answers; the interval is a bootstrap over problems, in pairs.")


def print_scores(console: Console, scores: Mapping[str, Any], title: str) -> None:
    """pass@k of one evaluation per game, and over all problems."""
    table = Table(title=title, title_justify="left")
    table.add_column("task type", no_wrap=True)
    table.add_column("problems", justify="right")
    problems = {short_game(env_id): correct_of(entry) for env_id, entry in sorted(scores["problems"].items())}
    ks = [k for k in KS if all(k <= correct.shape[1] for correct in problems.values())]
    for k in ks:
        table.add_column(f"pass@{k}", justify="right")
    for name, correct in problems.items():
        table.add_row(name, str(len(correct)), *(f"{pass_at_k(correct, k).mean():.3f}" for k in ks))
    if len(problems) > 1:
        everything = list(problems.values())
        overall = [np.concatenate([pass_at_k(correct, k) for correct in everything]).mean() for k in ks]
        table.add_row("all problems", str(sum(map(len, everything))), *(f"{value:.3f}" for value in overall))
    console.print(table)


def print_training(console: Console, run_dir: Path) -> None:
    """How training went: per role validity, credit, entropy over the first and the last steps; distinctness of proposals."""
    rows = read_rows(run_dir / "metrics.jsonl")
    width = max(1, min(RECENT, len(rows) // 2))
    first, last = rows[:width], rows[-width:]
    table = Table(title=f"Training: {_span(first)} -> {_span(last)}", title_justify="left")
    table.add_column("role", no_wrap=True)
    columns = {"valid": "valid_rate", "solved": "solve_rate", "credit": "credit_mean", "entropy": "entropy"}
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for role in roles_of(rows[-1]):
        table.add_row(role, *(_change(first, last, role, what) for what in columns.values()))
    console.print(table)
    proposals = last_proposals(run_dir)
    if proposals is not None:
        console.print(
            f"Of the last {proposals.asked} recorded proposals of programs {proposals.valid} are valid, and "
            f"{proposals.distinct} of those differ by syntax tree."
        )


def _span(rows: Sequence[Mapping[str, Any]]) -> str:
    if len(rows) == 1:
        return f"step {rows[0]['step']}"
    return f"mean of steps {rows[0]['step']} to {rows[-1]['step']}"


def _change(first: Sequence[Mapping[str, Any]], last: Sequence[Mapping[str, Any]], role: str, what: str) -> str:
    if what == "solve_rate" and role != "solver":
        return "-"
    return f"{_mean(first, role, what)} -> {_mean(last, role, what)}"


def _mean(rows: Sequence[Mapping[str, Any]], role: str, what: str) -> str:
    found = [value for row in rows if (value := of_role(row, role, what)) is not None]
    return f"{np.mean(found):.2f}" if found else "-"
