"""Whether hash order could show in what a program returns: it decides how often is asked, never a verdict."""

from __future__ import annotations

import ast
import warnings

_NAMES = frozenset("set frozenset hash id object vars dir globals locals getattr eval exec compile".split())
"""What makes unordered things, or shows hashes and addresses, or could be any of these."""


def order_may_show(program: str) -> bool:
    """False only where no set, hash or address is in sight; True in doubt. Takes as long as parsing the text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in somebody else's string
            tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return any(_shows(node) for node in ast.walk(tree))


def _shows(node: ast.AST) -> bool:
    match node:
        case ast.Set() | ast.SetComp() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Name(id=name):
            return name in _NAMES or name.startswith("__")
        case ast.Attribute(attr=name):
            return name in ("union", "intersection", "difference") or name.startswith("__")
        case ast.BinOp(left=ast.Call(func=ast.Attribute(attr="keys" | "items"))):
            return True
        case ast.BinOp(right=ast.Call(func=ast.Attribute(attr="keys" | "items"))):
            return True
        case _:
            return False
