"""The text that the fast engine runs for a program: stripped of what never shows, and guarded where values could differ.

The guards raise, and a call that raises is answered by CPython instead. They keep out what the engine gets wrong or
nobody can see in the source: infinities and NaN, dict keys that are equal but not the same (`1`, `True`, `1.0`), `round`
to digits, characters beyond ASCII, text longer than `int` reads, and results that are not plain data.
"""

from __future__ import annotations

import ast
import sys
from typing import cast


class Refused(Exception):
    """Raised for a program that the fast engine must not answer; the message is the reason."""


_CLASSES = frozenset("int str float bool list tuple dict set frozenset bytes object".split())
_GENERIC_CLASSES = frozenset("list tuple dict set frozenset".split())
_GENERICS = {"List": 1, "Sequence": 1, "Iterable": 1, "Set": 1, "Optional": 1, "Dict": 2, "Mapping": 2, "Tuple": 0, "Union": 0}
"""Names of `typing` that annotations may subscript, and with how many types; 0 is any number."""

PRELUDE = {
    "plain": """
def __plain(value):
    kind = type(value)
    if kind is list or kind is tuple:
        for item in value:
            __plain(item)
    elif kind is dict:
        for key, item in value.items():
            __plain(key)
            __plain(item)
    elif not (kind is int or kind is str or kind is bool or kind is float or value is None):
        raise TypeError
    return value
""",
    "key": """
def __key(key):
    kind = type(key)
    if kind is tuple:
        for item in key:
            __key(item)
    elif not (kind is int or kind is str or key is None):
        raise TypeError
    return key
""",
    "dict": """
def __dict(pairs=()):
    if type(pairs) is dict:
        return pairs.copy()
    made = {}
    for key, value in pairs:
        made[__key(key)] = value
    return made
""",
    "finite": """
def __finite(value):
    kind = type(value)
    if kind is float:
        if value - value != 0:
            raise OverflowError
    elif not (kind is int or kind is str or kind is list or kind is tuple or kind is bool):
        raise TypeError
    return value
""",
    "float": """
def __float(value):
    return __finite(float(value))
""",
    "sum": """
def __sum(values, start=0):
    return __finite(sum(values, start))
""",
    "int": """
def __int(value=0, *base):
    if type(value) is str and len(value) > 4300:
        raise ValueError
    return int(value, *base)
""",
    "str": """
def __str(value=''):
    return str(__plain(value))
""",
    "repr": """
def __repr(value):
    return repr(__plain(value))
""",
    "chr": """
def __chr(code):
    if code > 126 or code == 37:
        raise ValueError
    return chr(code)
""",
    "round": """
def __round(number, digits=None):
    if digits is None:
        return round(number)
    if type(number) is float:
        if type(digits) is not int or not 0 <= digits <= 20:
            raise ValueError
        return float(f'{number:.{digits}f}')
    return round(number, digits)
""",
}
"""Definitions that stand before a program that needs them; later ones use earlier ones."""
_NEEDS = {"dict": ("key",), "float": ("finite",), "sum": ("finite",), "str": ("plain",), "repr": ("plain",)}
_RENAMED = frozenset("int float str repr chr round".split())

_FRAME = """
def __program(__positional, __keywords):
    return {entry_point}(*__positional, **__keywords)
"""
_HARNESS = """
def __answer(__positional, __keywords):
    try:
        return (__plain(__program(__positional, __keywords)),)
    except BaseException:
        return None
[__answer(__positional, __keywords) for __positional, __keywords in __calls]
"""


def strip(tree: ast.Module) -> ast.Module:
    """The tree without annotations, docstrings, imports of `typing`, printing, and what a `raise` would say.

    Raises:
        Refused: One of them might itself raise, or is not known to be free of effects.
    """
    return cast(ast.Module, _Strip(tree).visit(tree))


def makes_floats(tree: ast.Module) -> bool:
    """Whether a program can make floats of whole numbers."""
    for node in ast.walk(tree):
        match node:
            case ast.Div() | ast.Constant(value=float()) | ast.Name(id="float" | "math"):
                return True
            case ast.BinOp(op=ast.Pow(), right=exponent) | ast.AugAssign(op=ast.Pow(), value=exponent):
                if not (isinstance(exponent, ast.Constant) and isinstance(exponent.value, int)):
                    return True
            case _:
                pass
    return False


def engine_source(tree: ast.Module, entry_point: str, floats: bool) -> str | None:
    """The text to run with the calls in `__calls`; its value is a list with a 1-tuple, or None, for each call.

    The program's body is run anew for each call, inside a function, so nothing of one call is there in the next.

    Args:
        tree: The stripped program; it is changed.
        entry_point: The function to call.
        floats: Whether floats can occur, which costs a guard on each operation.

    Returns:
        None where this Python adds up floats in another way than the engine.
    """
    guard = _Guard(floats)
    frame = ast.parse(_FRAME.format(entry_point=entry_point))
    outer = cast(ast.FunctionDef, frame.body[0])
    imports = [node for node in tree.body if isinstance(node, ast.Import)]
    body = [node for node in tree.body if not isinstance(node, ast.Import)]
    outer.body[:0] = cast(ast.Module, guard.visit(ast.Module(body=list(body), type_ignores=[]))).body
    if floats and "sum" in guard.used and sys.version_info >= (3, 12):
        return None
    needed = {"plain", *guard.used, *(more for name in guard.used for more in _NEEDS.get(name, ()))}
    prelude = "".join(text for name, text in PRELUDE.items() if name in needed)
    return ("import math" if imports else "") + prelude + ast.unparse(ast.fix_missing_locations(frame)) + _HARNESS


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=list(arguments), keywords=[])


class _Strip(ast.NodeTransformer):
    """Takes away what shows in no value, once it is sure that CPython would not have raised there."""

    def __init__(self, tree: ast.Module) -> None:
        self._typing: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "typing" and not node.level:
                self._typing |= {alias.name for alias in node.names if alias.asname is None}
        stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self._typing -= stored | defined

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """Imports for annotations only."""
        names = {alias.name for alias in node.names}
        if node.level or node.module != "typing" or not names <= {*_GENERICS, "Any"} or any(alias.asname for alias in node.names):
            raise Refused(f"import from {node.module}")
        return ast.Pass()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Annotations are evaluated when a function is defined."""
        if node.decorator_list:
            raise Refused("a decorator")
        arguments = node.args
        extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
        for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]:
            self._need_harmless(argument.annotation)
            argument.annotation = None
        self._need_harmless(node.returns)
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """A plain assignment."""
        self._need_harmless(node.annotation)
        if node.value is None or not isinstance(node.target, ast.Name):
            raise Refused("an annotation")
        return self.generic_visit(ast.Assign(targets=[node.target], value=node.value, lineno=0))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Whatever is raised, CPython decides."""
        return ast.Raise(exc=ast.Constant(value=None), cause=None)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """The message is only read when the assertion fails, and then CPython decides."""
        node.msg = None
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Docstrings go; printing is making text of the arguments, for nobody to see."""
        match node.value:
            case ast.Constant():
                return ast.Pass()
            case ast.Call(func=ast.Name(id="print"), args=args, keywords=[]):
                node.value = ast.Tuple(elts=[_call("str", argument) for argument in args], ctx=ast.Load())
            case _:
                pass
        return self.generic_visit(node)

    def _need_harmless(self, node: ast.expr | None) -> None:
        if node is not None and not (isinstance(node, ast.Constant) and isinstance(node.value, str) or self._harmless(node)):
            raise Refused("an annotation")

    def _harmless(self, node: ast.expr) -> bool:
        """Whether evaluating an annotation can neither raise nor do anything."""
        match node:
            case ast.Constant(value=None):
                return True
            case ast.Name(id=name):
                return name in _CLASSES or name in self._typing
            case ast.Subscript(value=ast.Name(id=name), slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if name == "tuple" or (name == "Tuple" and name in self._typing):
                    parts = parts[:1] if len(parts) == 2 and ast.unparse(parts[1]) == "..." else parts
                elif name not in _GENERIC_CLASSES and not (name in self._typing and _GENERICS.get(name) in (0, len(parts))):
                    return False
                return bool(parts) and all(map(self._harmless, parts))
            case ast.BinOp(left=ast.Name() | ast.Subscript() as left, op=ast.BitOr(), right=right):
                return self._harmless(left) and self._harmless(right)
            case _:
                return False


class _Guard(ast.NodeTransformer):
    """Puts the guards of `PRELUDE` where a value decides whether the engine may answer."""

    def __init__(self, floats: bool) -> None:
        self.used: set[str] = set()
        self._floats = floats

    def _guarded(self, name: str, node: ast.expr) -> ast.expr:
        self.used.add(name)
        return _call(f"__{name}", node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Builtins that have a guarded version."""
        if node.id in _RENAMED or (node.id == "sum" and self._floats):
            self.used.add(node.id)
            return ast.Name(id=f"__{node.id}", ctx=ast.Load())
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Calls that write keys, and those whose result may be infinite."""
        match node.func:
            case ast.Name(id="isinstance"):
                return ast.Call(func=node.func, args=[self.visit(node.args[0]), node.args[1]], keywords=[])
            case ast.Name(id="dict") if node.args:
                node.func = ast.Name(id="__dict", ctx=ast.Load())
                self.used.add("dict")
            case ast.Attribute(attr="update"):
                node.args = [self._guarded("dict", node.args[0])]
            case ast.Attribute(attr="setdefault"):
                node.args[0] = self._key(node.args[0])
            case ast.Attribute(value=ast.Name(id="math")):
                return self._guarded("finite", cast(ast.expr, self.generic_visit(node)))
            case _:
                pass
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """A place that is written to."""
        if isinstance(node.ctx, ast.Store):
            node.slice = self._key(node.slice)
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        """A dict display."""
        node.keys = [key if key is None else self._key(key) for key in node.keys]
        return self.generic_visit(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        """A dict comprehension."""
        node.key = self._key(node.key)
        return self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """An operation that may overflow."""
        self.generic_visit(node)
        return self._guarded("finite", node) if self._floats else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.AST]:
        """The same, in place: looked at afterwards."""
        place = ast.unparse(node.target)
        self.generic_visit(node)
        if not self._floats:
            return node
        return [node, ast.Expr(value=self._guarded("finite", ast.parse(place, mode="eval").body))]

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """A value shown in text."""
        node.value = self._guarded("plain", node.value)
        return self.generic_visit(node)

    def _key(self, node: ast.expr) -> ast.expr:
        known = isinstance(node, (ast.Slice, ast.JoinedStr)) or (isinstance(node, ast.Constant) and type(node.value) in (int, str))
        return node if known else self._guarded("key", node)
