"""Programs as syntax trees: parsed, never compiled or run, and never a reason to raise."""

from __future__ import annotations

import ast
import warnings

from .values import _QUIET

BYTE_ORDER_MARK = "\ufeff"
"""May stand in front of a program, as it may in front of a file, and is no part of it."""


def parse_source(text: str, mode: str = "exec") -> ast.AST | None:
    """The syntax tree of a program (or of what another `mode` of `ast.parse` reads), or None if it has none."""
    try:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in somebody else's string is not our news
            return ast.parse(text.removeprefix(BYTE_ORDER_MARK), mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
