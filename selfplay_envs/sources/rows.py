"""Rows of files, one at a time, each with its place: JSON lines, a JSON list, CSV, TSV and Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.json_lines import number_json_lines

Row = Mapping[str, Any]
Rows = Iterator[tuple[str, Row]]
"""Pairs of a place, such as `file.csv:17` or `file.parquet:row 17`, and the row that stands there."""
BATCH_ROWS = 256
"""Rows of a Parquet file that are in memory at once."""
MAX_CELL_CHARS = 1 << 26
"""Of a cell in CSV: tests of a program may be long; Python's own limit is 128 Ki."""


def read_rows(path: Path) -> Rows:
    """Yields (place, row) of a file by its ending, see `FILES`. All but `.json` are streamed: memory does not grow with rows.

    CSV and TSV start with a line of column names, and every cell is text. Texts are UTF-8, with or without a byte-order mark.

    Raises:
        UsageError: The file is missing, of another kind, cannot be read, holds no row, or a line is none; names file and line.
    """
    empty = True
    try:
        for place, row in FILES[ending_of(path)](path):
            empty = False
            yield place, row
    except (OSError, RecursionError) as error:
        raise UsageError(f"source={str(path)!r} cannot be read ({' '.join(str(error).split()):.200}).") from None
    if empty:
        raise UsageError(f"source={str(path)!r} holds no row; give a file with one row per problem.")


def ending_of(path: Path) -> str:
    """The ending of a file of rows that is there, one of `FILES`.

    Raises:
        UsageError: It is not there, a folder, or of another kind.
    """
    ending = path.suffix.lower()
    if path.is_dir():
        raise UsageError(f"source={str(path)!r} is a folder; name one file in it, or read the folder as hf:{path}.")
    if ending in PACKED:
        raise UsageError(f"source={str(path)!r} is packed, which is not read here; unpack it and give the {path.stem} in it.")
    if ending not in FILES:
        raise UsageError(f"source={str(path)!r} is of no kind that is read here; a file of rows ends with {', '.join(FILES)}.")
    if not path.is_file():
        raise UsageError(f"source={str(path)!r} is not there; give the path of a file, from {str(Path.cwd())!r} or absolute.")
    return ending


def _json_lines(path: Path) -> Rows:
    for number, row in number_json_lines(path, _json_row, "a row: one JSON object per line"):
        yield f"{path}:{number}", row


def _json_list(path: Path) -> Rows:
    """One JSON list of objects; it is read whole, as JSON has to be."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON ({error}); a file with one object per line is named .jsonl.") from None
    if not isinstance(rows, list):
        raise UsageError(
            f"{path} holds {type(rows).__name__}, not a list of rows; write one object per line into a .jsonl file."
        )
    for number, row in enumerate(rows, 1):
        try:
            yield f"{path}:row {number}", _json_row(row)
        except TypeError as error:
            raise UsageError(f"{path}:row {number} is not a row ({error}).") from None


def _json_row(value: Any) -> Row:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.60} is no JSON object")
    return value


def _table(path: Path, delimiter: str) -> Rows:
    """A header and records; the place of a record that spans lines is its first line."""
    csv.field_size_limit(MAX_CELL_CHARS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = csv.reader(file, delimiter=delimiter, strict=True)
        header: list[str] = []
        line = 1
        try:
            for record in records:
                if not header:
                    header = _header(path, record)
                elif record and len(record) != len(header):
                    raise UsageError(f"{path}:{line} has {len(record)} cells for {len(header)} columns ({', '.join(header)}).")
                elif record:
                    yield f"{path}:{line}", dict(zip(header, record, strict=True))
                line = records.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path}:{line} cannot be read ({error}); quote cells, in UTF-8, or write a .jsonl file."
            ) from None


def _header(path: Path, names: list[str]) -> list[str]:
    if not all(names) or len(set(names)) < len(names):
        raise UsageError(f"{path}:1 is no list of column names: {', '.join(names)!r:.80}; name every column, each once.")
    return names


def _parquet(path: Path) -> Rows:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise UsageError(f"source={str(path)!r} needs pyarrow; pip install 'selfplay[benchmarks]'.") from None
    number = 0
    try:
        with ParquetFile(path, pre_buffer=False) as file:
            _header(path, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}:row {number}", row
    except ArrowException as error:
        raise UsageError(f"{path}:row {number + 1} cannot be read ({' '.join(str(error).split())}).") from None


FILES: Mapping[str, Callable[[Path], Rows]] = {
    ".jsonl": _json_lines,
    ".json": _json_list,
    ".csv": partial(_table, delimiter=","),
    ".tsv": partial(_table, delimiter="\t"),
    ".parquet": _parquet,
}
"""Readers of files by their ending."""
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
