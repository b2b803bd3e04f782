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
    """The `role/task_type` cells of a metrics row, sorted."""
    return sorted(key.removesuffix("/count") for key in row if key.endswith("/count"))


def roles_of(row: Row) -> list[str]:
    """The roles of a metrics row, sorted."""
    return sorted({cell.partition("/")[0] for cell in cells_of(row)})


def of_role(row: Row, role: str, what: str) -> float | None:
    """The mean of a per-message metric over a role's messages; None where no cell has it."""
    found = [
        (row[f"{cell}/{what}"], row[f"{cell}/count"])
        for cell in cells_of(row)
        if _is_of(cell, role) and f"{cell}/{what}" in row
    ]
    total = sum(count for _, count in found)
    return sum(value * count for value, count in found) / total if total else None


def _is_of(cell: str, role: str) -> bool:
    return cell.partition("/")[0] == role


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
