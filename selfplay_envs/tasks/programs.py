"""Static checks of proposed programs, and their identity: all without running them.

A *quality* gate, not a wall: the sandbox contains what a program does; this names the proposals that are not fit to
be a task (no entry point, clocks, randomness), so that a proposer learns why it was refused.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator

from ..core.syntax import module_tree

MAX_PROGRAM_CHARS = 8_192

BANNED_IMPORTS = frozenset(
    """
    asyncio calendar concurrent ctypes datetime gc hashlib hmac http importlib inspect io logging multiprocessing
    os pathlib pickle platform random secrets select shutil signal socket ssl subprocess sys tempfile threading
    time tracemalloc urllib uuid
    """.split()
)
"""Top-level modules a proposal may not import: sources of non-determinism, of side effects, or of nothing to reason about."""


def parse_program(source: str) -> ast.Module | str:
    """The syntax tree, or the reason there is none: `program_too_long` or `syntax_error`. Never raises."""
    if len(source) > MAX_PROGRAM_CHARS:
        return "program_too_long"
    return module_tree(source) or "syntax_error"


def program_fault(source: str, entry_point: str = "f") -> str | None:
    """The reason why a proposed program is not fit to be a task, or None.

    Returns:
        `program_too_long`, `syntax_error`, `banned_import`, `no_entry_point` (nothing at module level binds that name, by
        `def`, assignment, import or otherwise; an `async def` is none), `no_parameter` (it is a `def` or a lambda without
        any), or None.
    """
    tree = parse_program(source)
    if isinstance(tree, str):
        return tree
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] in BANNED_IMPORTS for name in names):
            return "banned_import"
    bound: list[ast.AST] = []
    for statement in tree.body:
        values = bound_values(statement, entry_point)
        if values and not isinstance(statement, _CONDITIONAL):
            bound.clear()
        bound += values
    if not bound:
        return "no_entry_point"
    return "no_parameter" if all(map(_takes_nothing, bound)) else None


_CONDITIONAL = ast.If | ast.For | ast.While | ast.With | ast.Try | ast.TryStar | ast.Match
"""Statements after which a name that they bind may still be bound to what it was before."""


def bound_values(statement: ast.stmt, name: str) -> list[ast.AST]:
    """Values that a module-level statement may bind a name to, as far as they can be seen: else the node that binds it."""
    values: list[ast.AST] = []
    scopes: list[list[ast.AST]] = [[statement]]
    for roots in scopes:
        nodes = list(_nodes_of_scope(roots))
        bound = list(_bound_in_scope(nodes, name))
        if roots == [statement]:
            values += bound
        elif bound:  # in a function or a class, which binds a name of its own or the module's, sooner or later
            values += [node for node in nodes if isinstance(node, ast.Global) and name in node.names]
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                scopes.append([*node.body])
            elif isinstance(node, ast.Lambda):
                scopes.append([node.body])
    return values


def _nodes_of_scope(roots: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes at or under `roots`, but for those that belong to the scope of a function, a class or a comprehension."""
    todo = [*roots]
    while todo:
        node = todo.pop()
        yield node
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                todo += [*node.decorator_list, node.args]
            case ast.Lambda():
                todo.append(node.args)
            case ast.ClassDef():
                todo += [*node.decorator_list, *node.bases, *node.keywords]
            case ast.comprehension():
                todo += [node.iter, *node.ifs]
            case _:
                todo += ast.iter_child_nodes(node)


def _bound_in_scope(nodes: Iterable[ast.AST], name: str) -> Iterator[ast.AST]:
    """Values that a scope's nodes bind `name` to, as in `bound_values`."""
    assigned: dict[ast.AST, ast.AST | None] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=value):
                assigned |= dict.fromkeys(targets, value)
            case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                assigned[target] = value  # None of an annotation alone
            case _:
                pass
    for node in nodes:
        match node:
            case ast.Name(id=bound, ctx=ast.Store()) if bound == name:
                value = assigned.get(node, node)
                if value is not None:
                    yield value
            case ast.FunctionDef(name=bound) | ast.ClassDef(name=bound) if bound == name:
                yield node
            case ast.alias(name=origin, asname=alias) if name == (alias or origin.partition(".")[0]):
                yield node
            case ast.MatchAs(name=bound) | ast.MatchStar(name=bound) | ast.MatchMapping(rest=bound) if bound == name:
                yield node
            case _:
                pass


def _takes_nothing(value: ast.AST) -> bool:
    """Whether a value is a function that is seen to have no parameter."""
    if not isinstance(value, ast.FunctionDef | ast.Lambda):
        return False
    taken = value.args
    return not (taken.posonlyargs or taken.args or taken.kwonlyargs or taken.vararg or taken.kwarg)


def program_key(source: str) -> str:
    """Sixteen hex digits that name a program by its syntax tree: layout, comments and annotations do not count.

    Text that does not parse is named by itself.
    """
    tree = parse_program(source)
    try:
        text = source if isinstance(tree, str) else ast.dump(_normalised(tree), annotate_fields=False)
    except RecursionError:
        text = source
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _normalised(tree: ast.Module) -> ast.Module:
    """A tree without annotations, and with numbers that are too long for decimal text in hexadecimal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value.bit_length() > 10_000:
            node.value = hex(node.value)
    return tree
