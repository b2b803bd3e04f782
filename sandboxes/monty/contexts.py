"""The context of a node: whether a lazy value is read there at once, a function called, the order of a set hidden."""

from __future__ import annotations

import ast

from .program import Program, is_name, makes_set
from .subset import CONSUMERS, ORDER_FREE, SET_METHODS, TYPES


class Contexts:
    """Questions about the surroundings of nodes."""

    def __init__(self, program: Program) -> None:
        self._parent = program.parent

    def is_handed(self, node: ast.expr) -> bool:
        """Whether a function stands where a builtin will call it."""
        match self._parent[node]:
            case ast.Call(func=ast.Name(id="map" | "filter"), args=[first, *_]):
                return first is node
            case ast.keyword(arg="key") as keyword:
                match self._parent[keyword]:
                    case ast.Call(func=ast.Name(id="sorted" | "min" | "max") | ast.Attribute(attr="sort")):
                        return True
                    case _:
                        return False
            case _:
                return False

    def is_tested(self, node: ast.Name) -> bool:
        """Whether a type is one that `isinstance` tests for."""
        above = self._parent[node]
        test = self._parent[above] if isinstance(above, ast.Tuple) else above
        return node.id in TYPES and isinstance(test, ast.Call) and is_name(test.func, "isinstance") and node is not test.args[0]

    def is_kept(self, node: ast.expr) -> bool:
        """Whether a value is all that a name is bound to."""
        above = self._parent[node]
        return isinstance(above, ast.Assign) and len(above.targets) == 1 and isinstance(above.targets[0], ast.Name)

    def is_consumed(self, node: ast.expr) -> bool:
        """Whether a lazy value is read where it stands, so that it may as well be a list, as it is in the engine."""
        match self._parent[node]:
            case ast.For(iter=source) | ast.comprehension(iter=source):
                return source is node
            case ast.Starred() | ast.Assign(targets=[ast.Tuple()]) | ast.Call(func=ast.Name(id="zip")):
                return True
            case ast.Call(func=ast.Name(id="map" | "filter"), args=[first, *_]):
                return first is not node
            case ast.Call(func=ast.Name(id="enumerate" | "sum"), args=[first, *_]):
                return first is node
            case ast.Call(func=ast.Name(id=name), args=[first]) if name in CONSUMERS:
                return first is node
            case ast.Call(func=ast.Attribute(attr="join"), args=[first]):
                return first is node
            case _:
                return False

    def is_compared(self, node: ast.expr) -> bool:
        """Whether a view is only counted, copied, or tested for an element."""
        match self._parent[node]:
            case ast.Compare() | ast.Call(func=ast.Name(id="len")):
                return True
            case ast.Call(func=ast.Attribute(attr="extend" | "update"), args=[first]):
                return first is node
            case _:
                return False

    def hides_order(self, node: ast.AST) -> bool:
        """Whether the order of a set does not show where the set stands."""
        match self._parent[node]:
            case ast.Call(func=ast.Name(id="list" | "tuple"), args=[_]) as copy:
                return self.hides_order(copy)
            case ast.Call(func=ast.Name(id=name), keywords=keywords):
                return name in ORDER_FREE and all(keyword.arg == "reverse" for keyword in keywords)
            case ast.Compare():
                return True
            case ast.BinOp() as operation:
                return makes_set(operation)
            case _:
                return False

    def keeps_set(self, node: ast.AST) -> bool:
        """Whether a variable that holds a set is used as one: filled, searched, or read where order does not matter."""
        if not isinstance(node, ast.Name):
            return False  # an argument, which may be anything
        above = self._parent[node]
        if not isinstance(node.ctx, ast.Load):
            return isinstance(above, ast.Assign) and len(above.targets) == 1 and makes_set(above.value)
        if isinstance(above, ast.Attribute):
            return above.attr in SET_METHODS
        return self.hides_order(node) or isinstance(above, (ast.If, ast.While, ast.UnaryOp))
