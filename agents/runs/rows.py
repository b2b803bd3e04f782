"""Rows of numbers as JSON lines, such as `metrics.jsonl`, that survive a killed and resumed run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfplay_envs.core.json_lines import read_json_lines

from ..core.files import write_whole

JsonRow = dict[str, Any]


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Adds one JSON line, keys sorted, and flushes it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, sort_keys=True) + "\n")


def read_rows(path: Path) -> list[JsonRow]:
    """The rows of a JSON-lines file; none where there is no file. A last line that was cut off by a crash is left out."""
    if not path.is_file():
        return []
    return list(read_json_lines(path, dict[str, Any], "a row of numbers", whole=True))


def forget_after(path: Path, step: int) -> None:
    """Drops rows of steps after `step`: what a killed run wrote after the checkpoint that it resumes from."""
    if path.is_file():
        kept = [row for row in read_rows(path) if row["step"] <= step]
        write_whole(path, "".join(json.dumps(row, sort_keys=True) + "\n" for row in kept))
