"""Whether hash order could show in what a program returns: it decides how often is asked, never a verdict."""

from __future__ import annotations

import ast
import warnings

_NAMES = frozenset("set frozenset hash id object vars dir globals locals getattr eval exec compile".split())
"""What makes unordered things, or shows hashes and addresses, or could be any of these."""

_METHODS = frozenset("union intersection difference symmetric_difference".split())
_ALGEBRA = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
"""What makes a set of two views of dicts."""
_READ_CHARS = 8_192


def order_may_show(program: str) -> bool:
    """False only where no set, hash or address is in sight; True in doubt, and for long texts, which are not read."""
    if len(program) > _READ_CHARS:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in somebody else's string
            tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    nodes = list(ast.walk(tree))
    views = any(isinstance(node, ast.Attribute) and node.attr in ("keys", "items") for node in nodes)
    return any(
        _shows(node) or (views and isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, _ALGEBRA))
        for node in nodes
    )


def _shows(node: ast.AST) -> bool:
    match node:
        case ast.Set() | ast.SetComp() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Name(id=name):
            return name in _NAMES or name.startswith("__")
        case ast.Attribute(attr=name):
            return name in _METHODS or (name.startswith("__") and name != "__init__")
        case _:
            return False
