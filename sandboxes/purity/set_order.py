"""Whether the order of a set shows in what a program returns.

A set is followed from where it is made to where it is read, through the variables that hold nothing but what it was assigned.
Wherever it goes out of sight, its order is taken to show.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from enum import IntEnum

from .contexts import Contexts
from .names import SET_METHODS

_ALGEBRA = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)
_ASKING = frozenset("isdisjoint issubset issuperset".split())
_CHANGING = frozenset(
    "add clear difference_update discard intersection_update remove symmetric_difference_update update".split()
)


_VIEWS = frozenset(("items", "keys"))


class SetOrder(IntEnum):
    """The degree to which a program shows the order of its sets."""

    NO_SETS = 0
    HIDDEN = 1
    """They are only tested for elements, and counted."""
    SORTED = 2
    """They are read in the order of their elements, which is one for all where none of them is NaN."""
    SHOWN = 3


def set_order(nodes: Sequence[ast.AST], parent: Mapping[ast.AST, ast.AST], bound: set[str], contexts: Contexts) -> SetOrder:
    """The degree to which the program made of these nodes shows the order of its sets.

    Args:
        nodes: All nodes of its syntax tree, the tree itself first.
        parent: The node above each.
        bound: Names that the program binds, so that they may be no builtins.
        contexts: Those of its nodes.
    """
    return _Sets(nodes, parent, bound, contexts).order()


class _Sets:
    """The sets of a program, followed through its variables."""

    def __init__(
        self, nodes: Sequence[ast.AST], parent: Mapping[ast.AST, ast.AST], bound: set[str], contexts: Contexts
    ) -> None:
        self._nodes = nodes
        self._contexts = contexts
        self._parent = parent
        self._bound = bound
        self._names: set[str] = set()
        """Variables that hold sets."""

    def order(self) -> SetOrder:
        self._find_names()
        if any(map(self._holds_else, self._names)):
            return SetOrder.SHOWN
        order = SetOrder.NO_SETS
        algebra = any(isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, _ALGEBRA) for node in self._nodes)
        for node in self._nodes:
            if isinstance(node, ast.expr) and (self._makes_set(node) or self._is_variable(node)):
                order = max(order, self._where(node))
            elif isinstance(node, ast.Name) and node.id in ("set", "frozenset") and not self._is_in_sight(node):
                order = SetOrder.SHOWN  # who makes a set of what is out of sight
            elif algebra and isinstance(node, ast.Attribute) and node.attr in _VIEWS and not self._contexts.is_called(node):
                order = SetOrder.SHOWN
            elif algebra and _is_view(node) and not self._is_read(node):
                order = SetOrder.SHOWN  # `a - b` of two views is a set
        frozen = any(isinstance(node, ast.Name) and node.id == "frozenset" for node in self._nodes)
        named = any(isinstance(node, ast.ExceptHandler) and node.name for node in self._nodes)
        # frozen sets are sorted by halves, and errors name what they met
        return SetOrder.SHOWN if (order is SetOrder.SORTED and frozen) or (order and named) else order

    def _find_names(self) -> None:
        """Follows sets into variables, until no more are found."""
        size = -1
        while size != len(self._names):
            size = len(self._names)
            for node in self._nodes:
                match node:
                    case ast.Assign(targets=targets, value=value) if self._makes_set(value):
                        self._names |= {target.id for target in targets if isinstance(target, ast.Name)}
                    case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if self._makes_set(value):
                        self._names.add(name)
                    case _:
                        pass

    def _holds_else(self, name: str) -> bool:
        """Whether a variable that holds a set is also bound to anything else, in whatever scope."""
        for node in self._nodes:
            if isinstance(node, ast.arg) and node.arg == name:
                return True
            if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
                match self._parent[node]:
                    case ast.Assign(value=value, targets=targets):
                        same = self._makes_set(value) and any(target is node for target in targets)
                    case ast.AnnAssign(value=ast.expr() as value):
                        same = self._makes_set(value)
                    case ast.AugAssign(op=op):
                        same = isinstance(op, _ALGEBRA)
                    case _:
                        same = False
                if not same:
                    return True
        return False

    def _makes_set(self, node: ast.AST) -> bool:
        match node:
            case ast.Set() | ast.SetComp() | ast.Call(func=ast.Name(id="set" | "frozenset")):
                return True
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return name in SET_METHODS or (name == "copy" and self._is_set(value))
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ALGEBRA):
                return any(self._is_set(side) or _is_view(side) for side in (left, right))
            case _:
                return False

    def _is_variable(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id in self._names and isinstance(node.ctx, ast.Load)

    def _is_set(self, node: ast.AST) -> bool:
        return self._makes_set(node) or self._is_variable(node)

    def _where(self, node: ast.expr) -> SetOrder:
        """The degree to which the order of a set shows where an expression stands that makes it."""
        above = self._parent[node]
        match above:
            case ast.Assign(targets=targets) if self._makes_set(node):
                hidden = all(isinstance(target, ast.Name) for target in targets)
            case ast.AnnAssign(target=target) if self._makes_set(node):
                hidden = isinstance(target, ast.Name)
            case ast.AugAssign(target=ast.Name(id=name), op=op):
                hidden = name in self._names and isinstance(op, _ALGEBRA)
            case ast.Compare() | ast.UnaryOp(op=ast.Not()) | ast.Expr() | ast.If() | ast.While():
                hidden = True
            case ast.IfExp(test=test):
                hidden = test is node
            case ast.BinOp():
                hidden = self._makes_set(above)  # which is looked at itself
            case ast.Return():
                hidden = self._is_result(above)
            case ast.Attribute(attr=name):
                hidden = name in _ASKING | _CHANGING | SET_METHODS | {"copy"} and self._contexts.is_called(above)
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                hidden = name in _ASKING | SET_METHODS or (name in _CHANGING and self._is_set(value))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name not in self._bound:
                if name in ("list", "tuple"):  # whose order shows wherever that of a set would not
                    return self._where(above) if self._is_counted_or_sorted(above) else SetOrder.SHOWN
                if name in ("sorted", "sum") and len(args) == 1:  # not max: it compares other pairs in another order
                    return SetOrder.SORTED if all(word.arg == "reverse" for word in keywords) else SetOrder.SHOWN
                hidden = name in ("len", "bool", "any", "all", "set", "frozenset", "isinstance")
            case _:
                hidden = False
        return SetOrder.HIDDEN if hidden else SetOrder.SHOWN

    def _is_result(self, node: ast.Return) -> bool:
        """Whether what is returned goes to nobody inside the program; sets leave it sorted."""
        above = self._parent[node]
        while not isinstance(above, ast.FunctionDef):
            if isinstance(above, ast.Module):
                return False  # which parses, but does not compile
            above = self._parent[above]
        named = any(isinstance(other, ast.Name) and other.id == above.name for other in self._nodes)
        return isinstance(self._parent[above], ast.Module) and not named

    def _is_counted_or_sorted(self, node: ast.AST) -> bool:
        """Whether a list stands where its order does not matter."""
        match self._parent[node]:
            case ast.Call(func=ast.Name(id="len" | "sorted" | "set" | "sum" as name), args=[_]):
                return name not in self._bound
            case _:
                return False

    def _is_in_sight(self, node: ast.Name) -> bool:
        """Whether a class is called where it stands, or only compared with or named in an annotation."""
        return self._contexts.is_called(node) or self._contexts.is_only_named(node)

    def _is_read(self, node: ast.AST) -> bool:
        """Whether a view is read where it stands."""
        return isinstance(self._parent[node], ast.Compare) or self._contexts.is_consumed(node)


def _is_view(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _VIEWS
