"""Loads what `module:NAME` names, and tells an author where a mistake is: the one loader of games, judges and all the rest."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import UsageError


def load_named(text: str, field: str) -> Any:
    """The object that `module:NAME` names; the module is imported.

    Args:
        text: Such as `my_judges:Vowels`.
        field: What the text was given for, such as `judge`: errors begin with `judge='my_judges:Vowels'`.

    Raises:
        UsageError: The text names a path or nothing, or the module cannot be imported; with the author's file and line.
    """
    module, _, name = text.partition(":")
    found = import_named(module, text, field, then=name)
    if not name or not hasattr(found, name):
        own = [one for one, value in vars(found).items() if not isinstance(value, ModuleType)]
        hint = did_you_mean(name, own) or "; define it there."
        raise UsageError(f"{field}={text!r}: the module {module!r} holds no {name!r}{hint}")
    return getattr(found, name)


def import_named(module: str, text: str, field: str, then: str = "NAME") -> Any:
    """The module of a text such as `module:NAME`.

    Raises:
        UsageError: As `load_named`.
    """
    if "/" in module or "\\" in module or module.startswith(".") or module.endswith(".py"):
        own = module.removesuffix(".py").replace("\\", "/").strip("./").replace("/", ".")
        raise UsageError(f"{field}={text!r}: a module is named without a path; write {own}:{then}.")
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
    own = [frame for frame in frames if top in (*Path(frame.filename).parts, Path(frame.filename).stem)]
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno}: " if own else ""
    return f"{place}{type(error).__name__}: {' '.join(str(error).split())}"


def did_you_mean(word: str, known: Iterable[str], before: str = "") -> str:
    """`; did you mean 'rules'?` where a known word is near, else nothing; `before` is what to write in front of it."""
    near = get_close_matches(word, [one for one in known if not one.startswith("__")], n=1)
    return f"; did you mean {before + near[0]!r}?" if near else ""
