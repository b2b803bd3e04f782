"""Rules for each kind of node: which an admitted program is made of, and what they show."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from .bindings import Unproved, is_constant
from .evidence import Evidence
from .name_rules import check_attribute, check_lazy, check_name
from .names import CATCHABLE

_ANNOTATIONS = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.BinOp, ast.BitOr),
    *(ast.BoolOp, ast.boolop, ast.expr_context),
)


def _check_import(evidence: Evidence, node: ast.Import | ast.ImportFrom) -> None:
    if not isinstance(evidence.parent[node], ast.Module):
        raise Unproved("an import in a function")


def _check_annotated(evidence: Evidence, node: ast.arg | ast.AnnAssign) -> None:
    _check_annotation(evidence, node.annotation, node)


def _check_annotation(evidence: Evidence, annotation: ast.expr | None, node: ast.AST) -> None:
    """An annotation, which is evaluated where it stands: a type's name, and what is in its brackets."""
    parts = [] if annotation is None else list(ast.walk(annotation))
    if not all(isinstance(part, _ANNOTATIONS) for part in parts):
        raise Unproved("an annotation")
    typed = any(isinstance(part, ast.Name) and evidence.imported.get(part.id, ("",))[0] == "typing" for part in parts)
    if typed and not isinstance(evidence.parent[_function_of(evidence, node)], ast.Module):
        raise Unproved("a type within a function")  # `typing` remembers those that it has seen


def _function_of(evidence: Evidence, node: ast.AST) -> ast.AST:
    """The function whose signature a node is part of, or the node itself."""
    above = node
    while not isinstance(above, ast.stmt):
        above = evidence.parent[above]
    return above


def _check_lambda(evidence: Evidence, node: ast.Lambda) -> None:
    above = evidence.parent[node]
    kept = isinstance(above, ast.Assign) and all(isinstance(target, ast.Name) for target in above.targets)
    evidence.addressed |= not (kept or evidence.contexts.is_called(node) or evidence.contexts.is_handed(node))


def _check_function(evidence: Evidence, node: ast.FunctionDef) -> None:
    if node.decorator_list or getattr(node, "type_params", None):
        raise Unproved("a decorator")
    _check_annotation(evidence, node.returns, node)


def _check_defaults(evidence: Evidence, node: ast.arguments) -> None:
    defaults = [default for default in (*node.defaults, *node.kw_defaults) if default is not None]
    evidence.changes_nothing &= all(map(is_constant, defaults))


def _check_operation(evidence: Evidence, node: ast.BinOp | ast.AugAssign) -> None:
    left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    if isinstance(node.op, ast.Div):
        evidence.floats = True
    elif isinstance(node.op, ast.Pow):
        evidence.floats |= not (isinstance(right, ast.Constant) and isinstance(right.value, int))
    elif isinstance(node.op, ast.Mod):
        evidence.showing |= not _is_number(left) and not _is_number(right)


def _check_constant(evidence: Evidence, node: ast.Constant) -> None:
    evidence.floats |= isinstance(node.value, float | complex)


def _check_shown(evidence: Evidence, node: ast.FormattedValue) -> None:
    evidence.showing = True


def _check_handler(evidence: Evidence, node: ast.ExceptHandler) -> None:
    names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    if not all(isinstance(name, ast.Name) and name.id in CATCHABLE and name.id not in evidence.bound for name in names):
        raise Unproved("a handler that catches too much")


def _check_try(evidence: Evidence, node: ast.Try) -> None:
    if node.finalbody:
        raise Unproved("finally")


def _check_compare(evidence: Evidence, node: ast.Compare) -> None:
    sides = [node.left, *node.comparators]
    for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
        if isinstance(op, ast.Is | ast.IsNot) and not (_is_single(left) or _is_single(right)):
            raise Unproved("identity")


def _check_global(evidence: Evidence, node: ast.Global) -> None:
    evidence.changes_nothing = False


def _pass(evidence: Evidence, node: ast.AST) -> None:
    """Nodes that are let in wherever they stand."""


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_single(node: ast.AST) -> bool:
    """Whether a node is None, True, False or `...`, of which there is one each."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is ... or isinstance(node.value, bool))


RULES: dict[type[ast.AST], Callable[[Evidence, Any], None]] = {
    **dict.fromkeys(
        (
            *(ast.Module, ast.Return, ast.Delete, ast.Assign, ast.For, ast.While, ast.If, ast.Raise, ast.Assert),
            *(ast.alias, ast.Nonlocal, ast.Expr, ast.Pass, ast.Break, ast.Continue),
            *(ast.BoolOp, ast.NamedExpr, ast.UnaryOp, ast.IfExp, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp),
            *(ast.Call, ast.JoinedStr, ast.Subscript, ast.Starred, ast.List, ast.Tuple, ast.Slice, ast.comprehension),
            *(ast.keyword, ast.Load, ast.Store, ast.Del),
            *(kind for base in (ast.boolop, ast.operator, ast.unaryop, ast.cmpop) for kind in base.__subclasses__()),
        ),
        _pass,
    ),
    ast.Import: _check_import,
    ast.ImportFrom: _check_import,
    ast.arg: _check_annotated,
    ast.AnnAssign: _check_annotated,
    ast.Name: check_name,
    ast.Attribute: check_attribute,
    ast.FunctionDef: _check_function,
    ast.Lambda: _check_lambda,
    ast.arguments: _check_defaults,
    ast.BinOp: _check_operation,
    ast.AugAssign: _check_operation,
    ast.Constant: _check_constant,
    ast.FormattedValue: _check_shown,
    ast.GeneratorExp: check_lazy,
    ast.ExceptHandler: _check_handler,
    ast.Try: _check_try,
    ast.Compare: _check_compare,
    ast.Global: _check_global,
}
"""The rule for each kind of node; other kinds are not let in."""
