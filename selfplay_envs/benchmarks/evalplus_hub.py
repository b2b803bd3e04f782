"""EvalPlus's rows as the hub has them: inputs and tolerance are read, never run, from test code that needs numpy."""

from __future__ import annotations

import ast
from typing import Any

from ..core.errors import UsageError
from ..core.syntax import module_tree
from ..sources.rows import Row


def inputs_of_test(row: Row) -> Row:
    """The row with the `base_input` and the `atol` that its `test` holds; which inputs are the original's is not known there.

    The code assigns a list of argument lists to `inputs`, and calls `assertion(value, expected, TOLERANCE)`.

    Raises:
        UsageError: It does not.
    """
    tree = module_tree(row["test"])
    calls: list[Any] = []
    tolerance = 0.0
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.Assign(targets=[ast.Name(id="inputs")], value=ast.List(elts=items)):
                calls = [_arguments(item) for item in items]
            case ast.Call(func=ast.Name(id="assertion"), args=[_, _, ast.Constant(value=int() | float() as number)]):
                tolerance = float(number)
            case _:
                pass
    if not calls:
        raise UsageError(f"test={row['test']!r:.60} assigns no list to inputs; give EvalPlus's own release as path=FILE.")
    return {**row, "base_input": calls, "plus_input": [], "atol": tolerance}


def _arguments(node: ast.expr) -> Any:
    """The list of a call's arguments, or their text where one is no literal, such as `float('nan')`."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return f"*{ast.unparse(node)}"  # a list, unpacked
