"""Syntax trees of texts that others wrote; see `sandboxes.protocol.syntax`."""

from __future__ import annotations

import ast

from sandboxes.protocol.syntax import parse_source


def module_tree(source: str) -> ast.Module | None:
    """The syntax tree of a program, or None if it has none."""
    tree = parse_source(source, "exec")
    return tree if isinstance(tree, ast.Module) else None


def is_argument_list(text: str) -> bool:
    """Whether a text can stand between the parentheses of one call, whatever its expressions are.

    `1, *rest`, `key=[0] * 3`, `x := 3` and texts with comments are; `1) or (2` and `1)(2` are not: they would make a call
    and something else.
    """
    tree = parse_source(f"f({text}\n)", "eval")
    # The first token is our `f`. Only when our own parenthesis closes the call is the whole text a call of that bare name.
    return isinstance(tree, ast.Expression) and isinstance(tree.body, ast.Call) and isinstance(tree.body.func, ast.Name)
