"""Reads files of tasks in the form of Absolute Zero's repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.json_lines import read_json_lines
from .code_task import CodeTask


def read_azr_tasks(path: Path) -> Iterator[CodeTask]:
    """Yields the tasks of a file in AZR's JSON-lines form: triplets (`input`, `output`) or induction rows (`inputs`, ...).

    The texts are as written there: outputs are not yet canonical, and nothing is checked. `play.task_check` does.

    Raises:
        UsageError: The file is missing, or a line is not such a row; names the line.
    """
    if not path.is_file():
        raise UsageError(f"tasks={str(path)!r} is not a file; pass a .jsonl file in AZR's form (snippet, input, output).")
    yield from read_json_lines(path, _task_of_row, "a task row with snippet, input and output")


def _task_of_row(row: Mapping[str, Any]) -> CodeTask:
    several = "inputs" in row
    inputs, outputs = (row["inputs"], row["outputs"]) if several else ([row["input"]], [row["output"]])
    return CodeTask.from_json(
        {"program": row["snippet"], "inputs": inputs, "outputs": outputs, "message": row.get("message", "")}, "the row"
    )
