"""The README's promises: each names the tests that show it, and those exist; each text that it offers is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandboxes import SandboxConfig

ROOT = Path(__file__).parents[3]
README = (ROOT / "sandboxes" / "README.md").read_text(encoding="utf-8")
ROWS = [line for line in README.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("row", [row for row in ROWS if row.count("|") == 5 and "---" not in row and "promise" not in row])
def test_every_promise_names_tests_that_exist(row: str) -> None:
    _, _, docker, process, shown, _ = (cell.strip() for cell in row.split("|"))
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", shown)
    assert named or "**" in docker + process
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / "tests" / "sandboxes" / file).read_text(encoding="utf-8"), re.MULTILINE), (
            f"{file}::{test}"
        )


@pytest.mark.parametrize("text", re.findall(r"^\| `((?:docker|process):[^`]+)` \|", README, re.MULTILINE))
def test_every_text_is_understood_and_says_itself_again(text: str) -> None:
    assert SandboxConfig.parse(text).text() == text


def test_every_module_is_in_the_readme() -> None:
    """The table of rooms: each room with its modules, and the modules of the root."""
    table = README.partition("| room | idea | modules |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [row.split("|") for row in table.splitlines()]
    listed = {room.strip(" `"): set(re.findall(r"`(\w+)`", modules)) for _, room, _, modules, _ in rows}
    package = ROOT / "sandboxes"
    rooms = {path.parent.name: path.parent for path in package.glob("*/__init__.py")} | {"sandboxes": package}
    assert listed == {name: {path.stem for path in folder.glob("*.py")} - {"__init__"} for name, folder in rooms.items()}
