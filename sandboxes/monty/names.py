"""The role of every name of a program, in all its scopes together: a function, bound once, or a variable."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from .program import Program, Refused
from .subset import FUNCTIONS


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a program binds."""

    functions: set[str] = field(default_factory=set[str])
    variables: set[str] = field(default_factory=set[str])


def find_names(program: Program) -> Names:
    """The names that a program binds.

    Raises:
        Refused: One of them is the subset's own, or a function's and something else's.
    """
    names = Names()
    for node in program.nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda()):
                if name in names.functions:
                    raise Refused("a function bound twice")
                names.functions.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                above = program.parent[node]
                if not (isinstance(above, ast.Assign) and isinstance(above.value, ast.Lambda)):
                    names.variables.add(name)
            case ast.arg(arg=name):
                names.variables.add(name)
            case ast.keyword(arg=str(name)):
                _check(name)
            case _:
                pass
    for name in names.functions | names.variables:
        _check(name)
        if name in FUNCTIONS or name in ("math", "print"):
            raise Refused("a reserved name")
    if names.functions & names.variables:
        raise Refused("a function bound twice")
    return names


def _check(name: str) -> None:
    """Refuses names that `guard` might use, and those that Python normalises."""
    if name.startswith("__") or not name.isascii():
        raise Refused("a reserved name")
