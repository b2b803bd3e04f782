"""What a report consists of: sections of text, tables and pictures, each with its definition, its caveat and its data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it loads matplotlib
    from matplotlib.figure import Figure

FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of texts under names of columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    prose: Sequence[int] = ()
    """Columns that are text; all others are numbers, which stand on the right. The first column always is text."""

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"rows: {list(wrong[0])!r:.80} has {len(wrong[0])} cells; there are {len(self.columns)} columns.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure and the numbers that it shows."""

    name: str
    """Of its files: small letters, digits and hyphens."""
    figure: Figure
    says: str
    """In its place, for whoever cannot see it."""
    columns: Sequence[str]
    """Of its data file."""
    data: Sequence[Sequence[str | int | float]]
    """Rows of its data file."""

    def __post_init__(self) -> None:
        if not FILE_NAME.fullmatch(self.name):
            raise ValueError(f"name={self.name!r} is no name of a picture; choose small letters, digits and hyphens.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question, and what was found."""

    name: str
    """Of its anchor: small letters, digits and hyphens."""
    title: str
    text: Sequence[str] = ()
    """Paragraphs."""
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    definition: str = ""
    """What exactly is measured, and by which formula."""
    caveat: str = ""
    """What the numbers do not say."""
    published: str = ""
    """What the literature has in this place, with its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A report."""

    title: str
    lead: Sequence[str] = ()
    """Paragraphs at the top."""
    sections: Sequence[Section] = field(default_factory=tuple[Section, ...])

    def __post_init__(self) -> None:
        pictures = [picture.name for section in self.sections for picture in section.pictures]
        for names, what in (([section.name for section in self.sections], "sections"), (pictures, "pictures")):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{what}: {twice[0]!r} is there twice; give each a name of its own.")
