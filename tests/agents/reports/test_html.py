"""The HTML page: whole, harmless, and dependent on nothing."""

from html.parser import HTMLParser

from agents.reports.html import html_of
from agents.reports.style import INK
from tests.helpers.report_page import HOSTILE, page

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Tags that are open, those that were met, their targets, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.met: list[str] = []
        self.targets: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met.append(tag)
        self.open += [] if tag in VOID else [tag]
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline() -> tuple[Outline, str]:
    text, outline = html_of(page()), Outline()
    outline.feed(text)
    return outline, text


def test_every_part_is_on_the_page_and_every_tag_is_closed() -> None:
    found, _ = outline()
    assert not found.open
    for part in ("A <report>", "What this is.", "A second paragraph.", "reproduced", "Definition.", "n is small.", "0.25,0.5"):
        assert part in found.text
    assert found.met.count("svg") == 1


def test_nothing_is_fetched_and_nothing_runs() -> None:
    found, text = outline()
    assert "script" not in found.met
    assert found.text.count(HOSTILE) == 2
    assert all(target.startswith(("#", "data:")) for target in found.targets)
    assert "url(http" not in text
    assert "@import" not in text


def test_pictures_take_the_colour_of_the_text_and_equal_pages_are_equal_texts() -> None:
    _, text = outline()
    assert "currentColor" in text
    assert text.count(INK) == 1  # the page's own definition of it
    assert html_of(page()) == text
