"""The bindings of a program's names: its own variables and functions, or something that it imports."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence
from typing import TypeGuard

from .names import CALLABLES, CALLING, CONSUMERS, LIBRARY, TYPING

BUILTINS = frozenset(dir(builtins))
_KNOWN_NAMES = BUILTINS.union(CONSUMERS, CALLING, *LIBRARY.values())


class Unproved(Exception):
    """Raised for a program that is not admitted; the message is the reason."""


class Bindings:
    """The names that a program binds, in all its scopes together.

    Args:
        tree: Its syntax tree.
        nodes: All nodes of it.

    Raises:
        Unproved: One of them could pass for something else, or stands for something that is not on the allow-list.
    """

    def __init__(self, tree: ast.Module, nodes: Sequence[ast.AST]) -> None:
        self._tree, self._nodes = tree, nodes
        self.bound: set[str] = set()
        """Names of variables, arguments and functions."""
        self.functions: set[str] = set()
        """Those of functions."""
        self.imported: dict[str, tuple[str, str]] = {}
        """Module and name behind each imported name; the name is empty for the module itself."""
        self.shared: set[str] = set()
        """Names that functions share with what is around them."""
        for node in nodes:
            self._bind(node)
        if any(name.startswith("__") for name in (*self.bound, *self.imported)):
            raise Unproved("a reserved name")  # such as `__builtins__`, which says what all other names mean
        if self.bound & self.imported.keys():
            raise Unproved("an imported name that is bound anew")

    def _bind(self, node: ast.AST) -> None:
        """Notes the names that a node binds."""
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                self.bound.add(name)
            case ast.FunctionDef(name=name):
                self.bound.add(name)
                self.functions.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self.shared |= set(names)
            case ast.Import(names=aliases):
                for alias in aliases:
                    self._import(alias.name, "", alias)
            case ast.ImportFrom(module=str(module), names=aliases, level=0) if module != "__future__":
                for alias in aliases:
                    self._import(module, alias.name, alias)
            case ast.ImportFrom(level=level) if level:
                raise Unproved("a relative import")
            case _:
                pass
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            self.functions |= {target.id for target in node.targets if isinstance(target, ast.Name)}

    def _import(self, module: str, name: str, alias: ast.alias) -> None:
        """Notes an import. What it binds must not pass for something else wherever the import was not executed."""
        local = alias.asname or alias.name
        known = TYPING if module == "typing" else LIBRARY.get(module)
        if known is None or (name and name not in known):
            raise Unproved(f"import {module}.{name}"[:60].rstrip("."))
        renamed = local != (name or module) and local in _KNOWN_NAMES
        if renamed or (local in BUILTINS and local not in CALLABLES):
            raise Unproved(f"import as {local}"[:60])
        if self.imported.setdefault(local, (module, name)) != (module, name):
            raise Unproved("a name that is imported twice")

    def functions_call_functions(self) -> bool:
        """Whether a function of the program may call one, itself perhaps, so that the stack could run out."""
        return bool(self.functions & self.read_in_functions())

    def module_names(self) -> set[str]:
        """Names that module-level statements bind to what a call could change for the next."""
        names: set[str] = set()
        for statement in self._tree.body:
            match statement:
                case ast.FunctionDef() | ast.Import() | ast.ImportFrom():
                    pass
                case ast.Assign(targets=[ast.Name()], value=value) if is_constant(value) or isinstance(value, ast.Lambda):
                    pass
                case _:
                    names |= {node.id for node in ast.walk(statement) if _is_bound(node)}
                    names |= {node.name for node in ast.walk(statement) if isinstance(node, ast.FunctionDef)}
        return names

    def read_in_functions(self) -> set[str]:
        """Names that functions read, whatever they mean there."""
        functions = [node for node in self._nodes if isinstance(node, ast.FunctionDef | ast.Lambda)]
        return {part.id for node in functions for part in ast.walk(node) if isinstance(part, ast.Name)}


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def is_constant(node: ast.expr) -> bool:
    """Whether an expression is a constant that nothing can change."""
    if isinstance(node, ast.Tuple):
        return all(map(is_constant, node.elts))
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)
