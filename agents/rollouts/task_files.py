"""Files of tasks: lines `{"env_id": ..., "task": {...}}`, as evaluations ask them and fixed sets train on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from selfplay_envs.core.json_lines import read_json_lines

from .held_out import Task

ROW = '{"env_id": ..., "task": {...}}'
"""Form of a line."""


def is_task_file(path: Path) -> bool:
    """Whether a `.jsonl` file begins with a task of some game, and not with a row of a source."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    row = first_row(path)
    return isinstance(row, dict) and "env_id" in row


def first_row(path: Path) -> Any:
    """The first line of a file that is not blank, parsed; None where it is no JSON, as whoever reads the file will say."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = next((line for line in file if line.strip()), "")
    try:
        return json.loads(first)
    except (ValueError, RecursionError):
        return None


def read_task_file(path: Path, id_of: Callable[[str], str] = str) -> Iterator[tuple[str, Task]]:
    """Yields (env id, task) of every line.

    Args:
        path: The file.
        id_of: Makes the id of the one that is written there, or refuses it.

    Raises:
        UsageError: A line is no task, or `id_of` refuses it; names file and line.
    """

    def read(row: Any) -> tuple[str, dict[str, Any]]:
        return id_of(str(row["env_id"])), dict(row["task"])

    yield from read_json_lines(path, read, f"a task line; write {ROW}")
