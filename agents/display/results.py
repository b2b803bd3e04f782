"""Tables of a run: held-out scores before and after with bootstrap intervals, a single evaluation, the last proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..evaluation.comparison import Comparison, Score, compare, names_programs, scores_of
from ..runs.columns import last_proposals, of_role, reward_terms, roles_of, short_game
from ..runs.rows import read_rows
from .tables import print_table, say

REASONS = 4
"""Reasons of unreadable answers that a table names, the commonest ones."""
RECENT = 10
"""Last steps that validity is averaged over."""


def interval_note(before: Mapping[str, Any], after: Mapping[str, Any], results: Sequence[Comparison | Score] = ()) -> str:
    """Sentences on how the intervals of `compare` and `scores_of` are calculated."""
    exact = (
        " Where all problems do alike a bootstrap sees no doubt; what is shown there are the exact bounds for so many problems."
        if any(result.alike for result in results)
        else ""
    )
    if names_programs(before) or names_programs(after):
        return f"The interval is a bootstrap over problems, of which those about one program are drawn together.{exact}"
    return (
        "The interval is a bootstrap over problems as if they were independent, since these rows do not name their programs: "
        f"where task types share programs, it is too narrow.{exact}"
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
    k_before = 0
    results = compare(before, after)
    for result in results:
        if cells and result.k != k_before:
            cells.append([])
        k_before, rates = result.k, (f"{result.before:.3f}", f"{result.after:.3f}")
        cells.append([result.name, str(result.problems), result.measure, *rates, *gain_cells(result)])
    print_table(console, f"Held-out problems: after step {before['step']} and after step {after['step']}", names, cells)
    say(console, interval_note(before, after, results))


def gain_cells(result: Comparison) -> list[str]:
    """A gain, green where its interval is above 0 and red where it is below, and the interval."""
    colour = "green" if result.low > 0 else "red" if result.high < 0 else "yellow"
    return [f"[{colour}]{result.gain:+.3f}[/]", f"{result.low:+.3f} to {result.high:+.3f}"]


def print_scores(console: Console, scores: Mapping[str, Any], title: str) -> None:
    """pass@k of one evaluation per game, and over all problems, with intervals; k every power of two that the samples allow."""
    cells: list[list[str]] = []
    k_before = 0
    results = scores_of(scores)
    for score in results:
        if len(scores["problems"]) > 1 and cells and score.k != k_before:
            cells.append([])
        k_before, interval = score.k, f"{score.low:.3f} to {score.high:.3f}"
        cells.append([score.name, str(score.problems), score.measure, f"{score.mean:.3f}", interval])
    print_table(console, title, ("task type", "problems", "measure", "score", "95 % interval"), cells)
    print_answers(console, scores)
    say(console, interval_note(scores, scores, results))


def print_answers(console: Console, scores: Mapping[str, Any]) -> None:
    """How many answers were right, wrong, or neither; nothing of rows of older runs, which do not say so."""
    entries = {short_game(env_id): entry for env_id, entry in sorted(scores["problems"].items()) if "answers" in entry}
    if not entries:
        return
    kinds = list(next(iter(entries.values()))["answers"])
    cells = [
        [name, str(sum(counts.values())), *(str(counts[kind]) for kind in kinds)]
        for name, counts in ((name, entry["answers"]) for name, entry in entries.items())
    ]
    columns = ("task type", "answers", *(kind.replace("_", " ") for kind in kinds))
    print_table(console, "Answers, each counted once: cut off are those that are neither right nor whole", columns, cells)
    for name, entry in entries.items():
        if reasons := entry.get("unreadable"):
            named = ", ".join(f"{reason} {count}" for reason, count in list(reasons.items())[:REASONS])
            say(
                console,
                f"{name}: no answer found in {sum(reasons.values())}: {named}{', ...' if len(reasons) > REASONS else ''}",
            )


def print_training(console: Console, run_dir: Path) -> None:
    """Validity, credit and entropy per role over the first and the last steps; distinctness of proposals."""
    rows = read_rows(run_dir / "metrics.jsonl")
    width = max(1, min(RECENT, len(rows) // 2))
    first, last = rows[:width], rows[-width:]
    columns = {"valid": "valid_rate", "solved": "solve_rate", "credit": "credit_mean", "entropy": "entropy"}
    cells = [[role, *(_change(first, last, role, metric) for metric in columns.values())] for role in roles_of(rows[-1])]
    print_table(console, f"Training: {_span(first)} -> {_span(last)}", ("role", *columns), cells)
    _print_terms(console, last)
    proposals = last_proposals(run_dir)
    if proposals is not None:
        say(
            console,
            f"Of the last {proposals.count} recorded proposals of programs {proposals.valid} are valid, and "
            f"{proposals.distinct} of those differ by syntax tree.",
        )


def _print_terms(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Parts of the reward of every role whose messages had more than the game's credit; nothing where none had."""
    for role in roles_of(rows[-1]):
        steps = [terms for row in rows if (terms := reward_terms(row, role))]
        names = dict.fromkeys(name for terms in steps for name in terms)
        if len(names) > 1:
            means = ", ".join(f"{name} {np.mean([terms.get(name, 0.0) for terms in steps]):.2f}" for name in names)
            say(console, f"Reward of a {role} message by its terms, {_span(rows)}: {means}.")


def _span(rows: Sequence[Mapping[str, Any]]) -> str:
    if len(rows) == 1:
        return f"step {rows[0]['step']}"
    return f"mean of steps {rows[0]['step']} to {rows[-1]['step']}"


def _change(first: Sequence[Mapping[str, Any]], last: Sequence[Mapping[str, Any]], role: str, metric: str) -> str:
    before, after = _mean(first, role, metric), _mean(last, role, metric)
    return "-" if before == after == "-" else f"{before} -> {after}"


def _mean(rows: Sequence[Mapping[str, Any]], role: str, metric: str) -> str:
    values = [value for row in rows if (value := of_role(row, role, metric)) is not None]
    return f"{np.mean(values):.2f}" if values else "-"
