"""The README's promises: each names the tests that show it, and those exist; each text that it offers is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandboxes import SandboxConfig

HERE = Path(__file__).parent
README = (HERE.parents[1] / "sandboxes" / "README.md").read_text(encoding="utf-8")
ROWS = [line for line in README.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("row", [row for row in ROWS if row.count("|") == 5 and "---" not in row and "promise" not in row])
def test_every_promise_names_tests_that_exist(row: str) -> None:
    _, _, docker, process, shown, _ = (cell.strip() for cell in row.split("|"))
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", shown)
    assert named or "**" in docker + process
    for file, test in named:
        assert re.search(rf"^def {test}\(", (HERE / file).read_text(encoding="utf-8"), re.MULTILINE), f"{file}::{test}"


@pytest.mark.parametrize("text", re.findall(r"^\| `((?:docker|process):[^`]+)` \|", README, re.MULTILINE))
def test_every_text_is_understood_and_says_itself_again(text: str) -> None:
    assert SandboxConfig.parse(text).text() == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("docker:cpus=2", "'cpus=2' is not understood; known are workers=N"),
        ("docker:workers=two", "'workers=two' is not understood"),
        ("docker:engine=pypy", "engine='pypy' is not known; choose one of cpython, auto"),
        ("podman", "Unknown sandbox 'podman'"),
        ("docker:image=a,with=numpy", "brings its own packages"),
    ],
)
def test_what_is_not_understood_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        SandboxConfig.parse(text)


def test_every_module_is_in_the_readme() -> None:
    package = HERE.parents[1] / "sandboxes"
    modules = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert modules - {"__init__"} <= named
