"""A code task: a program with checked input-output pairs. What proposers make, solvers solve and buffers keep."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from .errors import UsageError
from .game import short_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTask:
    """A program, argument lists and the canonical values it returns for them; `message` hints at it (induction)."""

    program: str
    inputs: tuple[str, ...]
    """Argument lists as source text, `"[1, 2], 3"`."""
    outputs: tuple[str, ...]
    """Canonical literal text of the returned values."""
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, fit for `options={"task": ...}`; `from_json` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], where: str = "options['task']") -> Self:
        """The task that `to_json` wrote.

        Raises:
            UsageError: A field is missing or of the wrong type; the sentence starts with `where`.
        """
        try:
            program, inputs, outputs = data["program"], tuple(data["inputs"]), tuple(data["outputs"])
            message = data.get("message", "")
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{where} lacks {error}; a code task has program, inputs, outputs and perhaps message.") from None
        texts = (program, message, *inputs, *outputs)
        if not all(isinstance(text, str) for text in texts) or len(inputs) != len(outputs) or not inputs:
            raise UsageError(f"{where} is not a code task; program is a str, inputs and outputs are equally long lists of str.")
        return cls(program=program, inputs=inputs, outputs=outputs, message=message)

    @property
    def task_id(self) -> str:
        """Stable name of the task, by content."""
        return short_hash(self.to_json())


IDENTITY = CodeTask(program="def f(a):\n    return a", inputs=("'Hello world'",), outputs=("'Hello world'",))
"""The zero triplet: what self-play starts from when nothing else is known. See: Zhao et al., arXiv 2505.03335, section 3."""


def read_azr_tasks(path: Path) -> Iterator[CodeTask]:
    """Yields the tasks of a file in AZR's JSON-lines form: triplets (`input`, `output`) or induction rows (`inputs`, ...).

    The texts are as written there: outputs are not yet canonical, and nothing is checked. `selfplay_envs.verify` does.

    Raises:
        UsageError: The file is missing, or a line is not such a row; names the line.
    """
    if not path.is_file():
        raise UsageError(f"tasks={str(path)!r} is not a file; pass a .jsonl file in AZR's form (snippet, input, output).")
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                many = "inputs" in row
                yield CodeTask(
                    program=row["snippet"],
                    inputs=tuple(row["inputs"]) if many else (row["input"],),
                    outputs=tuple(row["outputs"]) if many else (row["output"],),
                    message=row.get("message", ""),
                )
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{path}:{number} is not a task row ({type(error).__name__}: {error}); it needs snippet, input, output."
                ) from None
