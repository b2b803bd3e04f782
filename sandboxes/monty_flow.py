"""Where the order of effects could show: the engine makes lists where CPython has lazy iterators.

`map`, `filter`, `zip`, `enumerate`, `reversed` and generator expressions are lists in the engine. Read at once, where they
stand, they are the same as long as nothing happens between two items. So functions called from expressions that run many
times, and the bodies of loops over lazy values, must not change what is being read. What cannot be proved distinct is
taken to be the same object.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from .monty_source import Refused

_ADDS = frozenset("append extend insert setdefault update sort reverse".split())
_REMOVES = frozenset("pop popitem remove clear".split())
_FRESH_FUNCTIONS = frozenset("list dict sorted tuple str int float bool len sum range abs ord chr repr round bin hex".split())
_FRESH_METHODS = frozenset(
    "copy split rsplit splitlines partition rpartition join lower upper strip lstrip rstrip replace title capitalize count find"
    " swapcase".split()
)
_SCALAR_FUNCTIONS = frozenset("int float ord chr abs".split())
"""Builtins that answer only for values that cannot change."""
_COMPREHENSIONS = (ast.ListComp, ast.DictComp, ast.GeneratorExp)

Kinds = dict[str, set[str]]
"""How each name of a function is bound: `param`, `fresh` (an object made by that statement), or `other`."""


def check_flow(tree: ast.Module) -> None:
    """Looks at every loop, comprehension and lambda.

    Raises:
        Refused: One of them might change what a lazy value, or a dict, is being read from.
    """
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    impure = _impure(functions)
    for node in ast.walk(tree):
        if isinstance(node, (*_COMPREHENSIONS, ast.Lambda)) and any(True for _ in _changes(node, impure)):
            raise Refused("an effect in an expression")
        if isinstance(node, ast.Call) and any(_name(part) in impure for part in _handed(node)):
            raise Refused("an effect in an expression")
    for function in functions:
        kinds = _kinds(function)
        for node in _own(function):
            if isinstance(node, ast.For):
                _check_loop(node, kinds, impure)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, without those of functions defined inside."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef):
            yield child
            yield from _own(child)


def _name(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _handed(call: ast.Call) -> list[ast.expr]:
    """What a call may call in turn."""
    return [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "key")]


def _changes(node: ast.AST, impure: set[str]) -> Iterator[tuple[ast.expr | None, bool]]:
    """What the code below may change, and whether it takes away from it; None is anything at all."""
    for part in _own(node):
        match part:
            case ast.Call(func=ast.Attribute(value=changed, attr=attr), args=args) if attr in _ADDS | _REMOVES:
                yield changed, attr in _REMOVES and (attr != "pop" or bool(args))
            case ast.Call(func=ast.Name(id=name)) if name in impure:
                yield None, True
                yield None, False
            case ast.Subscript(value=changed, ctx=ast.Store()):
                yield changed, False
            case ast.AugAssign(target=ast.Name() as changed, op=ast.Add() | ast.Mult() as op, value=value):
                # `n += 1` is an error for a list, and `n -= x` always is
                if isinstance(op, ast.Mult) or not (isinstance(value, ast.Constant) and isinstance(value.value, int)):
                    yield changed, False
            case _:
                pass


def _impure(functions: Sequence[ast.FunctionDef]) -> set[str]:
    """The functions that may change an object that was there before they were called."""
    impure: set[str] = set()
    while True:
        found = {f.name for f in functions if any(not _is_fresh_name(c, _kinds(f)) for c, _ in _changes(f, impure))}
        if found <= impure:
            return impure
        impure |= found


def _is_fresh_name(node: ast.expr | None, kinds: Kinds) -> bool:
    return isinstance(node, ast.Name) and kinds.get(node.id) == {"fresh"}


def _kinds(function: ast.FunctionDef) -> Kinds:
    kinds: Kinds = {}

    def bind(target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            kinds.setdefault(target.id, set()).add("fresh" if value is not None and _fresh(value) else "other")
        elif isinstance(target, (ast.Tuple, ast.List)):
            paired = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts)
            for index, part in enumerate(target.elts):
                bind(part, value.elts[index] if paired and isinstance(value, ast.Tuple) else None)
        elif isinstance(target, ast.Starred):
            bind(target.value, None)

    arguments = function.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        kinds[argument.arg] = {"param"}
    for argument in (arguments.vararg, arguments.kwarg):
        if argument is not None:
            kinds[argument.arg] = {"other"}
    for node in _own(function):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    bind(target, value if len(targets) == 1 else None)
            case ast.For(target=target, iter=ast.Call(func=ast.Name(id="range")) as numbers):
                bind(target, numbers)
            case ast.For(target=target) | ast.comprehension(target=target):
                bind(target, None)
            case _:
                pass
    return kinds


def _fresh(node: ast.expr) -> bool:
    """Whether an expression makes the object it stands for, or one that cannot change."""
    match node:
        case ast.Constant() | ast.JoinedStr() | ast.BinOp() | ast.Compare() | ast.List() | ast.Tuple() | ast.Dict():
            return True
        case ast.UnaryOp() | ast.ListComp() | ast.DictComp() | ast.Subscript(slice=ast.Slice()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _FRESH_FUNCTIONS
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in _FRESH_METHODS
        case _:
            return False


def _check_loop(loop: ast.For, kinds: Kinds, impure: set[str]) -> None:
    """Refuses a loop that might change what it reads, where engine and CPython would differ."""
    sources, lazy = _sources(loop.iter)
    body = ast.Module(body=loop.body, type_ignores=[])
    shared = [(changed, taken) for changed, taken in _changes(body, impure) if not _distinct(changed, sources, kinds)]
    if not lazy:
        # a list read in place is the same in both; a dict is not, when its size does not show the change
        if any(taken for _, taken in shared) and not all(taken for _, taken in shared):
            raise Refused("a loop that may change what it reads")
    elif shared or (lazy == "calls" and any(True for _ in _changes(body, impure))):
        raise Refused("a loop that may change what it reads")


def _distinct(changed: ast.expr | None, sources: list[ast.expr], kinds: Kinds) -> bool:
    """Whether a changed object is provably none of the sources."""
    if not sources:
        return True
    return _is_fresh_name(changed, kinds) and all(
        isinstance(source, ast.Name) and source.id != _name(changed or source) and kinds.get(source.id, {"other"}) <= {"param", "fresh"}
        for source in sources
    )


def _sources(node: ast.expr) -> tuple[list[ast.expr], str]:
    """The objects that a loop goes on reading while it runs, and how lazily: not, `reads`, or `calls` functions too."""
    match node:
        case ast.Call(func=ast.Name(id="enumerate" | "zip" | "reversed"), args=args):
            inner = [_sources(argument) for argument in args]
            return [s for sources, _ in inner for s in sources], "calls" if any(lazy == "calls" for _, lazy in inner) else "reads"
        case ast.Call(func=ast.Name(id="map" | "filter"), args=[function, *args]):
            inner = [_sources(argument) for argument in args]
            scalar = _name(function) in _SCALAR_FUNCTIONS and not any(lazy == "calls" for _, lazy in inner)
            if not scalar and not _closed(function):
                raise Refused("a loop over calls")
            return [s for sources, _ in inner for s in sources], "reads" if scalar else "calls"
        case ast.GeneratorExp():
            raise Refused("a loop over calls")
        case ast.Call(func=ast.Attribute(value=container, attr="items" | "keys" | "values"), args=[]):
            return [container], ""
        case _:
            return ([] if _fresh(node) else [node]), ""


def _closed(function: ast.expr) -> bool:
    """Whether a function handed to `map` reads nothing but its arguments."""
    if isinstance(function, ast.Lambda):
        own = {argument.arg for argument in function.args.args}
        return all(part.id in own for part in ast.walk(function.body) if isinstance(part, ast.Name))
    return False
