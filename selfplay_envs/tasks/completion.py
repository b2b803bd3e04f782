"""From a start and an answer to a whole program, as benchmarks of code ask for it. Text only, nothing runs."""

from __future__ import annotations

import ast
import re

from ..core.syntax import module_tree
from .programs import bound_values


def binds(program: str, name: str) -> bool:
    """Whether a program parses and its module level binds a name, by `def`, assignment, import or otherwise."""
    tree = module_tree(program)
    return tree is not None and any(bound_values(statement, name) for statement in tree.body)


def preamble(start: str, entry_point: str) -> str:
    """What stands in a start before the last `def` of the entry point at module level: imports and functions that it may use.

    All of a start without such a `def`. If that does not parse, nothing.
    """
    stubs = list(re.finditer(rf"^(?:async[ \t]+)?def[ \t]+{re.escape(entry_point)}\b", start, re.MULTILINE))
    before = start[: stubs[-1].start()] if stubs else start
    return before if module_tree(before) is not None else ""


def completed(start: str, text: str, entry_point: str) -> str:
    """The program that an answer makes of a start, as `exec(start + text)` would have it.

    A text that binds the entry point by itself is whole, but for the imports and functions of the start, which go before it
    (behind its imports from `__future__`); of both, the later definition counts, and that is the text's. Any other text goes on
    where the start ends.
    """
    if not start:
        return text
    if not binds(text, entry_point):
        return start + text
    before = preamble(start, entry_point)
    lines = text.splitlines(keepends=True)
    first = _after_future_imports(text)
    return "".join(lines[:first]) + before + ("\n" if before else "") + "".join(lines[first:])


def _after_future_imports(program: str) -> int:
    """The number of lines up to the last import from `__future__`."""
    tree = module_tree(program)
    ends = [
        node.end_lineno or 0
        for node in (tree.body if tree else [])
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    return max(ends, default=0)
