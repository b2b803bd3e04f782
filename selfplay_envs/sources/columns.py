"""Renaming of columns, as in `question=problem,answer=final_answer`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.errors import UsageError
from ..core.text import did_you_mean
from .rows import Row


def read_columns(text: str) -> dict[str, str]:
    """The column of each name, out of `NAME=COLUMN,NAME=COLUMN`.

    Raises:
        UsageError: A part is no such pair, or a name is there twice.
    """
    columns: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not (name and equals and column):
            raise UsageError(f"columns={text!r}: {part!r} is no pair; write it as in question=problem,answer=final_answer.")
        if name in columns:
            raise UsageError(f"columns={text!r} names {name} twice; keep one.")
        columns[name] = column
    return columns


def rename(row: Row, columns: Mapping[str, str]) -> Row:
    """The row with those columns under their names too.

    Raises:
        UsageError: It lacks one of the columns.
    """
    for name, column in columns.items():
        if column not in row:
            raise UsageError(
                f"columns={name}={column}: there is no {column!r}{did_you_mean(column, row) or ';'} {listed(row)}."
            )
    return {**row, **{name: row[column] for name, column in columns.items()}} if columns else row


def listed(columns: Iterable[str]) -> str:
    """The part of a sentence that names the columns of a row."""
    return f"its columns are {', '.join(columns) or 'none'}"
