"""The evidence that one walk over a program collects: its nodes, its names, and what has been seen in it so far."""

from __future__ import annotations

import ast

from ..protocol.syntax import parse_source
from .bindings import Bindings, Unproved
from .contexts import Contexts

MAX_NODES = 4_000
"""Longer programs are not read: that would take the time of the trainer, not of a worker."""


class Evidence:
    """A program's syntax tree, and flags that the rules raise while they walk over it.

    Args:
        program: Its source text.

    Raises:
        Unproved: It does not parse, is long, or binds a name that could pass for something else.
    """

    def __init__(self, program: str) -> None:
        tree = parse_source(program)
        if not isinstance(tree, ast.Module):
            raise Unproved("it does not parse")
        self.nodes: list[ast.AST] = [tree]
        """All of them, each after its parent."""
        self.parent: dict[ast.AST, ast.AST] = {}
        """The node above each."""
        for node in self.nodes:  # grows while it is read
            for child in ast.iter_child_nodes(node):
                self.parent[child] = node
                self.nodes.append(child)
            if len(self.nodes) > MAX_NODES:
                raise Unproved("it is long")
        self.bindings = Bindings(tree, self.nodes)
        self.bound, self.imported = self.bindings.bound, self.bindings.imported
        self.contexts = Contexts(self.parent, self.bound, self.bindings.shared)
        self.addressed = False
        """Whether an object is kept whose text, or hash, is its address."""
        self.showing = False
        """Whether a value is written as text."""
        self.floats = False
        """Whether floats can be made of whole numbers and text."""
        self.python_library = False
        """Whether something of the library is used that is written in Python: it takes less of the stack once it is warm."""
        self.changes_nothing = True
        """Whether no `global` statement and no default that could change was met."""
