"""The answers of an evaluation as files: a JSON line per sample, a file per set of tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from .grading import Sample

PART = ".part"
"""Ending of a file that is being written."""


def file_name(name: str) -> str:
    """A name as that of a file or folder: what has no place there is `_`."""
    return re.sub(r"[^\w.+-]+", "_", name.strip("/.")) or "_"


def sample_row(sample: Sample, key: str) -> dict[str, Any]:
    """What is written of a sample; JSON types.

    Args:
        sample: It.
        key: Of its reply in the store of replies.
    """
    turn = sample.turn
    return {
        "benchmark": sample.name,
        "id": sample.id or str(sample.problem),
        "program": sample.program,
        "sample": sample.number,
        "verdict": sample.verdict,
        "reason": sample.reason,
        "finish_reason": "" if turn is None else turn.reply.finish_reason,
        "prompt": [] if turn is None else [[message.role, message.content] for message in turn.messages],
        "reply": "" if turn is None else turn.reply.text,
        "key": key,
    }


class SampleFiles:
    """`NAME.jsonl` per set of tasks, each in the place of the older one once all are whole; a context manager.

    Args:
        folder: Where they are written.
        names: Of the sets.
        key_of: The key of a sample's reply.
    """

    def __init__(self, folder: Path, names: Sequence[str], key_of: Callable[[Sample], str]) -> None:
        self.paths = {name: folder / f"{file_name(name)}.jsonl" for name in names}
        self._key_of = key_of
        self._files: dict[str, IO[str]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Begins every file."""
        for name, path in self.paths.items():
            self._files[name] = self._open.enter_context(path.with_suffix(path.suffix + PART).open("w", encoding="utf-8"))
        return self

    def write(self, samples: Sequence[Sample]) -> None:
        """Adds answers, so that whoever looks into the files sees them."""
        for sample in samples:
            self._files[sample.name].write(json.dumps(sample_row(sample, self._key_of(sample))) + "\n")
        for file in self._files.values():
            file.flush()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Where all went well, the new files take the place of the old ones."""
        self._open.close()
        if kind is None:
            for path in self.paths.values():
                path.with_suffix(path.suffix + PART).replace(path)
