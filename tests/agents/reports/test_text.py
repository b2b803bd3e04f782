"""The Markdown page and the data of its pictures."""

import csv
from pathlib import Path

from PIL import Image

from agents.reports.text import csv_of, markdown_of, write_markdown
from tests.helpers.report_page import page, picture


def test_the_data_of_a_picture_are_its_numbers() -> None:
    rows = list(csv.reader(csv_of(picture("curves")).splitlines()))
    assert rows == [["k", "first", "second"], ["1", "0.25", "0.5"], ["2", "0.375", "0.6"]]


def test_bars_do_not_break_a_table() -> None:
    text = markdown_of(page())
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert [line.replace("\\|", "").count("|") for line in lines] == [4] * 4
    assert lines[1] == "| :-- | --: | :-- |"


def test_the_files_that_the_text_names_are_there(tmp_path: Path) -> None:
    path = write_markdown(page(), tmp_path / "new")
    text = path.read_text()
    assert "![Two rising lines.](curves.png)" in text
    with Image.open(path.parent / "curves.png") as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert sorted(file.name for file in path.parent.iterdir()) == ["README.md", "curves.csv", "curves.png"]
