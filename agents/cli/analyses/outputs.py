"""Files that analyses write: checked before anything slow, and numbers that are valid JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfplay_envs import UsageError

from ...arguments.parser import check_writable

PNG = (".png",)


def check_outputs(numbers: Path | None, *pictures: Path | None, endings: Sequence[str] = PNG) -> None:
    """Makes sure that the file of --json and those of --plot can be written.

    Args:
        numbers: None where it is not asked for.
        pictures: The same.
        endings: That a picture may have, each with its dot.

    Raises:
        UsageError: One cannot be written, or has another ending.
    """
    if numbers is not None:
        check_writable(numbers, "json")
    for path in pictures:
        if path is None:
            continue
        if path.suffix not in endings:
            raise UsageError(f"plot={str(path)!r} must end in {', '.join(endings)}.")
        check_writable(path, "plot")


def json_text(value: Any) -> str:
    """JSON, indented, with a newline at its end; infinity and numbers that are none, which JSON does not know, are null."""
    return json.dumps(_finite(value), indent=1, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
