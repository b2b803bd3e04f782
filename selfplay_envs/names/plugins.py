"""Games of installed packages, by the entry-point group `selfplay_envs.games`.

An entry point is either an id and its class, of which nothing is imported before an environment is made,

    [project.entry-points."selfplay_envs.games"]
    "Mine/Guess-v0" = "mygames.guess:Guess"

or any other name and a function that is called without arguments and registers. Such a function may lie in a package that
is only half imported at that time, because it is this very package's `from selfplay_envs import Game` that brought us here.
A plug-in that fails meanwhile is tried again when that import is over.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .loading import blame

GROUP = "selfplay_envs.games"
Register = Callable[[str, str], None]


def register_plugins(register: Register) -> None:
    """Registers the games of all installed packages; a broken one warns and is left out.

    Args:
        register: Takes an id and its `module:Class`.
    """
    _register(sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)), register)


def _register(points: Iterable[EntryPoint], register: Register) -> None:
    failed: list[tuple[EntryPoint, BaseException]] = []
    for point in points:
        try:
            if "/" in point.name:
                register(point.name, f"{point.module}:{point.attr}")
            else:
                point.load()()
        except (Exception, SystemExit) as error:  # somebody else's code, at our import
            failed.append((point, error))
    under_way = imports_under_way() if failed else []
    if under_way:
        _after(under_way[-1], lambda: _register([point for point, _ in failed], register))
        return
    for point, error in failed:
        warnings.warn(
            f"the game plug-in {point.name!r} ({point.value}) failed to register: {blame(error, point.module)}", stacklevel=3
        )


def imports_under_way() -> list[ModuleSpec]:
    """Specs of the modules of others that are half imported now; the last one began last and is over first."""
    specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
    return [
        spec
        for spec in specs
        if isinstance(spec, ModuleSpec)
        and getattr(spec, "_initializing", False)
        and spec.name.partition(".")[0] != __name__.partition(".")[0]
    ]


class _Watched(ModuleSpec):
    """The spec of a module that is being imported. Python marks the end of the import on it: there is no other sign."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "_initializing" and not value:
            then = self.__dict__.pop("_then")
            object.__setattr__(self, "__class__", ModuleSpec)
            then()


def _after(spec: ModuleSpec, then: Callable[[], None]) -> None:
    """Calls `then` as soon as the module of that spec has been imported, or has failed to be."""
    spec.__dict__["_then"] = then
    spec.__class__ = _Watched
