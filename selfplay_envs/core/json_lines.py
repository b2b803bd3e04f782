"""JSON lines: one reader for every such file. A line ends at a newline alone, whatever else Python takes for one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from .errors import UsageError

T = TypeVar("T")


def read_json_lines(path: Path, read: Callable[[Any], T], what: str, *, whole: bool = False) -> Iterator[T]:
    """Yields the items of `number_json_lines` without their numbers."""
    return (item for _, item in number_json_lines(path, read, what, whole=whole))


def number_json_lines(path: Path, read: Callable[[Any], T], what: str, *, whole: bool = False) -> Iterator[tuple[int, T]]:
    r"""Yields (line number, item that `read` makes of it) of a UTF-8 file; blank lines and a byte-order mark are passed over.

    `str.splitlines` would also end a line at U+2028, U+0085, `\x0b`, `\x0c` and others, which JSON allows inside a text.

    Args:
        path: The file.
        read: Makes the item of a parsed line; its ValueError, KeyError, TypeError or AttributeError means that it is none.
        what: Description of a line, for the error: `an episode, was the file cut off?`
        whole: Whether a last line without its newline, as a killed writer leaves it, is left out.

    Raises:
        UsageError: A line is not UTF-8, not JSON, nested too deeply, or not an item; names file and line.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if whole and not line.endswith(b"\n"):
                return
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                if not text.strip():
                    continue
                item = read(json.loads(text))
            except UsageError as error:
                raise UsageError(f"{path}:{number}: {error}") from None
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise UsageError(f"{path}:{number} is not {what} ({type(error).__name__}: {error})") from None
            yield number, item
