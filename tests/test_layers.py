"""The rooms of the packages and the arrows between them, as `tests/helpers/rooms.py` has them; and that each rule can fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers import layers
from tests.helpers.layers import Tree
from tests.helpers.rooms import LIGHT, MAY_NAME, PACKAGES, ROOMS, STANDARD_LIBRARY_ONLY, Room

ROOT = Path(__file__).parents[1]

RULES: dict[str, Callable[[Tree], list[str]]] = {
    "every folder is declared and says what it is for": layers.undeclared,
    "rooms import what the table allows, and all of that": layers.wrong_arrows,
    "nobody imports upward": layers.upward,
    "nothing imports itself in a circle": layers.cycles,
    "rooms, modules and functions can be held in mind": layers.too_large,
    "libraries are named where they belong": lambda tree: layers.foreign_names(tree, MAY_NAME),
    "what runs in a sandbox needs Python alone": lambda tree: layers.beyond_the_standard_library(tree, STANDARD_LIBRARY_ONLY),
    "imports stay light": lambda tree: layers.heavy_imports(tree, LIGHT),
}


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(ROOT, PACKAGES, ROOMS)


def test_the_map_for_contributors_is_the_table_of_rooms() -> None:
    """`CONTRIBUTING.md` shows a person the rooms, their sentences and their arrows as `ROOMS` has them, in its order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = text.partition("| folder | what belongs there | may import |\n|---|---|---|\n")[2].partition("\n\n")[0].splitlines()
    shown = [
        f"| `{folder}` | {room.sentence} | {', '.join(room.imports) or 'nothing here'} |"
        for folder, room in ROOMS.items()
        if folder not in PACKAGES
    ]
    assert rows == shown


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_packages(tree: Tree, rule: Callable[[Tree], list[str]]) -> None:
    assert rule(tree) == []


def test_nobody_imports_examples_or_tests(tree: Tree) -> None:
    names = {"examples": ("examples",), "tests": ("tests",)}
    assert layers.foreign_names(tree, names) == []


def test_no_test_imports_another(tree: Tree) -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(("from tests.agents", "from tests.selfplay_envs", "from tests.sandboxes")), (
                f"{path}: {line}"
            )


def test_what_has_a_name_is_imported_when_it_is_asked_for() -> None:
    code = "\n".join(
        [
            "import sys, selfplay_envs, agents.config.presets, agents.config.sampler",
            "from selfplay_envs.judges.registry import JUDGES",
            "lazy = ['selfplay_envs.judges.rules', 'selfplay_envs.games.code.base', 'agents.samplers.transformers', 'torch']",
            "print([name for name in lazy if name in sys.modules])",
            "JUDGES.find('rules')",
            "print([name for name in lazy if name in sys.modules])",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines() == ["[]", "['selfplay_envs.judges.rules']"]


def test_import_names_resolve_to_this_project() -> None:
    """`openai-agents` and `cased-sandboxes` install packages of the same names."""
    for name in PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin == str(ROOT / name / "__init__.py")


# Each rule on a small tree that keeps it, and on the same tree with one violation planted.

SMALL_ROOMS = {
    "low": Room(""),
    "low/ground": Room("What all need."),
    "low/walls": Room("What stands on the ground.", ("ground",)),
    "low/walls/oak": Room("One kind of wall.", ("walls",)),
    "high": Room(""),
    "high/attic": Room("What lies on top.", ("low",)),
}
SMALL_FILES = {
    "low/__init__.py": "",
    "low/roof.py": "",
    "low/ground/__init__.py": '"""What all need."""',
    "low/ground/stone.py": "",
    "low/ground/sand.py": "from .stone import SIZE",
    "low/walls/__init__.py": '"""What stands on the ground."""',
    "low/walls/base.py": "from ..ground.stone import SIZE",
    "low/walls/brick.py": "",
    "low/walls/oak/__init__.py": '"""One kind of wall."""',
    "low/walls/oak/beam.py": "from ..base import Wall",
    "low/walls/oak/plank.py": "",
    "high/__init__.py": "",
    "high/attic/__init__.py": '"""What lies on top."""',
    "high/attic/box.py": "import json\nfrom low.ground import stone",
    "high/attic/trunk.py": "",
}


def small_tree(folder: Path, changes: Mapping[str, str], rooms: Mapping[str, Room]) -> Tree:
    for name, text in {**SMALL_FILES, **changes}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Tree(folder, ("low", "high"), {**SMALL_ROOMS, **rooms})


LONG = "def build():\n    '''Builds.'''\n" + "    x = 1\n" * 46
HIDDEN = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .sand import GRAIN"

PLANTED: list[tuple[Callable[[Tree], list[str]], dict[str, str], dict[str, Room], str]] = [
    (layers.undeclared, {"low/cellar/__init__.py": '"""Dark."""'}, {}, "low/cellar has no line in ROOMS"),
    (layers.undeclared, {}, {"low/cellar": Room("Dark.")}, "low/cellar is in ROOMS and nowhere else"),
    (layers.undeclared, {"low/walls/__init__.py": '"""Walls."""'}, {}, "low/walls/__init__.py holds more, or something else"),
    (
        layers.undeclared,
        {"low/walls/__init__.py": '"""What stands on the ground."""\nfrom .base import Wall'},
        {},
        "low/walls/__init__.py holds more, or something else",
    ),
    (layers.wrong_arrows, {"low/ground/stone.py": "from ..walls import brick"}, {}, "low/ground may not import walls"),
    (
        layers.wrong_arrows,
        {"low/ground/stone.py": "def f():\n    from ..walls import brick"},
        {},
        "low/ground may not import walls",
    ),
    (layers.wrong_arrows, {"high/attic/box.py": ""}, {}, "high/attic need not import low: nothing there does"),
    (layers.upward, {"low/ground/stone.py": "import high.attic.box"}, {}, "imports high.attic.box, of a package above"),
    (layers.upward, {"low/ground/stone.py": "from .. import roof"}, {}, "imports low.roof, which lies on the roof"),
    (layers.upward, {"low/walls/base.py": "from .oak.plank import LENGTH"}, {}, "of a room inside its own"),
    (layers.cycles, {"low/ground/stone.py": HIDDEN}, {}, "low.ground.stone -> low.ground.sand -> low.ground.stone"),
    (layers.cycles, {"low/ground/stone.py": "from ..walls.brick import CLAY"}, {}, "low/ground -> low/walls -> low/ground"),
    (layers.too_large, {f"low/ground/sand{i}.py": "" for i in range(14)}, {}, "low/ground holds 16 modules, not 2 to 15"),
    (layers.too_large, {"low/cellar/__init__.py": "", "low/cellar/coal.py": ""}, {}, "low/cellar holds 1 modules"),
    (layers.too_large, {"low/ground/stone.py": "x = 1\n" * 251}, {}, "low.ground.stone has 251 lines, more than 250"),
    (layers.too_large, {"low/ground/stone.py": LONG}, {}, "low.ground.stone.build has 46 lines, more than 45"),
    (
        lambda tree: layers.foreign_names(tree, {"vllm": ("low/walls/oak",)}),
        {
            "low/walls/oak/beam.py": "import vllm",
            "low/walls/base.py": "from importlib import import_module\nimport_module('vllm.x')",
        },
        {},
        "low.walls.base imports vllm, which belongs in low/walls/oak",
    ),
    (
        lambda tree: layers.beyond_the_standard_library(tree, ("low/ground",)),
        {"low/ground/stone.py": "import numpy, json"},
        {},
        "low.ground.stone imports numpy, which is not of the standard library",
    ),
    (
        lambda tree: layers.heavy_imports(tree, {"high.attic.box": ("decimal",)}),
        {"low/ground/stone.py": "import decimal"},
        {},
        "import high.attic.box loads decimal",
    ),
]


@pytest.mark.parametrize(("rule", "changes", "rooms", "sentence"), PLANTED, ids=[planted[3] for planted in PLANTED])
def test_a_planted_violation_is_found(
    tmp_path: Path, rule: Callable[[Tree], list[str]], changes: dict[str, str], rooms: dict[str, Room], sentence: str
) -> None:
    (tmp_path / "kept").mkdir()
    assert rule(small_tree(tmp_path / "kept", {}, {})) == []
    assert any(sentence in violation for violation in rule(small_tree(tmp_path / "broken", changes, rooms)))
