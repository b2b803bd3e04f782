"""Source text as syntax trees: parsed without warnings, and never run."""

from __future__ import annotations

import _thread
import ast
import warnings
from types import CodeType

BYTE_ORDER_MARK = "\ufeff"
"""May stand in front of a program, as it may in front of a file, and is no part of it."""
UNPARSABLE = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError)
"""Errors by which Python refuses a text, or a tree."""
MAX_MARKS = 100
"""Accents and other marks in a row. Python puts those of a name in order in quadratic time: 16,000 take seconds."""

# The list of warning filters is one for the whole process, and callers are threads. Not threading.Lock: loading that module,
# and running its hook in every fork, would double the cost of a worker's fork.
_FILTERS = _thread.allocate_lock()


def parse_quietly(text: str, mode: str = "exec") -> ast.AST:
    r"""The syntax tree of a text, without the warnings that some deserve, such as `"\d"`, whatever the caller's -W says.

    Args:
        text: Python source.
        mode: As for `ast.parse`.

    Raises:
        SyntaxError: The text is not Python, or has more than `MAX_MARKS` marks in a row; or another of `UNPARSABLE`.
    """
    if not text.isascii() and _most_marks(text) > MAX_MARKS:
        raise SyntaxError(f"more than {MAX_MARKS} marks in a row")
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode=mode)


def compile_quietly(tree: ast.Module) -> CodeType:
    """The code of a syntax tree, without warnings.

    Raises:
        SyntaxError: The tree is not a program, such as one with `return` at module level; or another of `UNPARSABLE`.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(tree, "<program>", "exec", dont_inherit=True)


def parse_source(text: str, mode: str = "exec") -> ast.AST | None:
    """The syntax tree of a program (or of what another `mode` of `ast.parse` reads), or None if it has none."""
    try:
        return parse_quietly(text.removeprefix(BYTE_ORDER_MARK), mode)
    except UNPARSABLE:
        return None


def _most_marks(text: str) -> int:
    """How many combining marks follow each other at most."""
    from unicodedata import combining  # loaded late: a worker's fork seldom needs it

    most = run = 0
    for char in text:
        run = run + 1 if combining(char) else 0
        most = max(most, run)
    return most
