"""The text that the engine runs for a program: guarded where only a value tells whether the engine may answer.

A guard raises, and a call that raises is answered by CPython. Guards keep out what the engine does otherwise than CPython:
keys that are equal but not the same (`1`, `True`, `1.0`), NaN in containers, rounding to digits, characters whose case
depends on the version of Unicode, text longer than `int` reads, text of endless depth, and results that are not plain data.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Sequence
from typing import Any, cast

from .effects import counts_itself
from .prelude import HARNESS, prelude
from .program import Program, Refused, is_name, makes_set

_RENAMED = frozenset("int float str repr chr round set".split())
_FRAME = """
def __program(__positional, __keywords):
    return {entry_point}(*__positional, **__keywords)
"""


def guarded_text(program: Program, entry_point: str, floats: bool) -> str | None:
    """The text to run with the calls in `__calls`; its value is a list with a 1-tuple, or None, for each call.

    The program's body runs anew for each call, inside a function, so nothing of one call is there in the next.

    Args:
        program: A program inside the gate; its tree is changed.
        entry_point: The function to call.
        floats: Whether floats can occur, which costs a guard on each operation.

    Returns:
        None where this Python adds up floats in another way than the engine.

    Raises:
        Refused: The program cannot be written as text again.
    """
    guard = _Guard(program, floats)
    for node in reversed(program.nodes):  # what is inside comes first
        if type(node) in _PLACES:
            _PLACES[type(node)](guard, node)
    if floats and "sum" in guard.used and sys.version_info >= (3, 12):
        return None
    frame = ast.parse(_FRAME.format(entry_point=entry_point))
    body = program.tree.body
    cast(ast.FunctionDef, frame.body[0]).body[:0] = [node for node in body if not isinstance(node, ast.Import)]
    imports = "import math" if any(isinstance(node, ast.Import) for node in body) else ""
    text = _spell(frame, check=any(isinstance(node, ast.JoinedStr) for node in program.nodes))
    return imports + prelude(guard.used) + text + HARNESS


def _spell(tree: ast.Module, check: bool) -> str:
    """The text of a tree.

    Args:
        tree: What to write.
        check: Whether to read it back: not every nesting of quotes in an f-string can be written by Python 3.11.

    Raises:
        Refused: It cannot be written.
    """
    try:
        text = ast.unparse(tree)
        if check and ast.dump(ast.parse(text)) != ast.dump(tree):
            raise Refused("an f-string")
    except (ValueError, RecursionError) as error:
        raise Refused(type(error).__name__) from None
    return text


class _Guard:
    """Puts the guards where they belong, and writes `enumerate` out."""

    def __init__(self, program: Program, floats: bool) -> None:
        self.used: set[str] = set()
        """Names of the guards that the program needs."""
        self._program = program
        self._floats = floats
        self._sets = program.set_names()
        self._loops = 0

    def name(self, node: ast.Name) -> None:
        """Builtins that have a guarded version."""
        if node.id not in _RENAMED and not (node.id == "sum" and self._floats):
            return
        above = self._program.parent[node]
        test = self._program.parent[above] if isinstance(above, ast.Tuple) else above
        if isinstance(test, ast.Call) and is_name(test.func, "isinstance") and test.args[0] is not node:
            return  # a type, not a function
        self.used.add(node.id)
        node.id = f"__{node.id}"

    def call(self, node: ast.Call) -> None:
        """Calls that write keys, that read a set in order, and whose result may be NaN."""
        match node.func:
            case ast.Name(id="dict") if node.args:
                node.func = _load("__dict")
                self.used.add("dict")
            case ast.Name(id="list" | "tuple" | "sorted" | "sum" | "__sum" | "max" | "min"):
                node.args = [self._wrapped("scalars", a) if self._is_set(a) else a for a in node.args]
            case ast.Name(id="enumerate") if node.args[1:] and not _is_small(node.args[1]):
                node.args[1] = self._wrapped("start", node.args[1])
            case ast.Attribute(attr="update"):
                node.args = [self._wrapped("dict", node.args[0])]
            case ast.Attribute(attr="setdefault" | "add"):
                node.args[0] = self._key(node.args[0])
            case ast.Attribute(attr="splitlines"):
                node.args = [self._wrapped("flag", argument) for argument in node.args]
            case ast.Attribute(value=ast.Name(id="math")):
                self._replace(node, self._wrapped("number", node))
            case _:
                pass

    def keyword(self, node: ast.keyword) -> None:
        """The direction of sorting, and where counting starts."""
        if node.arg == "reverse" and not (isinstance(node.value, ast.Constant) and type(node.value.value) is bool):
            node.value = self._wrapped("flag", node.value)
        elif node.arg == "start" and not _is_small(node.value):
            node.value = self._wrapped("start", node.value)

    def place(self, node: ast.Subscript) -> None:
        """A place that is written to."""
        if isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Slice):
            node.value = self._wrapped("list", node.value)
        elif isinstance(node.ctx, ast.Store):
            node.slice = self._key(node.slice)

    def dictionary(self, node: ast.Dict) -> None:
        """A dict display."""
        node.keys = [key if key is None else self._key(key) for key in node.keys]

    def dict_comprehension(self, node: ast.DictComp) -> None:
        """A dict comprehension."""
        node.key = self._key(node.key)

    def set_display(self, node: ast.Set) -> None:
        """A set display."""
        node.elts = [self._key(item) for item in node.elts]

    def set_comprehension(self, node: ast.SetComp) -> None:
        """A set comprehension."""
        node.elt = self._key(node.elt)

    def shown(self, node: ast.FormattedValue) -> None:
        """A value shown in text."""
        node.value = self._wrapped("scalar" if node.format_spec is not None else "shown", node.value)

    def operation(self, node: ast.BinOp) -> None:
        """An operation whose result may be NaN, or that repeats nothing too often."""
        new: ast.expr = node
        if isinstance(node.op, ast.Mult) and not (_is_small(node.left) or _is_small(node.right)):
            self.used.add("times")
            new = ast.Call(func=_load("__times"), args=[node.left, node.right], keywords=[])
        if self._floats:
            new = self._wrapped("number", new)
        if new is not node:
            self._replace(node, new)

    def change(self, node: ast.AugAssign) -> None:
        """The same in place, which is not in place in the engine for lists; NaN is looked for afterwards."""
        place = ast.parse(ast.unparse(node.target), mode="eval").body
        if isinstance(node.op, ast.Mult):
            self.used.add("scale")
            node.value = ast.Call(func=_load("__scale"), args=[place, node.value], keywords=[])
        if self._floats:
            self._insert(node, 1, [ast.Expr(value=self._wrapped("number", place))])

    def loop(self, node: ast.For) -> None:
        """A loop over `enumerate`, written out so that it reads one item at a time, as CPython does."""
        match node.iter:
            case ast.Call(func=ast.Name(id="enumerate"), args=[items, *_]) as call if counts_itself(call):
                self._loops += 1
                index, item = f"__index{self._loops}", f"__item{self._loops}"
                start = [*call.args[1:], *(keyword.value for keyword in call.keywords)]
                first = cast(int, cast(ast.Constant, start[0]).value) if start else 0
                before = ast.parse(f"{index} = {first - 1}").body
                inside = ast.parse(f"{index} += 1\n_ = ({index}, {item})").body
                cast(ast.Assign, inside[1]).targets = [node.target]
                self._insert(node, 0, before)
                node.iter, node.target, node.body = items, ast.Name(id=item, ctx=ast.Store()), [*inside, *node.body]
            case _:
                pass

    def _is_set(self, node: ast.expr) -> bool:
        return makes_set(node) or (isinstance(node, ast.Name) and node.id in self._sets)

    def _key(self, node: ast.expr) -> ast.expr:
        known = isinstance(node, (ast.Slice, ast.JoinedStr)) or (
            isinstance(node, ast.Constant) and type(node.value) in (int, str)
        )
        return node if known else self._wrapped("key", node)

    def _wrapped(self, name: str, node: ast.expr) -> ast.expr:
        self.used.add(name)
        return ast.Call(func=_load(f"__{name}"), args=[node], keywords=[])

    def _replace(self, node: ast.expr, new: ast.expr) -> None:
        """Puts another node where one stands."""
        above = self._program.parent[node]
        for field, value in ast.iter_fields(above):
            if value is node:
                setattr(above, field, new)
            elif isinstance(value, list) and any(part is node for part in value):
                setattr(above, field, [new if part is node else part for part in value])

    def _insert(self, node: ast.stmt, offset: int, statements: Sequence[ast.stmt]) -> None:
        """Puts statements before or after another one."""
        for _, value in ast.iter_fields(self._program.parent[node]):
            if isinstance(value, list):
                for index, part in enumerate(value):
                    if part is node:
                        value[index + offset : index + offset] = statements
                        return


def _is_small(node: ast.expr) -> bool:
    """Whether an expression is a number that fits into a machine word with room to spare."""
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and abs(node.value) < 1 << 62


def _load(name: str) -> ast.Name:
    return ast.Name(id=name, ctx=ast.Load())


_PLACES: dict[type[ast.AST], Callable[[_Guard, Any], None]] = {
    ast.Name: _Guard.name,
    ast.Call: _Guard.call,
    ast.keyword: _Guard.keyword,
    ast.Subscript: _Guard.place,
    ast.Dict: _Guard.dictionary,
    ast.DictComp: _Guard.dict_comprehension,
    ast.Set: _Guard.set_display,
    ast.SetComp: _Guard.set_comprehension,
    ast.FormattedValue: _Guard.shown,
    ast.BinOp: _Guard.operation,
    ast.AugAssign: _Guard.change,
    ast.For: _Guard.loop,
}
