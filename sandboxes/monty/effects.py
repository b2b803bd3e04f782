"""The order of effects, and where it could show: the engine makes lists where CPython has lazy iterators.

`map`, `filter`, `zip`, `reversed`, `enumerate` in comprehensions, and generator expressions are lists in the engine. Read at
once, where they stand, they come to the same as long as nothing happens between two items. So expressions that run many
times must have no effects, and the body of a loop over a lazy value must not change what is being read. Also, a dict must
not be both filled and emptied while it is read. What cannot be proved distinct is taken to be the same object.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from .program import Program, Refused
from .subset import ADDING, MAKING_FUNCTIONS, MAKING_METHODS, REMOVING, SCALAR_FUNCTIONS

_EXPRESSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)

Kinds = dict[str, set[str]]
"""How each name of a function is bound: `given` as an argument, `made` by the statement that binds it, or `other`."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A place that may change an object."""

    node: ast.AST
    what: ast.expr | None
    """The object; None is any."""
    takes: bool
    """Whether keys may go."""
    adds: bool


def check_effects(program: Program) -> None:
    """Looks at every loop and every expression that runs many times.

    Raises:
        Refused: One of them might change what a lazy value, or a dict, is being read from.
    """
    _Effects(program).check()


def counts_itself(node: ast.Call) -> bool:
    """Whether an `enumerate` in the head of a loop is one that `guard` writes out, which makes it as lazy as CPython's."""
    start = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
    return all(isinstance(value, ast.Constant) and type(value.value) is int for value in start)


class _Effects:
    """The changes that a program makes, and their places."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._parent = program.parent
        self._changes = list(_changes(program))
        self._impure: set[str] = set()
        """Functions that may change an object that was there before they were called."""
        functions = {node.name for node in program.nodes if isinstance(node, ast.FunctionDef)} if self._changes else set[str]()
        self._uses = [
            node
            for node in (program.nodes if functions else ())
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in functions
        ]

    def check(self) -> None:
        self._find_impure()
        inside: dict[ast.For, list[_Change]] = {}
        for change in [*self._changes, *self._calls()]:
            below, above = change.node, self._parent.get(change.node)
            while above is not None and not isinstance(above, ast.FunctionDef):
                if isinstance(above, _EXPRESSIONS):
                    raise Refused("an effect in an expression")
                if isinstance(above, ast.For) and any(below is statement for statement in above.body):
                    inside.setdefault(above, []).append(change)
                below, above = above, self._parent.get(above)
        for node in self._program.nodes:
            if isinstance(node, ast.For):
                self._check_loop(node, inside.get(node, []))

    def _find_impure(self) -> None:
        for change in self._changes:
            function = self._program.function(change.node)
            if function is not None and not self._is_made_here(change.what, function):
                self._impure.add(function.name)
        users = [(use.id, function.name) for use in self._uses if (function := self._program.function(use)) is not None]
        while callers := {user for used, user in users if used in self._impure and user not in self._impure}:
            self._impure |= callers

    def _calls(self) -> Iterator[_Change]:
        """The places where a function that may change something is called; it must not be handed on."""
        for node in self._uses:
            if node.id in self._impure:
                above = self._parent[node]
                if not (isinstance(above, ast.Call) and above.func is node):
                    raise Refused("an effect in an expression")
                yield _Change(node, None, takes=True, adds=True)

    def _check_loop(self, loop: ast.For, changes: Sequence[_Change]) -> None:
        sources, lazy = self._sources(loop.iter, outermost=True)
        function = self._program.function(loop)
        shared = [change for change in changes if function is None or not self._distinct(change.what, sources, function)]
        if not lazy:
            # a list read in place is the same in both; a dict is not, where its size does not show the change
            refused = any(change.takes for change in shared) and any(change.adds for change in shared)
        else:
            refused = bool(shared) or (lazy == "calls" and bool(changes))
        if refused:
            raise Refused("a loop that may change what it reads")

    def _distinct(self, what: ast.expr | None, sources: Sequence[ast.expr], function: ast.FunctionDef) -> bool:
        """Whether a changed object is provably none of those that are read: made here, and they made apart or before."""
        kinds = self._kinds.get(function, {})
        return not sources or (
            isinstance(what, ast.Name)
            and self._is_made_here(what, function)
            and all(
                isinstance(source, ast.Name) and source.id != what.id and kinds.get(source.id, {"other"}) <= {"given", "made"}
                for source in sources
            )
        )

    def _is_made_here(self, node: ast.expr | None, function: ast.FunctionDef) -> bool:
        """Whether an object is held by a name that only ever holds what this very function made."""
        return isinstance(node, ast.Name) and self._kinds.get(function, {}).get(node.id) == {"made"}

    def _sources(self, node: ast.expr, outermost: bool = False) -> tuple[list[ast.expr], str]:
        """The objects that a loop goes on reading while it runs, and how: in place (``), `later`, or by `calls` too."""
        match node:
            case ast.Call(func=ast.Name(id="enumerate" | "zip" | "reversed" as name), args=args):
                inner = [self._sources(argument) for argument in args]
                if outermost and name == "enumerate" and counts_itself(node):
                    return inner[0]
                calls = any(lazy == "calls" for _, lazy in inner)
                return [source for sources, _ in inner for source in sources], "calls" if calls else "later"
            case ast.Call(func=ast.Name(id="map" | "filter"), args=[function, *args]):
                inner = [self._sources(argument) for argument in args]
                scalar = isinstance(function, ast.Name) and function.id in SCALAR_FUNCTIONS
                if not scalar and not self._is_closed(function):
                    raise Refused("a loop over calls")
                calls = not scalar or any(lazy == "calls" for _, lazy in inner)
                return [source for sources, _ in inner for source in sources], "calls" if calls else "later"
            case ast.GeneratorExp(generators=[ast.comprehension(iter=iterable)]) if self._is_closed(node):
                return self._sources(iterable)[0], "calls"
            case ast.GeneratorExp():
                raise Refused("a loop over calls")
            case ast.Call(func=ast.Attribute(value=container, attr="items" | "keys" | "values"), args=[]):
                return [container], ""
            case _:
                return ([] if _makes(node) else [node]), ""

    def _is_closed(self, node: ast.expr) -> bool:
        """Whether what is called for each item reads nothing but that item, and constants."""
        match node:
            case ast.Lambda(args=arguments, body=body):
                bound, parts = {argument.arg for argument in arguments.args}, [body]
            case ast.GeneratorExp(elt=elt, generators=[ast.comprehension(target=target, ifs=ifs)]):
                bound, parts = {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}, [elt, *ifs]
            case ast.Constant() | ast.Name():
                bound, parts = set[str](), [node]
            case _:
                return False
        bound |= {statement.name for statement in self._program.tree.body if isinstance(statement, ast.FunctionDef)}
        names = {part.id for each in parts for part in ast.walk(each) if isinstance(part, ast.Name)}
        return names <= bound | MAKING_FUNCTIONS

    @cached_property
    def _kinds(self) -> dict[ast.FunctionDef, Kinds]:
        kinds: dict[ast.FunctionDef, Kinds] = {}
        for node in self._program.nodes:
            if isinstance(node, ast.FunctionDef):
                arguments = node.args
                kinds[node] = {a.arg: {"given"} for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
                kinds[node] |= {a.arg: {"other"} for a in (arguments.vararg, arguments.kwarg) if a is not None}
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                above, function = self._parent[node], self._program.function(node)
                if function is not None and not isinstance(above, ast.AugAssign):
                    kind = "made" if self._binds_made(node, above) else "other"
                    kinds[function].setdefault(node.id, set()).add(kind)
        return kinds

    def _binds_made(self, node: ast.Name, above: ast.AST) -> bool:
        match above:
            case ast.Assign(targets=[_], value=value):
                return _makes(value)
            case ast.For(iter=ast.Call(func=ast.Name(id="range"))):
                return True
            case ast.Tuple(elts=places):
                match self._parent[above]:
                    case ast.Assign(targets=[target], value=ast.Tuple(elts=values)) if target is above:
                        return len(values) == len(places) and _makes(values[places.index(node)])
                    case _:
                        return False
            case _:
                return False


def _changes(program: Program) -> Iterator[_Change]:
    """The places of a program that change objects by themselves."""
    for node in program.nodes:
        if isinstance(node, ast.Call):
            method = node.func
            if isinstance(method, ast.Attribute) and method.attr in ADDING:
                yield _Change(node, method.value, takes=False, adds=True)
            elif isinstance(method, ast.Attribute) and method.attr in REMOVING:
                yield _Change(node, method.value, takes=method.attr != "pop" or bool(node.args), adds=False)
        elif isinstance(node, ast.Subscript):
            if isinstance(node.ctx, ast.Store):
                yield _Change(node, node.value, takes=False, adds=True)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            # Only `+=` and `*=` change a list, and `+= 1` is an error for one.
            number = isinstance(node.value, ast.Constant) and isinstance(node.value.value, int)
            if isinstance(node.op, ast.Mult) or (isinstance(node.op, ast.Add) and not number):
                yield _Change(node, node.target, takes=False, adds=True)


def _makes(node: ast.expr) -> bool:
    """Whether an expression makes the object it stands for, or one that cannot change."""
    match node:
        case ast.Constant() | ast.JoinedStr() | ast.BinOp() | ast.UnaryOp() | ast.Compare():
            return True
        case ast.List() | ast.Tuple() | ast.Dict() | ast.Set() | ast.Subscript(slice=ast.Slice()):
            return True
        case ast.ListComp() | ast.SetComp() | ast.DictComp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in MAKING_FUNCTIONS
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in MAKING_METHODS
        case _:
            return False
