"""A report as Markdown beside PNG files, and the data of its pictures as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ..core.files import write_whole
from .page import Page, Picture, Section, Table
from .style import save_png


def write_markdown(page: Page, folder: Path, name: str = "README.md") -> Path:
    """Writes the page as Markdown, its pictures as PNG and their data as CSV into a folder; returns the Markdown file."""
    folder.mkdir(parents=True, exist_ok=True)
    for section in page.sections:
        for picture in section.pictures:
            save_png(picture.figure, folder / f"{picture.name}.png")
            write_whole(folder / f"{picture.name}.csv", csv_of(picture))
    path = folder / name
    write_whole(path, markdown_of(page))
    return path


def markdown_of(page: Page) -> str:
    """The text alone, with links to the files of `write_markdown`."""
    blocks = [f"# {page.title}", *page.lead, *(block for section in page.sections for block in _section(section))]
    return "\n\n".join(blocks) + "\n"


def csv_of(picture: Picture) -> str:
    """The numbers of a picture, a line per row, under the names of their columns; floats with six digits."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(picture.columns)
    writer.writerows([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in picture.data)
    return buffer.getvalue()


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield from section.text
    for picture in section.pictures:
        yield f"![{_inline(picture.says)}]({picture.name}.png)"
        yield f"Data: [{picture.name}.csv]({picture.name}.csv)"
    yield from map(_table, section.tables)
    for label, text in (("Definition", section.definition), ("Caveat", section.caveat), ("Published", section.published)):
        if text:
            yield f"*{label}.* {text}"


def _table(table: Table) -> str:
    sides = [":--" if place == 0 or place in table.prose else "--:" for place in range(len(table.columns))]
    lines = [table.columns, sides, *table.rows]
    text = "\n".join("| " + " | ".join(map(_inline, line)) + " |" for line in lines)
    return f"{table.caption}\n\n{text}" if table.caption else text


def _inline(text: str) -> str:
    """A text as it stands inside a line of Markdown."""
    return " ".join(text.replace("|", "\\|").split())
