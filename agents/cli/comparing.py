"""The table of several models that were asked the same tasks: each one's pass@k, and its paired difference to the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from ..tables import print_table, say
from .results import compare, gain_cells, interval_note

Row = Mapping[str, Any]
"""What `selfplay eval --json` writes of one model."""


def asked_how(row: Row) -> str:
    """How a model was asked, for a table's title: answers, wording, temperature, length."""
    problems: Mapping[str, Any] = row["problems"]
    samples = max(int(entry["samples"]) for entry in problems.values())
    wordings = sorted({str(entry["wording"]) for entry in problems.values() if "wording" in entry})
    wording = f"{' and '.join(wordings)} wording, " if wordings else ""
    drawn = row["sampling"]
    return (
        f"{samples} sampled per problem, {wording}temperature {drawn['temperature']:g}, "
        f"at most {drawn['max_new_tokens']} tokens"
    )


def cut_off(row: Row) -> str:
    """How many of a model's answers ended at the limit of tokens, in words; nothing where none did."""
    problems: Mapping[str, Any] = row["problems"]
    cut = sum(int(entry.get("cut_off", 0)) for entry in problems.values())
    asked = sum(len(entry["right"]) * int(entry["samples"]) for entry in problems.values())
    return f"{cut} of {asked} answers were cut off at the limit" if cut else ""


def print_models(console: Console, rows: Sequence[Row]) -> None:
    """pass@k of every model per task type, and how much better than the first each of the others is, with its interval."""
    first, *others = rows
    alike = len({asked_how(row) for row in rows}) == 1
    for number, row in enumerate(rows, 1):
        trained = f", step {row['step']}" if row["step"] else ""
        parts = [] if alike else [asked_how(row)]
        parts += [cut_off(row)] if cut_off(row) else []
        say(console, f"{number}  {row['model']}{trained}" + (f": {'; '.join(parts)}" if parts else ""))
    if alike:
        say(console, f"Each asked alike: {asked_how(first)}.")
    asked = [{env_id: entry.get("wording") for env_id, entry in row["problems"].items()} for row in rows]
    if any(one != asked[0] for one in asked):
        say(
            console,
            "They were asked in different wordings, so the difference is one of model and wording; --style asks all alike.",
        )
    columns = ("task type", "problems", "measure", "model", "score", "gain", "95 % interval")
    compared = [{(one.name, one.k): one for one in compare(first, row)} for row in others]
    cells: list[list[str]] = []
    k_before = 1
    for (name, k), base in compared[0].items():
        if k != k_before:
            cells.append([])
        k_before, shared = k, [name, str(base.problems), f"pass@{k}"]
        cells.append([*shared, "1", f"{base.before:.3f}", "", ""])
        for number, found in enumerate(compared, 2):
            if one := found.get((name, k)):  # not there where too many of its samples are void
                cells.append([*shared, str(number), f"{one.after:.3f}", *gain_cells(one)])
    print_table(console, "Held-out problems: gain over model 1", columns, cells)
    say(console, interval_note(first, others[0]))
