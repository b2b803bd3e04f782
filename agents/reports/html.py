"""A report as one HTML page that needs nothing else: pictures as SVG inside, no script, no network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..core.files import write_whole
from .page import Page
from .style import svg_of
from .text import csv_of


def html_of(page: Page) -> str:
    """The page; opens from disk, follows a dark or a light system, fits a phone, and prints."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files("agents.reports") / "page.html.jinja").read_text(encoding="utf-8"))
    drawn = {picture.name: svg_of(picture.figure) for section in page.sections for picture in section.pictures}
    data = {picture.name: csv_of(picture) for section in page.sections for picture in section.pictures}
    return template.render(page=page, drawn=drawn, data=data)


def write_html(page: Page, path: Path) -> None:
    """Writes the page whole, and makes its folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, html_of(page))
