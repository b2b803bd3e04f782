"""One walk over a program: what its text alone says about its calls; see the package's text for the rules."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Any

from ..source import parse_source
from .bindings import BUILTINS, Bindings, Unproved, is_constant
from .names import (
    CALLABLES,
    CATCHABLE,
    ENCODINGS,
    FLOATING,
    LAZY,
    LAZY_LIBRARY,
    LAZY_METHODS,
    LIBRARY,
    METHODS,
    PYTHON_LIBRARY,
    RAISABLE,
    RE_ARGUMENTS,
    SHOWING,
    TYPING,
)
from .places import Places
from .sets import SetOrder, set_order

MAX_NODES = 4_000
"""Longer programs are not read: that would take the time of the trainer, not of a worker."""

_CLASSES = frozenset("bool bytearray bytes complex dict float frozenset int list range set slice str tuple".split())


@dataclass(frozen=True, slots=True)
class Findings:
    """What the text of an admitted program says, whatever its arguments are."""

    keeps_nothing: bool
    """Whether no function leaves anything for its next call in the same globals."""
    module_names: frozenset[str]
    """Names of the module level that may hold what does: no function reads them, but one of them could be the entry point."""
    order: SetOrder
    floats: bool
    """Whether it can make floats of whole numbers and text."""


_ANNOTATIONS = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Constant, ast.BinOp, ast.BitOr),
    *(ast.BoolOp, ast.boolop, ast.expr_context),
)


class Reader:
    """One walk over a program."""

    def __init__(self, program: str) -> None:
        tree = parse_source(program)
        if not isinstance(tree, ast.Module):
            raise Unproved("it does not parse")
        self._nodes: list[ast.AST] = [tree]
        self._parent: dict[ast.AST, ast.AST] = {}
        for node in self._nodes:  # grows while it is read
            for child in ast.iter_child_nodes(node):
                self._parent[child] = node
                self._nodes.append(child)
            if len(self._nodes) > MAX_NODES:
                raise Unproved("it is long")
        self._bindings = Bindings(tree, self._nodes)
        self._bound, self._imported = self._bindings.bound, self._bindings.imported
        self._places = Places(self._parent, self._bound, self._bindings.shared)
        self._addressed = self._showing = self._floats = self._python_library = False
        self._changes_nothing = True

    def check(self) -> Findings:
        """Looks at every node.

        Raises:
            Unproved: One of them is not on the allow-list.
        """
        for node in self._nodes:
            look = _LOOKS.get(type(node))
            if look is None:
                raise Unproved(type(node).__name__)
            look(self, node)
        order = set_order(self._nodes, self._parent, self._bound, self._places)
        if order is SetOrder.SHOWN:
            raise Unproved("the order of a set could show")
        if self._addressed and (self._showing or order is not SetOrder.NO_SETS):
            raise Unproved("an address could show")
        if self._python_library and self._bindings.functions_call_functions():
            raise Unproved("how far the stack reaches could show")
        kept = self._bindings.module_names()
        keeps_nothing = self._changes_nothing and not kept & self._bindings.read_in_functions()
        return Findings(keeps_nothing, frozenset(kept), order, self._floats)

    def _name(self, node: ast.Name) -> None:
        name = node.id
        self._floats |= name in FLOATING and not self._places.is_asked_for(node)
        self._showing |= name in SHOWING and not self._places.is_asked_for(node)
        if not isinstance(node.ctx, ast.Load):
            return
        if name in self._imported:
            self._library(node, *self._imported[name])
        elif name in self._bound:
            if name in BUILTINS and name not in CALLABLES and not self._places.is_local(node):
                raise Unproved(f"name {name}")
            if name in self._bindings.functions or name in LAZY:
                self._function_as_value(node, name, lazy=name in LAZY)
        elif name in CALLABLES:
            if name in ("bytearray", "bytes", "str") and not self._places.is_given_at_most(node, 1):
                raise Unproved("an encoding")
            self._function_as_value(node, name, lazy=name in LAZY)
        elif name == "type":
            if not self._places.is_harmless_type(node):
                raise Unproved("name type")
        elif name not in RAISABLE and name != "__name__":
            raise Unproved(f"name {name}"[:60])

    def _library(self, node: ast.Name | ast.Attribute, module: str, name: str) -> None:
        """A module's name, or that of something in it, where it is read."""
        above = self._parent[node]
        if not name:
            if not (isinstance(above, ast.Attribute) and above.attr in (*LIBRARY.get(module, ()), *TYPING)):
                raise Unproved(f"module {module}")
        elif module == "typing":
            if not self._places.is_annotation(node):
                raise Unproved("a type as a value")
        elif not (name in LIBRARY["string"] or name.isupper() or name in ("pi", "e", "tau", "inf", "nan")):
            most = RE_ARGUMENTS.get(name, 0) if module == "re" else 1
            if module in ("copy", "re") and not (self._places.is_called(node) and self._places.is_given_at_most(node, most)):
                raise Unproved(f"a call of {module}.{name}")
            self._floats |= name in FLOATING
            self._function_as_value(node, name, lazy=name in LAZY_LIBRARY)
        self._floats |= module == "math"
        self._python_library |= module == "re" or name in PYTHON_LIBRARY

    def _attribute(self, node: ast.Attribute) -> None:
        name = node.attr
        if not isinstance(node.ctx, ast.Load):
            raise Unproved("a changed attribute")
        module, inner = self._imported.get(node.value.id, ("", "")) if isinstance(node.value, ast.Name) else ("", "")
        if module and not inner:
            if name not in (TYPING if module == "typing" else LIBRARY[module]):
                raise Unproved(f"{module}.{name}"[:60])
            self._library(node, module, name)
        elif name == "format":
            self._template(node)
        elif name == "__name__":
            if not (
                isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id == "type"
            ):
                raise Unproved("attribute __name__")
        elif name in ("decode", "encode"):
            if not self._names_known_encodings(node):
                raise Unproved("an encoding")
        elif name in METHODS and name != "format_map":
            self._function_as_value(node, name, lazy=name in LAZY_METHODS)
        else:
            raise Unproved(f"attribute {name}"[:60])

    def _template(self, node: ast.Attribute) -> None:
        """`"...".format`, whose template must not reach into its arguments."""
        self._showing = True
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) and self._places.is_called(node)):
            raise Unproved("a template")
        try:
            fields = [(field or "", spec or "") for _, field, spec, _ in Formatter().parse(node.value.value)]
        except ValueError:
            return  # it raises wherever it is used
        if any(set(field) & set(".[") or "{" in spec for field, spec in fields):
            raise Unproved("a template")

    def _function_as_value(self, node: ast.expr, name: str, *, lazy: bool = False) -> None:
        """A function, method or class where it is read: called, handed to what calls it, or else a value with an address.

        Args:
            node: Where it is read.
            name: What it is called.
            lazy: Whether it makes iterators.
        """
        if self._places.is_called(node):
            if lazy:
                self._lazy(self._parent[node])
            self._addressed |= name == "groupby"  # whose groups are iterators too
        elif lazy or not self._places.is_handed(node):
            self._addressed |= lazy or name not in _CLASSES or name in self._bound

    def _names_known_encodings(self, node: ast.Attribute) -> bool:
        call = self._parent[node]
        return (
            isinstance(call, ast.Call)
            and call.func is node
            and not call.keywords
            and all(isinstance(one, ast.Constant) and one.value in ENCODINGS for one in call.args)
        )

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if not isinstance(self._parent[node], ast.Module):
            raise Unproved("an import in a function")

    def _annotated(self, node: ast.arg | ast.AnnAssign) -> None:
        self._annotation(node.annotation, node)

    def _annotation(self, annotation: ast.expr | None, node: ast.AST) -> None:
        """An annotation, which is evaluated where it stands: a type's name, and what is in its brackets."""
        parts = [] if annotation is None else list(ast.walk(annotation))
        if not all(isinstance(part, _ANNOTATIONS) for part in parts):
            raise Unproved("an annotation")
        typed = any(isinstance(part, ast.Name) and self._imported.get(part.id, ("",))[0] == "typing" for part in parts)
        if typed and not isinstance(self._parent[self._function_of(node)], ast.Module):
            raise Unproved("a type within a function")  # `typing` remembers those that it has seen

    def _function_of(self, node: ast.AST) -> ast.AST:
        """The function whose signature a node is part of, or the node itself."""
        above = node
        while not isinstance(above, ast.stmt):
            above = self._parent[above]
        return above

    def _lazy(self, node: ast.AST) -> None:
        """An iterator where it is made: read at once, or else a value with an address."""
        self._addressed |= not self._places.is_consumed(node)

    def _lambda(self, node: ast.Lambda) -> None:
        above = self._parent[node]
        kept = isinstance(above, ast.Assign) and all(isinstance(target, ast.Name) for target in above.targets)
        self._addressed |= not (kept or self._places.is_called(node) or self._places.is_handed(node))

    def _function(self, node: ast.FunctionDef) -> None:
        if node.decorator_list or getattr(node, "type_params", None):
            raise Unproved("a decorator")
        self._annotation(node.returns, node)

    def _arguments(self, node: ast.arguments) -> None:
        defaults = [default for default in (*node.defaults, *node.kw_defaults) if default is not None]
        self._changes_nothing &= all(map(is_constant, defaults))

    def _operation(self, node: ast.BinOp | ast.AugAssign) -> None:
        left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
        if isinstance(node.op, ast.Div):
            self._floats = True
        elif isinstance(node.op, ast.Pow):
            self._floats |= not (isinstance(right, ast.Constant) and isinstance(right.value, int))
        elif isinstance(node.op, ast.Mod):
            self._showing |= not _is_number(left) and not _is_number(right)

    def _constant(self, node: ast.Constant) -> None:
        self._floats |= isinstance(node.value, float | complex)

    def _shown(self, node: ast.FormattedValue) -> None:
        self._showing = True

    def _handler(self, node: ast.ExceptHandler) -> None:
        names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        if not all(isinstance(one, ast.Name) and one.id in CATCHABLE and one.id not in self._bound for one in names):
            raise Unproved("a handler that catches too much")

    def _try(self, node: ast.Try) -> None:
        if node.finalbody:
            raise Unproved("finally")

    def _compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for op, left, right in zip(node.ops, sides, sides[1:], strict=False):
            if isinstance(op, ast.Is | ast.IsNot) and not (_is_single(left) or _is_single(right)):
                raise Unproved("identity")

    def _global(self, node: ast.Global) -> None:
        self._changes_nothing = False

    def _says_nothing(self, node: ast.AST) -> None:
        """For nodes that are let in wherever they stand."""


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_single(node: ast.AST) -> bool:
    """Whether a node is None, True, False or `...`, of which there is one each."""
    return isinstance(node, ast.Constant) and (node.value is None or node.value is ... or isinstance(node.value, bool))


_LOOKS: dict[type[ast.AST], Callable[[Reader, Any], None]] = {
    **dict.fromkeys(
        (
            *(ast.Module, ast.Return, ast.Delete, ast.Assign, ast.For, ast.While, ast.If, ast.Raise, ast.Assert),
            *(ast.alias, ast.Nonlocal, ast.Expr, ast.Pass, ast.Break, ast.Continue),
            *(ast.BoolOp, ast.NamedExpr, ast.UnaryOp, ast.IfExp, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp),
            *(ast.Call, ast.JoinedStr, ast.Subscript, ast.Starred, ast.List, ast.Tuple, ast.Slice, ast.comprehension),
            *(ast.keyword, ast.Load, ast.Store, ast.Del),
            *(kind for base in (ast.boolop, ast.operator, ast.unaryop, ast.cmpop) for kind in base.__subclasses__()),
        ),
        Reader._says_nothing,
    ),
    ast.Import: Reader._import,
    ast.ImportFrom: Reader._import,
    ast.arg: Reader._annotated,
    ast.AnnAssign: Reader._annotated,
    ast.Name: Reader._name,
    ast.Attribute: Reader._attribute,
    ast.FunctionDef: Reader._function,
    ast.Lambda: Reader._lambda,
    ast.arguments: Reader._arguments,
    ast.BinOp: Reader._operation,
    ast.AugAssign: Reader._operation,
    ast.Constant: Reader._constant,
    ast.FormattedValue: Reader._shown,
    ast.GeneratorExp: Reader._lazy,
    ast.ExceptHandler: Reader._handler,
    ast.Try: Reader._try,
    ast.Compare: Reader._compare,
    ast.Global: Reader._global,
}
"""What looks at each kind of node; others are not let in."""
