"""Where the order of effects could show: the engine makes lists where CPython has lazy iterators.

`map`, `filter`, `zip`, `reversed`, `enumerate` in comprehensions, and generator expressions are lists in the engine. Read at
once, where they stand, they come to the same as long as nothing happens between two items. So expressions that run many
times must have no effects, and the body of a loop over a lazy value must not change what is being read. Also, a dict must
not be both filled and emptied while it is read. What cannot be proved distinct is taken to be the same object.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from .read import Program, Refused
from .subset import ADDING, MAKING_FUNCTIONS, MAKING_METHODS, REMOVING, SCALAR_FUNCTIONS

_EXPRESSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


@dataclass(frozen=True, slots=True)
class _Change:
    """A place that may change an object."""

    node: ast.AST
    what: ast.expr | None
    """The object; None is any."""
    taken: bool
    """Whether keys may go."""
    added: bool = True


def check_flow(program: Program) -> None:
    """Looks at every loop and every expression that runs many times.

    Raises:
        Refused: One of them might change what a lazy value, or a dict, is being read from.
    """
    changes = list(_changes(program))
    impure = _impure(program, changes)
    inside: dict[ast.For, list[_Change]] = {}
    for change in [*changes, *_calls(program, impure)]:
        below, above = change.node, program.parent.get(change.node)
        while above is not None and not isinstance(above, ast.FunctionDef):
            if isinstance(above, _EXPRESSIONS):
                raise Refused("an effect in an expression")
            if isinstance(above, ast.For) and any(below is statement for statement in above.body):
                inside.setdefault(above, []).append(change)
            below, above = above, program.parent.get(above)
    for node in program.nodes:
        if isinstance(node, ast.For):
            _check_loop(node, inside.get(node, []), program)


def _changes(program: Program) -> Iterator[_Change]:
    """The places of a program that change objects by themselves."""
    for node in program.nodes:
        match node:
            case ast.Call(func=ast.Attribute(value=what, attr=attr), args=args):
                if attr in ADDING:
                    yield _Change(node, what, taken=False)
                elif attr in REMOVING:
                    yield _Change(node, what, taken=attr != "pop" or bool(args), added=False)
            case ast.Subscript(value=what, ctx=ast.Store()):
                yield _Change(node, what, taken=False)
            case ast.AugAssign(target=ast.Name() as what, op=ast.Add() | ast.Mult() as op, value=value):
                # `n += 1` is an error for a list, and so is `n -= x`
                if isinstance(op, ast.Mult) or not (isinstance(value, ast.Constant) and isinstance(value.value, int)):
                    yield _Change(node, what, taken=False)
            case _:
                pass


def _calls(program: Program, impure: set[str]) -> Iterator[_Change]:
    """The places where a function that may change something is called or handed on."""
    for node in program.nodes if impure else ():
        if isinstance(node, ast.Name) and node.id in impure and isinstance(node.ctx, ast.Load):
            above = program.parent[node]
            if not (isinstance(above, ast.Call) and above.func is node):
                raise Refused("an effect in an expression")
            yield _Change(node, None, taken=True)


def _impure(program: Program, changes: list[_Change]) -> set[str]:
    """The functions that may change an object that was there before they were called."""
    impure: set[str] = set()
    for change in changes:
        function = program.function(change.node)
        if function is not None and not _is_made_here(change.what, program, function):
            impure.add(function.name)
    while True:
        callers = {above.name for call in _calls(program, impure) if (above := program.function(call.node)) is not None}
        if callers <= impure:
            return impure
        impure |= callers


def _is_made_here(node: ast.expr | None, program: Program, function: ast.FunctionDef) -> bool:
    """Whether an object is held by a name that only ever holds what this very function made."""
    return isinstance(node, ast.Name) and _kinds(program, function).get(node.id) == {"made"}


def _check_loop(loop: ast.For, changes: list[_Change], program: Program) -> None:
    sources, lazy = _sources(loop.iter, program, outermost=True)
    function = program.function(loop)
    shared = [change for change in changes if function is None or not _distinct(change.what, sources, program, function)]
    if not lazy:
        # a list read in place is the same in both; a dict is not, where its size does not show the change
        if any(change.taken for change in shared) and any(change.added for change in shared):
            raise Refused("a loop that may change what it reads")
    elif shared or (lazy == "calls" and changes):
        raise Refused("a loop that may change what it reads")


def _distinct(what: ast.expr | None, sources: list[ast.expr], program: Program, function: ast.FunctionDef) -> bool:
    """Whether a changed object is provably none of those that are read: made here, and they made apart or before."""
    if not sources:
        return True
    kinds = _kinds(program, function)
    return _is_made_here(what, program, function) and all(
        isinstance(source, ast.Name)
        and isinstance(what, ast.Name)
        and source.id != what.id
        and kinds.get(source.id, {"other"}) <= {"given", "made"}
        for source in sources
    )


def _sources(node: ast.expr, program: Program, outermost: bool = False) -> tuple[list[ast.expr], str]:
    """The objects that a loop goes on reading while it runs, and how: at once (``), `later`, or by `calls` too."""
    match node:
        case ast.Call(func=ast.Name(id="enumerate" | "zip" | "reversed" as name), args=args):
            inner = [_sources(argument, program) for argument in args]
            calls = any(lazy == "calls" for _, lazy in inner)
            if outermost and name == "enumerate" and counts_itself(node):
                return inner[0]
            return [source for sources, _ in inner for source in sources], "calls" if calls else "later"
        case ast.Call(func=ast.Name(id="map" | "filter"), args=[function, *args]):
            inner = [_sources(argument, program) for argument in args]
            scalar = isinstance(function, ast.Name) and function.id in SCALAR_FUNCTIONS
            if not scalar and not _is_closed(function, program):
                raise Refused("a loop over calls")
            calls = not scalar or any(lazy == "calls" for _, lazy in inner)
            return [source for sources, _ in inner for source in sources], "calls" if calls else "later"
        case ast.GeneratorExp(generators=[ast.comprehension(iter=iterable)]):
            sources, _ = _sources(iterable, program)
            if not _is_closed(node, program):
                raise Refused("a loop over calls")
            return sources, "calls"
        case ast.GeneratorExp():
            raise Refused("a loop over calls")
        case ast.Call(func=ast.Attribute(value=container, attr="items" | "keys" | "values"), args=[]):
            return [container], ""
        case _:
            return ([] if _makes(node) else [node]), ""


def counts_itself(node: ast.Call) -> bool:
    """Whether an `enumerate` in the head of a loop is one that `guard` writes out, which makes it as lazy as CPython's."""
    start = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
    return all(isinstance(value, ast.Constant) and type(value.value) is int for value in start)


def _is_closed(node: ast.expr, program: Program) -> bool:
    """Whether what is called for each item reads nothing but that item, and constants."""
    match node:
        case ast.Lambda(args=arguments, body=body):
            own, parts = {argument.arg for argument in arguments.args}, [body]
        case ast.GeneratorExp(elt=elt, generators=[ast.comprehension(target=target, ifs=ifs)]):
            own, parts = {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}, [elt, *ifs]
        case ast.Constant() | ast.Name():
            own, parts = set[str](), [node]
        case _:
            return False
    functions = {statement.name for statement in program.tree.body if isinstance(statement, ast.FunctionDef)}
    names = [part.id for each in parts for part in ast.walk(each) if isinstance(part, ast.Name)]
    return all(name in own or name in functions or name in MAKING_FUNCTIONS for name in names)


Kinds = dict[str, set[str]]
"""How each name of a function is bound: `given` as an argument, `made` by the statement that binds it, or `other`."""


def _kinds(program: Program, function: ast.FunctionDef) -> Kinds:
    kinds: Kinds = {}
    arguments = function.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        kinds[argument.arg] = {"given"}
    for argument in (arguments.vararg, arguments.kwarg):
        if argument is not None:
            kinds[argument.arg] = {"other"}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and program.function(node) is function:
            above = program.parent[node]
            if not isinstance(above, ast.AugAssign):
                kinds.setdefault(node.id, set()).add("made" if _bound_to_made(node, above, program) else "other")
    return kinds


def _bound_to_made(node: ast.Name, above: ast.AST, program: Program) -> bool:
    match above:
        case ast.Assign(targets=[_], value=value):
            return _makes(value)
        case ast.For(iter=ast.Call(func=ast.Name(id="range"))):
            return True
        case ast.Tuple(elts=places):
            match program.parent[above]:
                case ast.Assign(targets=[target], value=ast.Tuple(elts=values)) if target is above and len(values) == len(
                    places
                ):
                    return _makes(values[places.index(node)])
                case _:
                    return False
        case _:
            return False


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
