"""The context of a node: whether a function is called there, an iterator read at once, a name a local one."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from .names import CALLING, CONSUMERS


class Contexts:
    """Questions about the surroundings of nodes.

    Args:
        parent: The node above each.
        bound: Names that the program binds, so that they may be no builtins.
        shared: Those of them that functions share with what is around them.
    """

    def __init__(self, parent: Mapping[ast.AST, ast.AST], bound: set[str], shared: set[str]) -> None:
        self._parent = parent
        self._bound = bound
        self._shared = shared

    def is_called(self, node: ast.AST) -> bool:
        """Whether a function is called where it stands."""
        above = self._parent[node]
        return isinstance(above, ast.Call) and above.func is node

    def is_given_at_most(self, node: ast.AST, count: int) -> bool:
        """Whether what is called here, or by what it is handed to, is given so many arguments at most, all by place."""
        above = self._parent[node]
        if self.is_called(node) and isinstance(above, ast.Call):
            starred = any(isinstance(argument, ast.Starred) for argument in above.args)
            return len(above.args) <= count and not above.keywords and not starred
        if isinstance(above, ast.Call):
            return self.is_only_named(node) or len(above.args) <= 1 + count
        return True

    def is_handed(self, node: ast.AST) -> bool:
        """Whether a function is an argument of something that calls it and keeps no hold of it."""
        above = self._parent[node]
        if isinstance(above, ast.keyword):
            return above.arg == "key" and self._called_name(self._parent[above]) in CALLING
        return self._is_argument(node, CALLING)

    def is_consumed(self, node: ast.AST) -> bool:
        """Whether an iterator is read where it stands."""
        match self._parent[node]:
            case ast.For(iter=source) | ast.comprehension(iter=source):
                return source is node
            case ast.Starred() | ast.Assign(targets=[ast.Tuple() | ast.List()]):
                return True
            case ast.keyword(arg="key"):
                return self.is_handed(node)
            case ast.Call(func=ast.Name(id="max" | "min"), args=args) if len(args) != 1:
                return False  # then it is one of the values that are compared
            case _:
                return self._is_argument(node, CONSUMERS)

    def _is_argument(self, node: ast.AST, positions: Mapping[str, slice]) -> bool:
        """Whether a node is one of the arguments that `positions` names for what is called with it."""
        call = self._parent[node]
        if not isinstance(call, ast.Call) or any(isinstance(argument, ast.Starred) for argument in call.args):
            return False  # behind a star, nobody knows which argument is which
        return any(argument is node for argument in call.args[positions.get(self._called_name(call), slice(0))])

    def _called_name(self, call: ast.AST) -> str:
        """The builtin, library function or method that is called; empty where it is something of the program's own."""
        match call:
            case ast.Call(func=ast.Name(id=name)) if name not in self._bound:
                return name
            case ast.Call(func=ast.Attribute(attr=name)):
                return name
            case _:
                return ""

    def is_harmless_type(self, node: ast.Name) -> bool:
        """Whether `type` is called for the class of a value, which is only compared, or named."""
        call = self._parent[node]
        if not isinstance(call, ast.Call) or call.func is not node or len(call.args) != 1 or call.keywords:
            return False
        above = self._parent[call]
        return isinstance(above, ast.Compare) or (isinstance(above, ast.Attribute) and above.attr == "__name__")

    def is_only_named(self, node: ast.AST) -> bool:
        """Whether a class is only compared with, or named in an annotation."""
        above = self._parent[node]
        test = self._parent[above] if isinstance(above, ast.Tuple) else above
        in_type_test = isinstance(test, ast.Call) and self._called_name(test) == "isinstance"
        return in_type_test or isinstance(above, ast.Compare) or self.is_annotation(node)

    def is_annotation(self, node: ast.AST) -> bool:
        """Whether a node is part of an annotation."""
        below, above = node, self._parent[node]
        while isinstance(above, ast.Subscript | ast.Tuple | ast.List | ast.BinOp):
            below, above = above, self._parent[above]
        match above:
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation) | ast.FunctionDef(returns=annotation):
                return annotation is below
            case _:
                return False

    def is_local(self, node: ast.Name) -> bool:
        """Whether a name is an argument of a function around it, read in the function's body, so that it is no builtin."""
        below, above = node, self._parent.get(node)
        while above is not None:
            if isinstance(above, ast.FunctionDef | ast.Lambda) and node.id in _parameters(above):
                body = above.body if isinstance(above.body, list) else [above.body]
                return any(below is part for part in body) and node.id not in self._shared
            below, above = above, self._parent.get(above)
        return False


def _parameters(function: ast.FunctionDef | ast.Lambda) -> set[str]:
    arguments = function.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return {argument.arg for argument in parameters if argument is not None}
