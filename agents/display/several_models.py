"""The table of several models on the same tasks: each one's pass@k, and its paired difference to the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from ..evaluation.comparison import compare
from .results import gain_cells, interval_note
from .tables import print_table, say

Row = Mapping[str, Any]
"""One model's row of `selfplay eval --json`."""


def sampling_text(row: Row) -> str:
    """A model's sampling in words, for a table's title: answers, wording, temperature, length."""
    problems: Mapping[str, Any] = row["problems"]
    samples = max(int(entry["samples"]) for entry in problems.values())
    wordings = sorted({str(entry["wording"]) for entry in problems.values() if "wording" in entry})
    wording = f"{' and '.join(wordings)} wording, " if wordings else ""
    sampling = row["sampling"]
    limit = f"at most {sampling['max_new_tokens']} tokens"
    if not sampling["temperature"]:
        return f"{samples} greedy per problem, {wording}{limit}"
    return f"{samples} sampled per problem, {wording}temperature {sampling['temperature']:g}, {limit}"


def cut_off(row: Row) -> str:
    """Number of a model's answers that ended at the limit of tokens, in words; empty where none did."""
    problems: Mapping[str, Any] = row["problems"]
    cut = sum(int(entry.get("cut_off", 0)) for entry in problems.values())
    answers = sum(len(entry["right"]) * int(entry["samples"]) for entry in problems.values())
    return f"{cut} of {answers} answers were cut off at the limit" if cut else ""


def print_models(console: Console, rows: Sequence[Row]) -> None:
    """pass@k of every model per task type, and the gain of each of the others over the first, with its interval."""
    first, *others = rows
    alike = len({sampling_text(row) for row in rows}) == 1
    for number, row in enumerate(rows, 1):
        trained = f", step {row['step']}" if row["step"] else ""
        parts = [] if alike else [sampling_text(row)]
        parts += [cut_off(row)] if cut_off(row) else []
        say(console, f"{number}  {row['model']}{trained}" + (f": {'; '.join(parts)}" if parts else ""))
    if alike:
        say(console, f"Each asked alike: {sampling_text(first)}.")
    wordings = [{env_id: entry.get("wording") for env_id, entry in row["problems"].items()} for row in rows]
    if any(wording != wordings[0] for wording in wordings):
        say(
            console,
            "They were asked in different wordings, so the difference is one of model and wording; --style asks all alike.",
        )
    columns = ("task type", "problems", "measure", "model", "score", "gain", "95 % interval")
    comparisons = [{(result.name, result.k): result for result in compare(first, row)} for row in others]
    cells: list[list[str]] = []
    k_before = 0
    for (name, k), base in comparisons[0].items():
        if cells and k != k_before:
            cells.append([])
        k_before, shared = k, [name, str(base.problems), base.measure]
        cells.append([*shared, "1", f"{base.before:.3f}", "", ""])
        for number, by_name in enumerate(comparisons, 2):
            if result := by_name.get((name, k)):  # not there where too many of its samples are void
                cells.append([*shared, str(number), f"{result.after:.3f}", *gain_cells(result)])
    print_table(console, "Held-out problems: gain over model 1", columns, cells)
    say(console, interval_note(first, others[0], [result for by_name in comparisons for result in by_name.values()]))
