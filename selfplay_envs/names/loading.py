"""Loads objects by `module:NAME`, and shows an author the line of a mistake: the one loader of games, judges and the rest."""

from __future__ import annotations

import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core.errors import UsageError
from ..core.text import did_you_mean


def load_named(text: str, field: str) -> Any:
    """The object that `module:NAME` names; the module is imported.

    Args:
        text: Such as `my_judges:Vowels`.
        field: Argument that the text was given for, such as `judge`: errors begin with `judge='my_judges:Vowels'`.

    Raises:
        UsageError: The text names a path or nothing, or the module cannot be imported; with the author's file and line.
    """
    module, _, name = text.partition(":")
    loaded = import_named(module, text, field, then=name)
    if not name or not hasattr(loaded, name):
        names = [attribute for attribute, value in vars(loaded).items() if not isinstance(value, ModuleType)]
        hint = did_you_mean(name, names) or "; define it there."
        raise UsageError(f"{field}={text!r}: the module {module!r} holds no {name!r}{hint}")
    return getattr(loaded, name)


def import_named(module: str, text: str, field: str, then: str = "NAME") -> Any:
    """The module of a text such as `module:NAME`.

    Raises:
        UsageError: As `load_named`.
    """
    if "/" in module or "\\" in module or module.startswith(".") or module.endswith(".py"):
        dotted = module.removesuffix(".py").replace("\\", "/").strip("./").replace("/", ".")
        raise UsageError(f"{field}={text!r}: a module is named without a path; write {dotted}:{then}.")
    if not module:
        raise UsageError(f"{field}={text!r} names no module; write it as module:{then}.")
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise UsageError(
                f"{field}={text!r}: {error}; the part before the colon is a module that Python can import."
            ) from error
        raise UsageError(f"{field}={text!r}: {blame(error, module)}; install it, or mend that module.") from error
    except (Exception, SystemExit) as error:  # whatever somebody's own file does wrong while it is read
        raise UsageError(f"{field}={text!r}: {blame(error, module)}; mend that module.") from error


def blame(error: BaseException, module: str) -> str:
    """An error with the author's place: `chain.py:41: TypeError: ...`, the innermost line that belongs to the author's package.

    Args:
        error: As it was caught.
        module: Of the author; the first part of its name tells which files are the author's.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    top = module.partition(".")[0]
    of_author = [frame for frame in frames if top in (*Path(frame.filename).parts, Path(frame.filename).stem)]
    place = f"{Path(of_author[-1].filename).name}:{of_author[-1].lineno}: " if of_author else ""
    return f"{place}{type(error).__name__}: {' '.join(str(error).split())}"
