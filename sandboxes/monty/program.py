"""A program as a syntax tree, without the parts that never show in a value: annotations, docstrings, messages, printing.

Taking these away is safe only where CPython cannot raise while it evaluates them, which is checked here.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ..protocol.syntax import UNPARSABLE, compile_quietly, parse_quietly

MAX_CHARS = 4_000
MAX_NODES = 1_500
"""Longer programs are rare, and reading them takes the time of the trainer, not of a worker."""

_MAX_INT_BITS = 4_096  # longer ones cannot always be written as text again
_CLASSES = frozenset("int str float bool list tuple dict set frozenset bytes object range".split())
_GENERIC_CLASSES = frozenset("list tuple dict set frozenset".split())
_GENERICS = {"List": 1, "Sequence": 1, "Iterable": 1, "Set": 1, "Optional": 1, "Dict": 2, "Mapping": 2, "Tuple": 0, "Union": 0}
"""Names of `typing` that annotations may subscript, and with how many types; 0 is any number."""
_MESSAGE_NODES = (ast.Name, ast.Call, ast.Attribute, ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.Subscript)
"""Nodes that the message of a `raise` or an `assert` may be made of: nothing that binds a name or makes a generator."""


class Refused(Exception):
    """Raised for a program that the fast engine must not answer; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Program:
    """A stripped syntax tree, and questions that no node answers alone."""

    tree: ast.Module
    nodes: list[ast.AST]
    """All of them, each after its parent."""
    parent: dict[ast.AST, ast.AST]

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        """The innermost function around a node; None at module level."""
        above = self.parent.get(node)
        while above is not None and not isinstance(above, ast.FunctionDef):
            above = self.parent.get(above)
        return above

    def set_names(self) -> set[str]:
        """The variables that hold a set somewhere."""
        sets: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Assign) and makes_set(node.value):
                sets |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return sets

    def makes_floats(self) -> bool:
        """Whether the program can make floats of whole numbers."""
        for node in self.nodes:
            match node:
                case ast.Div() | ast.Constant(value=float()) | ast.Name(id="float" | "math"):
                    return True
                case ast.BinOp(op=ast.Pow(), right=exponent) | ast.AugAssign(op=ast.Pow(), value=exponent):
                    if not (isinstance(exponent, ast.Constant) and isinstance(exponent.value, int)):
                        return True
                case _:
                    pass
        return False


def is_name(node: ast.AST, name: str) -> bool:
    """Whether a node is this very name."""
    return isinstance(node, ast.Name) and node.id == name


def makes_set(node: ast.AST) -> bool:
    """Whether an expression is certain to make a set."""
    match node:
        case ast.Set() | ast.SetComp() | ast.Call(func=ast.Name(id="set" | "__set")):
            return True
        case ast.BinOp(left=left, right=right, op=ast.BitAnd() | ast.BitOr() | ast.Sub() | ast.BitXor()):
            return makes_set(left) and makes_set(right)
        case _:
            return False


def read_program(text: str) -> Program:
    """The stripped program that a text spells.

    Raises:
        Refused: It is long, does not compile, or holds something that cannot be taken away.
    """
    if len(text) > MAX_CHARS:
        raise Refused("longer than the gate reads")
    try:
        tree = cast("ast.Module", parse_quietly(text))
        compile_quietly(tree)
    except UNPARSABLE as error:
        raise Refused(type(error).__name__) from None
    tree.body = _Strip(tree).block(tree.body)
    nodes: list[ast.AST] = [tree]
    parent: dict[ast.AST, ast.AST] = {}
    for node in nodes:  # grows while it is read
        for child in ast.iter_child_nodes(node):
            parent[child] = node
            nodes.append(child)
            if isinstance(child, ast.Constant) and type(child.value) is int and child.value.bit_length() > _MAX_INT_BITS:
                raise Refused("a long number")
        if len(nodes) > MAX_NODES:
            raise Refused("longer than the gate reads")
    return Program(tree, nodes, parent)


class _Strip:
    """Takes things away, statement by statement."""

    def __init__(self, tree: ast.Module) -> None:
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "typing"]
        self._typing = {alias.name for node in imports for alias in node.names if alias.asname is None}
        if self._typing:
            self._typing -= {
                node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            self._typing -= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of one block, stripped."""
        return [self._statement(statement) for statement in body]

    def _statement(self, node: ast.stmt) -> ast.stmt:
        match node:
            case ast.FunctionDef():
                self._signature(node)
                node.body = self.block(node.body)
            case ast.For() | ast.While() | ast.If():
                node.body, node.orelse = self.block(node.body), self.block(node.orelse)
            case ast.AnnAssign(target=ast.Name() as target, annotation=annotation, value=ast.expr() as value):
                self._need_harmless(annotation)
                return ast.Assign(targets=[target], value=value, lineno=node.lineno)
            case ast.ImportFrom(module="typing", names=names, level=0):
                if not all(alias.name in _GENERICS or alias.name == "Any" for alias in names):
                    raise Refused("import from typing")
                return ast.Pass()
            case ast.Raise(exc=error, cause=None):
                self._need_message(error)
                return ast.Raise(exc=None, cause=None)  # whatever is raised, CPython decides
            case ast.Assert(msg=message):
                self._need_message(message)
                node.msg = None
            case ast.Expr(value=ast.Constant()):
                return ast.Pass()
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args, keywords=[])):
                texts = [ast.Call(func=ast.Name(id="str", ctx=ast.Load()), args=[arg], keywords=[]) for arg in args]
                node.value = ast.Tuple(elts=list(texts), ctx=ast.Load())
            case ast.Delete(targets=[ast.Subscript(value=container, slice=place)]) if not isinstance(place, ast.Slice):
                pop = ast.Attribute(value=container, attr="pop", ctx=ast.Load())  # the same for lists and dicts, and no others
                return ast.Expr(value=ast.Call(func=pop, args=[place], keywords=[]))
            case _:
                pass
        return node

    def _signature(self, node: ast.FunctionDef) -> None:
        """Takes away annotations, which are evaluated when the function is defined."""
        arguments = node.args
        extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]:
            self._need_harmless(argument.annotation)
            argument.annotation = None
        self._need_harmless(node.returns)
        node.returns = None

    def _need_message(self, node: ast.expr | None) -> None:
        parts = [] if node is None else ast.walk(node)
        if not all(isinstance(part, (*_MESSAGE_NODES, ast.expr_context, ast.operator, ast.keyword)) for part in parts):
            raise Refused("a message")

    def _need_harmless(self, node: ast.expr | None) -> None:
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node is not None and not text and not self._harmless(node):
            raise Refused("an annotation")

    def _harmless(self, node: ast.expr) -> bool:
        """Whether evaluating an annotation can neither raise nor do anything."""
        match node:
            case ast.Constant(value=None):
                return True
            case ast.Name(id=name):
                return name in _CLASSES or name in self._typing
            case ast.Subscript(value=ast.Name(id=name), slice=inner):
                parts: Sequence[ast.expr] = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if name in ("tuple", "Tuple") and len(parts) == 2 and _is_ellipsis(parts[1]):
                    parts = parts[:1]
                known = name in _GENERIC_CLASSES or (name in self._typing and _GENERICS.get(name) in (0, len(parts)))
                return known and bool(parts) and all(map(self._harmless, parts))
            case ast.BinOp(left=ast.Name() | ast.Subscript() as left, op=ast.BitOr(), right=right):
                return self._harmless(left) and self._harmless(right)
            case _:
                return False


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
