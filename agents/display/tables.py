"""Consoles, tables and sentences that fit the terminal: nothing is cut, and no word, number or path is broken in the middle.

A table that is wider than the console is stacked: every row becomes a paragraph of its own.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 100
"""Columns of a table where the output is not a terminal and COLUMNS does not say."""
GAP = 2
"""Between the columns of a table, and the pairs of a stacked row."""
PROSE_WIDTH = 24
"""Columns that sentences need at least; where there are fewer, rows read better as paragraphs."""


def make_console(*, stderr: bool = False) -> Console:
    """A console for the process's current output; in a pipe it is wide enough for the tables and has no colours."""
    stream = sys.stderr if stderr else sys.stdout
    wide = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, width=wide, highlight=False, soft_wrap=False)


def say(console: Console, sentence: str | Text) -> None:
    """Prints prose; a str is taken as it is, without markup."""
    console.print(whole_words(sentence, console.width), soft_wrap=True)


def say_line(console: Console, line: str | Text) -> None:
    """Prints a line of a log: wrapped between words in a terminal, one line in a pipe, for grep."""
    if console.is_terminal:
        say(console, line)
    else:
        console.print(line, soft_wrap=True, markup=False)


def say_command(console: Console, command: str) -> None:
    """Prints a command to type; one that is longer than a line goes on behind a backslash, as shells read it."""
    line = f"  {command}"
    if len(line) > console.width:
        line = whole_words(line, console.width - 2).plain.replace(" \n", "\n").replace("\n", " \\\n")
    console.print(line, soft_wrap=True, markup=False)


def whole_words(sentence: str | Text, width: int, indent: int = 0) -> Text:
    """`sentence` in lines of at most `width` columns, broken between words; a word that is longer has a line to itself."""
    lines: list[Text] = []
    for line in (Text(sentence) if isinstance(sentence, str) else sentence).split("\n", allow_blank=True):
        starts: list[int] = []
        used = len(line.plain) - len(line.plain.lstrip())
        for word in re.finditer(r"\S+\s*", line.plain):
            if used and indent + used + Text(word.group().rstrip()).cell_len > width:
                starts.append(word.start())
                used = 0
            used += Text(word.group()).cell_len
        lines += line.divide(starts) if starts else [line]
    for line in lines:
        line.rstrip()
        line.pad_left(indent)
    text = Text("\n").join(lines)
    text.no_wrap, text.overflow = True, "ignore"
    return text


def print_table(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, prose: int = 0) -> None:
    """Prints a title and below it a table, or its rows as paragraphs where the table does not fit.

    Args:
        console: Where to.
        title: Plain text.
        columns: Headings. The first column names a row.
        rows: Cells in rich's markup, one per column. A row of no cells is a line between others.
        prose: How many columns at the end hold sentences, which may wrap between words; all others hold names and numbers.
    """
    say(console, Text(title, style="italic"))
    console.print(fitted(columns, rows, console.width, prose=prose), crop=False)


def fitted(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, prose: int = 0) -> RenderableType:
    """The table where it fits into `width`, else its rows stacked; arguments as of `print_table`."""
    whole = len(columns) - prose
    widths = [_widths([name, *(row[index] for row in rows if row)]) for index, name in enumerate(columns)]
    needed = [cell if index < whole else max(word, min(cell, PROSE_WIDTH)) for index, (cell, word) in enumerate(widths)]
    if sum(needed) + GAP * (len(columns) - 1) > width:
        return _stacked([*columns[:whole], *[""] * prose], rows, width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for index, name in enumerate(columns):
        number = 0 < index < whole and all(map(_is_number, (row[index] for row in rows if row)))
        justify = "right" if number else "left"
        table.add_column(name, justify=justify, no_wrap=index < whole, overflow="fold", min_width=needed[index])
    for row in rows:
        table.add_row(*row)
    return table


def _is_number(cell: str) -> bool:
    """Whether a cell reads better at the right end of its column."""
    return cell in ("", "-") or any(map(str.isdigit, Text.from_markup(cell).plain))


def _widths(cells: Sequence[str]) -> tuple[int, int]:
    """Columns of the widest line, and of the widest word, of cells in markup."""
    lines = [line for cell in cells for line in Text.from_markup(cell).plain.split("\n")]
    words = [word for line in lines for word in line.split()]
    return max(Text(line).cell_len for line in lines), max((Text(word).cell_len for word in words), default=0)


def _stacked(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    """Every row as its name and, below it, headings with their values, as many on a line as fit; sentences have no heading."""
    parts: list[Text] = []
    for row in filter(None, rows):
        parts.append(whole_words(Text.from_markup(row[0], style="bold"), width))
        line = Text()
        for name, cell in zip(headings[1:], row[1:], strict=True):
            if not cell:
                continue
            pair = Text.assemble((f"{name} ", "dim"), Text.from_markup(cell)) if name else Text.from_markup(cell)
            if line and (not name or GAP + line.cell_len + GAP + pair.cell_len > width):
                parts.append(whole_words(line, width, GAP))
                line = Text()
            line = Text.assemble(line, " " * GAP, pair) if line else pair
        if line:
            parts.append(whole_words(line, width, GAP))
    return Group(*parts)
