"""Every dependency of the project is imported by one of its packages."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = {"markdown-it-py": "markdown_it"}
"""Modules whose names are not those of their distributions."""


def imported() -> set[str]:
    names: set[str] = set()
    for package in ("sandboxes", "selfplay_envs", "agents"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module.partition(".")[0])
                elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
                    names.add(ast.unparse(node.args[0]).strip("'\"").partition(".")[0])
    return names


def test_no_dependency_is_there_for_nothing() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[<>=!~\[; ]", text)[0] for text in project["dependencies"]]
    modules = {name: MODULES.get(name, name.replace("-", "_")) for name in names}
    assert [name for name, module in modules.items() if module not in imported()] == []
