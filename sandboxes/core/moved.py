"""Modules that have moved: old names still import, with a warning that says where to import from."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class MovedModules(MetaPathFinder, Loader):
    """Finds old names in a table. Where an old name is a folder today, the folder hands on what the old module held.

    Args:
        homes: Per old name of a module, in full, the modules that hold its names now, the most likely first; `Old=module:New`
            stands for a name that has changed.
    """

    def __init__(self, homes: Mapping[str, Sequence[str]]) -> None:
        self.homes = dict(homes)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """A spec for an old name; None for every other."""
        if fullname not in self.homes:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is None or spec.loader is None:
            return ModuleSpec(fullname, self)
        execute = spec.loader.exec_module

        def execute_and_hand_on(module: ModuleType) -> None:
            execute(module)
            self.hand_on(module)

        vars(spec.loader)["exec_module"] = execute_and_hand_on
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module; see `exec_module`."""
        warnings.warn(f"{spec.name} has moved; import {self.homes[spec.name][0]}.", DeprecationWarning, stacklevel=2)
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Gives it the names of the modules of today."""
        for home in reversed(self.homes[module.__name__]):
            if "=" in home:
                old, _, new = home.partition("=")
                vars(module)[old] = _load(new)
            else:
                vars(module).update({name: value for name, value in vars(import_module(home)).items() if name[:2] != "__"})

    def hand_on(self, folder: ModuleType) -> None:
        """Gives a folder that has been imported the names of the old module."""
        vars(folder)["__getattr__"] = lambda name: self._handed_on(folder.__name__, name)

    def _handed_on(self, folder: str, name: str) -> Any:
        if not name.startswith("__") and find_spec(f"{folder}.{name}") is None:
            for home in self.homes[folder]:
                old, _, new = home.rpartition("=")
                if (name == old) if old else hasattr(import_module(home), name):
                    place = new.partition(":")[0]
                    warnings.warn(f"{folder}.{name} has moved; import it from {place}.", DeprecationWarning, stacklevel=3)
                    return _load(new) if old else getattr(import_module(home), name)
        raise AttributeError(f"module {folder!r} has no attribute {name!r}")


def forward(package: str, homes: Mapping[str, str]) -> None:
    """Lets a package's modules be imported by their old names; arguments as for `finder_of`."""
    sys.meta_path.insert(0, finder_of(package, homes))


def finder_of(package: str, homes: Mapping[str, str]) -> MovedModules:
    """The finder of a package's old names.

    Args:
        package: The package, such as `agents`.
        homes: Old name to new ones, all without the package and with spaces between them: `{"losses": "algorithms.losses
            algorithms.kl"}`; see `MovedModules`.
    """
    finder = MovedModules(
        {f"{package}.{old}": [_in_package(package, home) for home in new.split()] for old, new in homes.items()}
    )
    for folder in finder.homes.keys() & sys.modules.keys():
        finder.hand_on(sys.modules[folder])
    return finder


def _in_package(package: str, home: str) -> str:
    old, equals, new = home.rpartition("=")
    return f"{old}{equals}{package}.{new}"


def _load(text: str) -> Any:
    module, _, name = text.partition(":")
    return getattr(import_module(module), name)
