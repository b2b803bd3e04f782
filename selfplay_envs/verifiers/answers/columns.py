"""Columns of a row about programs, read and checked, and the limits by which programs run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandboxes import Limits

from ...core.errors import UsageError


def read_text(row: Mapping[str, Any], name: str) -> str:
    """The text of a column; empty where there is none.

    Raises:
        UsageError: It is no text.
    """
    text = row.get(name)
    if text is not None and not isinstance(text, str):
        raise UsageError(f"{name}={text!r:.60} is not a text.")
    return text or ""


def read_id(row: Mapping[str, Any]) -> str:
    """The name of a row in its source: its `id`, else its `task_id`, else nothing."""
    name = row.get("id", row.get("task_id"))
    return "" if name is None else str(name)


def read_list(row: Mapping[str, Any], name: str) -> list[Any]:
    """The list of a column, which may be written as JSON, as in a CSV file.

    Raises:
        UsageError: It is no list, or an empty one.
    """
    value = row[name]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise UsageError(f"{name}={value!r:.60} is neither a list nor one in JSON.") from None
    if not isinstance(value, list | tuple) or not value:
        raise UsageError(f"{name}={value!r:.60} is no list of at least one.")
    items: list[Any] = list(value)
    return items


def limits_of(timeout_s: float) -> Limits:
    """The limits of one run of a program; a busy machine may take four times as long for it.

    Args:
        timeout_s: CPU seconds.

    Raises:
        UsageError: They are outside 0.01 to 60.
    """
    if not 0.01 <= timeout_s <= 60:
        raise UsageError(f"timeout_s={timeout_s!r} is outside 0.01 to 60; give the CPU seconds of a run.")
    return Limits(cpu_s=timeout_s, wall_s=4 * timeout_s)
