"""Checks of test code without running it: whether its verdict could come from anything but the candidate."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

from ..core.syntax import module_tree

NOT_EXPRESSIBLE = "test_not_expressible"

_RUNS_TEXT = frozenset(("eval", "exec", "compile", "__import__"))
"""With these, a returned string could become code in the process that gives the verdict."""
_REFUSED_MODULES = frozenset(
    """
    asyncio builtins code codeop concurrent ctypes gc importlib inspect marshal multiprocessing pickle runpy shelve
    signal socket subprocess threading
    """.split()
)
"""The same, or not to be had in a sandbox."""


def code_fault(prelude: str, test: str, entry_point: str) -> str:
    """`test_not_expressible`, or nothing where the test can be run against a table of results.

    Args:
        prelude: Trusted code that runs before the test.
        test: The test.
        entry_point: The name that the candidate will have.

    Returns:
        The reason if either text does not parse, could turn a returned text into code, imports what a sandbox lacks, or
        reads a name that neither of them binds; else the empty text.
    """
    trees = [module_tree(prelude), module_tree(test)]
    nodes = [node for tree in trees if tree is not None for node in ast.walk(tree)]
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {entry_point, *dir(builtins), *_bound(nodes)}
    sound = (
        None not in trees
        and not read & _RUNS_TEXT
        and not _imported(nodes) & _REFUSED_MODULES
        and ("*" in bound or read <= bound)  # `from math import *` binds names that are not seen
    )
    return "" if sound else NOT_EXPRESSIBLE


def _bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every name that is bound somewhere, in whatever scope."""
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=as_name):
                yield as_name or name.partition(".")[0]
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
            case _:
                pass


def _imported(nodes: Iterable[ast.AST]) -> set[str]:
    """The top-level names of every imported module."""
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}
