"""Reads a run's rows as a person asks about them: by role, by task type, over steps, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfplay_envs import Episode, read_episodes
from selfplay_envs.buffer import task_key

Row = Mapping[str, Any]


def cells_of(row: Row) -> list[str]:
    """The `role/task_type` cells of a metrics row, sorted; a reason that a game calls `count` makes none."""
    cells = (key.removesuffix("/count") for key in row if key.endswith("/count"))
    return sorted(cell for cell in cells if cell.rpartition("/")[2] not in ("reason", "void", "quality"))


def roles_of(row: Row) -> list[str]:
    """The roles of a metrics row, sorted."""
    return sorted({cell.partition("/")[0] for cell in cells_of(row)})


def of_role(row: Row, role: str, what: str) -> float | None:
    """The mean of a metric over everything that a role's cells took it over; None where no cell has it.

    Each cell weighs as much as what its own mean is over: entropies by tokens that trained, credits, scores and shares of right
    or valid messages by messages that are not void, verdicts on quality by the messages that were judged, all else by messages.
    """
    found = [
        (row[f"{cell}/{what}"], _weight(row, cell, what))
        for cell in cells_of(row)
        if cell.partition("/")[0] == role and f"{cell}/{what}" in row
    ]
    total = sum(weight for _, weight in found)
    return sum(value * weight for value, weight in found) / total if total else None


PER_TOKEN = ("entropy", "entropy_sampled")
NOT_VOID = ("credit_mean", "shaped_mean", "valid_rate", "score_mean", "solve_rate")


def _weight(row: Row, cell: str, what: str) -> float:
    """What a cell's mean is over. Rows of older runs hold no tokens: messages times their mean length stand for them."""
    count = float(row[f"{cell}/count"])
    if what in PER_TOKEN:
        return float(row.get(f"{cell}/tokens", count * row.get(f"{cell}/reply_tokens", 1.0)))
    if what in NOT_VOID:
        return count - float(row.get(f"{cell}/void", 0))
    if what == "quality_mean":
        return float(sum(value for key, value in row.items() if key.startswith(f"{cell}/quality/")))
    return count


def distinct_share(row: Row) -> float | None:
    """Different proposals of a step per valid proposal, all games together; None where nothing was proposed."""
    proposals = sum(value for key, value in row.items() if key.endswith("/proposals"))
    distinct = sum(value for key, value in row.items() if key.endswith("/distinct"))
    return distinct / proposals if proposals else None


def short_game(env_id: str) -> str:
    """`SelfPlay/Deduction-v0` as `deduction`."""
    return env_id.rpartition("/")[2].rpartition("-")[0].lower() or env_id


@dataclass(frozen=True, slots=True)
class Proposals:
    """What the newest recorded proposals of programs were like."""

    asked: int
    """Proposer messages looked at."""
    valid: int
    distinct: int
    """Different syntax trees among the valid ones."""


def last_proposals(run_dir: Path, count: int = 100) -> Proposals | None:
    """Looks at the newest `count` recorded messages that proposed a program; None where none is recorded.

    Proposals about a given program (induction) and games without programs are left out.
    """
    asked = valid = 0
    programs: set[str] = set()
    for path in sorted((run_dir / "episodes").glob("step_*.jsonl"), reverse=True):
        for episode in read_episodes(path):
            if asked == count:
                break
            if not _proposes_program(episode):
                continue
            asked += 1
            if episode.proposed is not None:
                valid += 1
                programs.add(task_key(episode.proposed))
    return Proposals(asked, valid, len(programs)) if asked else None


def _proposes_program(episode: Episode) -> bool:
    first = episode.messages[0] if episode.messages else None
    return first is not None and first.slot.role == "proposer" and first.task_type in ("deduction", "abduction")


def series(rows: Sequence[Row], pick: Any) -> tuple[list[int], list[float]]:
    """Steps and values of what `pick(row)` finds; rows where it finds None are left out."""
    found = [(int(row["step"]), pick(row)) for row in rows]
    kept = [(step, float(value)) for step, value in found if value is not None]
    return [step for step, _ in kept], [value for _, value in kept]
