"""A file of questions whose right answer is `ok...`, for the verifier `exact`."""

from __future__ import annotations

import json
from pathlib import Path


def write_questions(path: Path, count: int) -> str:
    """Writes rows `q0`, `q1`, ... that ask `0?`, `1?`, ...; returns the path as a source's text."""
    rows = ({"id": f"q{number}", "question": f"{number}?", "answer": "ok..."} for number in range(count))
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)
