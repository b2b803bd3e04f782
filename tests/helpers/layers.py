"""What the imports of a tree of packages look like, and what they may look like: the rules behind `tests/test_layers.py`.

Every rule takes the tree and returns its violations as sentences; an empty list is a pass.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.helpers.rooms import MAX_BODY_LINES, MAX_LINES, MAX_MODULES, Room

_LOADERS = ("import_module", "find_spec", "__import__")


@dataclass(frozen=True)
class Tree:
    """Packages in a folder, and the table of their rooms."""

    root: Path
    packages: Sequence[str]
    rooms: Mapping[str, Room]

    @cached_property
    def modules(self) -> dict[str, Path]:
        """Every module by its dotted name; a package by the name of its folder."""
        return {
            ".".join(path.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__"): path
            for package in self.packages
            for path in sorted((self.root / package).rglob("*.py"))
        }

    @cached_property
    def folders(self) -> dict[str, list[str]]:
        """The modules of every folder, without `__init__`."""
        folders: dict[str, list[str]] = {}
        for name, path in self.modules.items():
            modules = folders.setdefault(self.room_of(name), [])
            if path.name != "__init__.py":
                modules.append(name)
        return folders

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The syntax tree of every module."""
        return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.modules.items()}

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """Per module the modules of these packages that it imports anywhere: late ones and those for type checkers too."""
        return {name: set(self._imports_of(name)) - {name} for name in self.modules}

    def room_of(self, module: str) -> str:
        """The folder of a module."""
        return self.modules[module].parent.relative_to(self.root).as_posix()

    def _imports_of(self, name: str) -> Iterator[str]:
        package = name if self.modules[name].name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.modules)
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
                origin = ".".join(filter(None, (base, node.module)))
                for alias in node.names:
                    full = f"{origin}.{alias.name}"
                    if full in self.modules:
                        yield full
                    elif origin in self.modules:
                        yield origin


def undeclared(tree: Tree) -> list[str]:
    """Folders without a line in the table, lines without a folder, and `__init__.py` that say or do something else."""
    violations = [f"{folder} has no line in ROOMS" for folder in tree.folders if folder not in tree.rooms]
    violations += [f"{room} is in ROOMS and nowhere else" for room in tree.rooms if room not in tree.folders]
    for room, (sentence, _) in tree.rooms.items():
        name = room.replace("/", ".")
        if room in tree.packages or name not in tree.trees:
            continue
        if len(tree.trees[name].body) != 1 or ast.get_docstring(tree.trees[name]) != sentence:
            violations.append(f"{room}/__init__.py holds more, or something else, than its sentence in ROOMS")
    return violations


def wrong_arrows(tree: Tree) -> list[str]:
    """Imports between rooms that the table does not allow, and arrows of the table that no import uses."""
    violations: list[str] = []
    used: set[tuple[str, str]] = set()
    for name, targets in tree.imports.items():
        room = tree.room_of(name)
        for target in targets:
            other = tree.room_of(target)
            arrow = other.partition("/")[2] or other
            if other.partition("/")[0] != room.partition("/")[0]:
                arrow = other.partition("/")[0]
            elif other == room:
                continue
            used.add((room, arrow))
            if arrow not in tree.rooms.get(room, Room("")).imports:
                violations.append(f"{name} imports {target}: {room} may not import {arrow}")
    violations += [
        f"{room} need not import {arrow}: nothing there does"
        for room, (_, arrows) in tree.rooms.items()
        for arrow in arrows
        if (room, arrow) not in used
    ]
    return violations


def upward(tree: Tree) -> list[str]:
    """Imports against the order of the packages, imports of the roof by a room, and of a sub-room by its parent."""
    violations: list[str] = []
    for name, targets in tree.imports.items():
        room = tree.room_of(name)
        for target in targets:
            other = tree.room_of(target)
            rank, other_rank = (tree.packages.index(place.partition("/")[0]) for place in (room, other))
            if other_rank > rank:
                violations.append(f"{name} imports {target}, of a package above")
            elif other in tree.packages and other_rank == rank and room != other:
                violations.append(f"{name} imports {target}, which lies on the roof")
            elif other.startswith(f"{room}/") and room not in tree.packages:
                violations.append(f"{name} imports {target}, of a room inside its own")
    return violations


def cycles(tree: Tree) -> list[str]:
    """Rooms that import each other in a circle, and modules that do."""
    rooms: dict[str, set[str]] = {room: set() for room in tree.folders}
    for name, targets in tree.imports.items():
        rooms[tree.room_of(name)] |= {tree.room_of(target) for target in targets} - {tree.room_of(name)}
    return [f"a circle: {' -> '.join(path)}" for graph in (rooms, tree.imports) for path in _circles(graph)]


def too_large(tree: Tree) -> list[str]:
    """Rooms with too few or too many modules, modules and functions that are too long."""
    violations = [
        f"{folder} holds {len(modules)} modules, not 2 to {MAX_MODULES}"
        for folder, modules in tree.folders.items()
        if folder not in tree.packages and not 2 <= len(modules) <= MAX_MODULES
    ]
    for name, path in tree.modules.items():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            violations.append(f"{name} has {lines} lines, more than {MAX_LINES}")
        for node in ast.walk(tree.trees[name]):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (length := _body_lines(node)) > MAX_BODY_LINES:
                violations.append(f"{name}.{node.name} has {length} lines, more than {MAX_BODY_LINES}")
    return violations


def foreign_names(tree: Tree, may_name: Mapping[str, Sequence[str]]) -> list[str]:
    """Imports of distributions outside the folders that may name them."""
    return [
        f"{name} imports {distribution}, which belongs in {' and '.join(may_name[distribution])}"
        for name in tree.modules
        for distribution in sorted(_distributions(tree.trees[name]) & set(may_name))
        if not any(f"{tree.room_of(name)}/".startswith(f"{folder}/") for folder in may_name[distribution])
    ]


def beyond_the_standard_library(tree: Tree, folders: Sequence[str]) -> list[str]:
    """Imports of anything but the standard library, and their own package, in folders that need to do without."""
    return [
        f"{name} imports {distribution}, which is not of the standard library"
        for name in tree.modules
        if any(f"{tree.room_of(name)}/".startswith(f"{folder}/") for folder in folders)
        for distribution in sorted(_distributions(tree.trees[name], by_text=False) - set(sys.stdlib_module_names))
    ]


def heavy_imports(tree: Tree, light: Mapping[str, Sequence[str]]) -> list[str]:
    """Modules whose import, in a fresh process, loads what it must not, or prints something."""
    violations: list[str] = []
    for module, forbidden in light.items():
        code = f"import sys, {module}; print(*sorted(set(sys.modules) & {set(forbidden)!r}))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tree.root, check=False)
        if done.returncode or done.stdout.strip() or done.stderr:
            violations.append(f"import {module} loads {done.stdout.strip() or done.stderr.strip()}")
    return violations


def _circles(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """One path per circle that a depth-first walk meets, from a node back to itself."""
    finished: set[str] = set()

    def walk(node: str, path: list[str]) -> Iterator[list[str]]:
        if node in path:
            yield [*path[path.index(node) :], node]
        elif node in graph and node not in finished:
            for target in sorted(graph[node]):
                yield from walk(target, [*path, node])
            finished.add(node)

    for node in sorted(graph):
        yield from walk(node, [])


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _distributions(tree: ast.Module, by_text: bool = True) -> set[str]:
    """First parts of absolute imports, and of constant names that are handed to the import system."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
        elif by_text and isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            loader = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if loader in _LOADERS and isinstance(node.args[0].value, str):
                names.add(node.args[0].value)
    return {name.partition(".")[0] for name in names}
