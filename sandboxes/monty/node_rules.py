"""Rules for each kind of node: which programs are plain data and first-order functions, as `gate` says."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

from .contexts import Contexts
from .names import find_names
from .program import Program, Refused, makes_set
from .subset import FUNCTIONS, HANDED, LAZY, MATH, MATH_CONSTANTS, METHODS, VIEWS, Arity, is_plain_text

MAX_COMPREHENSION_DEPTH = 3
"""Nested comprehensions take stack frames in CPython that the engine does not count; see `engine.RECURSION_DEPTH`."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FORMAT = re.compile(r"[<>^]?0?\d{0,3},?(\.\d{1,2})?[dfeEsxXbo]?")


class NodeRules:
    """One walk over a program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._parent = program.parent
        self._contexts = Contexts(program)
        self._names = find_names(program)
        self._sets = program.set_names()
        self._math = any(isinstance(node, ast.Import) for node in program.tree.body)

    def check(self, entry_point: str) -> None:
        """Looks at every node.

        Raises:
            Refused: One of them is outside the gate.
        """
        body = self._program.tree.body
        if not any(isinstance(node, ast.FunctionDef) and node.name == entry_point for node in body):
            raise Refused("no entry point")
        self._check_sets()
        for statement in body:
            self._check_module_level(statement)
        percent = modulo = False
        for node in self._program.nodes:
            kind = type(node)
            if kind in _RULES:
                _RULES[kind](self, node)
            elif kind not in _HARMLESS:
                raise Refused(kind.__name__)
            percent |= kind is ast.Constant and isinstance(node.value, str) and "%" in node.value  # type: ignore[attr-defined]
            modulo |= kind is ast.Mod
        if percent and modulo:
            raise Refused("% formatting")

    def _check_sets(self) -> None:
        for node in self._program.nodes if self._sets else ():
            name = node.id if isinstance(node, ast.Name) else node.arg if isinstance(node, ast.arg) else None
            if name in self._sets and not self._contexts.keeps_set(node):
                raise Refused("a set in the open")

    def _check_module_level(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef() | ast.Import(names=[ast.alias(name="math", asname=None)]) | ast.Pass():
                pass
            case ast.Assign(targets=[ast.Name()], value=value) if _is_constant(value) or isinstance(value, ast.Lambda):
                pass
            case _:
                raise Refused("a module-level statement")

    def _constant(self, node: ast.Constant) -> None:
        value = node.value
        if not (value is None or type(value) in (int, bool, float) or (isinstance(value, str) and is_plain_text(value))):
            raise Refused("a constant")

    def _name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            return
        name, above = node.id, self._parent[node]
        called = isinstance(above, ast.Call) and above.func is node
        if name in self._names.functions:
            allowed = called or self._contexts.is_handed(node)
        elif name in self._names.variables:
            allowed = not called
        elif name == "math":
            allowed = isinstance(above, ast.Attribute)
        else:
            allowed = name in FUNCTIONS and (
                called or (name in HANDED and self._contexts.is_handed(node)) or self._contexts.is_tested(node)
            )
        if not allowed:
            raise Refused(f"name {name}")

    def _call(self, node: ast.Call) -> None:
        arity: Arity | None = None
        match node.func:
            case ast.Name(id=name) if name in self._names.functions:
                return
            case ast.Name(id="dict") if node.keywords and not node.args:
                arity = 0, 0, " ".join(keyword.arg or "" for keyword in node.keywords)
            case ast.Name(id=name):
                arity = FUNCTIONS.get(name)
                if name in LAZY and not self._contexts.is_consumed(node):
                    raise Refused("a lazy value")
                if name == "set":
                    self._set(node)
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                arity = MATH.get(name)
            case ast.Attribute(attr=name):
                arity = METHODS.get(name)
                if name in VIEWS and not self._contexts.is_consumed(node) and not self._contexts.is_compared(node):
                    raise Refused("a view in the open")
            case _:
                pass
        if arity is None:
            raise Refused(f"call of {ast.unparse(node.func)[-30:]}")
        fewest, most, keywords = arity
        if not fewest <= len(node.args) <= most or any(k.arg is None or k.arg not in keywords.split() for k in node.keywords):
            raise Refused(f"arguments of {ast.unparse(node.func)[-30:]}")

    def _attribute(self, node: ast.Attribute) -> None:
        above = self._parent[node]
        math = isinstance(node.value, ast.Name) and node.value.id == "math"
        if math and not self._math:
            raise Refused("math without its import")
        if not (isinstance(above, ast.Call) and above.func is node) and not (math and node.attr in MATH_CONSTANTS):
            raise Refused(f"attribute {node.attr[:30]}")

    def _function(self, node: ast.FunctionDef) -> None:
        if node.decorator_list or getattr(node, "type_params", None):
            raise Refused("a decorator")

    def _lambda(self, node: ast.Lambda) -> None:
        if not self._contexts.is_kept(node) and not self._contexts.is_handed(node):
            raise Refused("a function as a value")

    def _arguments(self, node: ast.arguments) -> None:
        if not all(default is None or _is_constant(default) for default in [*node.defaults, *node.kw_defaults]):
            raise Refused("a default")

    def _loop(self, node: ast.For | ast.comprehension) -> None:
        if any(isinstance(part, (ast.Subscript, ast.Attribute, ast.Starred)) for part in ast.walk(node.target)):
            raise Refused("a loop target")

    def _comprehension(self, node: ast.AST) -> None:
        depth, above = 0, node
        while not isinstance(above, (ast.FunctionDef, ast.Module)):
            depth += isinstance(above, _COMPREHENSIONS)
            above = self._parent[above]
        if depth > MAX_COMPREHENSION_DEPTH:
            raise Refused("deep comprehensions")
        if isinstance(node, ast.GeneratorExp) and not self._contexts.is_consumed(node):
            raise Refused("a lazy value")
        if isinstance(node, ast.SetComp):
            self._set(node)

    def _set(self, node: ast.expr) -> None:
        if not self._contexts.is_kept(node) and not self._contexts.hides_order(node):
            raise Refused("a set in the open")

    def _operation(self, node: ast.BinOp) -> None:
        if makes_set(node):
            self._set(node)

    def _compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        single = [isinstance(side, ast.Constant) and type(side.value) in (type(None), bool) for side in sides]
        pairs = zip(node.ops, single, single[1:], strict=False)
        if any(isinstance(op, (ast.Is, ast.IsNot)) and not (left or right) for op, left, right in pairs):
            raise Refused("identity")

    def _change(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.BitOr):
            raise Refused("a dict changed in place")
        calls = [part.func for part in ast.walk(node.target) if isinstance(part, ast.Call)]  # read twice, by the guards
        if not all(isinstance(call, ast.Name) and call.id in FUNCTIONS for call in calls):
            raise Refused("a call in a place that is changed")

    def _formatted(self, node: ast.FormattedValue) -> None:
        match node.format_spec:
            case None | ast.JoinedStr(values=[]):
                plain = True
            case ast.JoinedStr(values=[ast.Constant(value=str(text))]):
                plain = _FORMAT.fullmatch(text) is not None
            case _:
                plain = False
        if not plain or node.conversion not in (-1, ord("s"), ord("r")):
            raise Refused("a format")

    def _starred(self, node: ast.Starred) -> None:
        match self._parent[node]:
            case ast.Call(func=ast.Name(id=name)) if name in self._names.functions or name in ("zip", "max", "min"):
                pass
            case ast.List() | ast.Tuple():
                pass
            case _:
                raise Refused("a starred value")

    def _import(self, node: ast.Import) -> None:
        if self._parent[node] is not self._program.tree:
            raise Refused("an import in a function")


def _is_constant(node: ast.expr) -> bool:
    """Whether an expression is a constant that nothing can change."""
    if isinstance(node, ast.Tuple):
        return all(map(_is_constant, node.elts))
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


_RULES: dict[type[ast.AST], Callable[[NodeRules, Any], None]] = {
    ast.Constant: NodeRules._constant,
    ast.Name: NodeRules._name,
    ast.Call: NodeRules._call,
    ast.Attribute: NodeRules._attribute,
    ast.FunctionDef: NodeRules._function,
    ast.Lambda: NodeRules._lambda,
    ast.arguments: NodeRules._arguments,
    ast.For: NodeRules._loop,
    ast.comprehension: NodeRules._loop,
    ast.BinOp: NodeRules._operation,
    ast.Set: NodeRules._set,
    ast.Compare: NodeRules._compare,
    ast.AugAssign: NodeRules._change,
    ast.FormattedValue: NodeRules._formatted,
    ast.Starred: NodeRules._starred,
    ast.Import: NodeRules._import,
    **dict.fromkeys(_COMPREHENSIONS, NodeRules._comprehension),
}
_HARMLESS: frozenset[type[ast.AST]] = frozenset(
    {
        *(ast.Module, ast.arg, ast.keyword, ast.Return, ast.Assign, ast.While, ast.If, ast.IfExp, ast.Break, ast.Continue),
        *(ast.Pass, ast.Expr, ast.Assert, ast.Raise, ast.alias, ast.BoolOp, ast.UnaryOp, ast.JoinedStr, ast.Subscript),
        *(ast.Slice, ast.List, ast.Tuple, ast.Dict, ast.Load, ast.Store, ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd),
        *(ast.Invert, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift),
        *(ast.BitAnd, ast.BitOr, ast.BitXor),
        *ast.cmpop.__subclasses__(),
    }
)
"""Nodes that need no rule."""
