"""Whether a proposed program could reach what is not its own: clocks, chance, addresses, the machine it runs on.

A task must mean the same tomorrow and elsewhere, and a clock that goes by the hour looks like a constant to whoever runs a
program twice. So a proposal that is not proved deterministic by reading it (`sandboxes.purity`) may not use what leads there:
other modules than those that compute, names found by text, hashes and addresses, the insides of functions, frames and classes.
"""

from __future__ import annotations

import ast
import importlib
import sys
from functools import cache
from types import ModuleType

_COMPUTING = frozenset(
    """
    __future__ abc array base64 binascii bisect cmath collections colorsys contextlib copy dataclasses decimal difflib enum
    fractions functools heapq html itertools json keyword math numbers operator re statistics string struct textwrap typing
    unicodedata zlib
    """.split()
)
"""Modules of the standard library whose functions depend on their arguments alone; their own modules are not theirs to give."""
_NAMES = frozenset(
    """
    __import__ __builtins__ __loader__ __spec__ breakpoint compile delattr dir eval exec getattr globals hash help id input
    locals memoryview open setattr vars ForwardRef Formatter NormalDist attrgetter get_type_hints methodcaller
    """.split()
)
_METHODS = frozenset(
    f"__{name}__"
    for name in """
    abs add and bool call contains copy deepcopy delitem divmod enter eq exit float floordiv ge getitem gt iadd iand ifloordiv
    imod imul init int invert ior isub iter itruediv ixor le len lshift lt main matmul mod mul name ne neg new next or pos
    post_init pow radd rand repr reversed rfloordiv rmod rmul ror round rpow rshift rsub rtruediv rxor setitem str sub truediv
    xor
    """.split()
)
"""Names with underscores around them that lead nowhere."""
_INSIDES = ("ag_", "co_", "cr_", "f_", "func_", "gi_", "tb_")


def reaches_out(tree: ast.Module) -> bool:
    """Whether a program uses any name by which it could reach what is not its own."""
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    return any(_reaches(node, imported) for node in ast.walk(tree)) or _hands_on_a_module(tree, imported)


def _reaches(node: ast.AST, imported: dict[str, str]) -> bool:
    match node:
        case ast.Import(names=aliases):
            return not all(_computes(alias.name) for alias in aliases)
        case ast.ImportFrom(module=module, names=aliases, level=level):
            return bool(level) or not _computes(module or "") or any(_leads_on(module or "", alias.name) for alias in aliases)
        case ast.Name(id=name):
            return name in _NAMES
        case ast.Attribute(value=value, attr=name):
            module = imported.get(value.id, "") if isinstance(value, ast.Name) else ""
            named = name == "__class__" or (module and _leads_on(module, name))
            return bool(named) or name in _NAMES or _is_inside(name)
        case ast.MatchClass(kwd_attrs=names):
            return any(map(_is_inside, names))
        case _:
            return False


def _is_inside(name: str) -> bool:
    dunder = name.startswith("__") and name.endswith("__")
    return (dunder and name not in _METHODS) or name.startswith(_INSIDES)


def _computes(module: str) -> bool:
    """Whether a module only computes; those outside the standard library were offered by whoever runs the sandbox."""
    top = module.partition(".")[0]
    return top in _COMPUTING or top not in sys.stdlib_module_names


@cache
def _leads_on(module: str, name: str) -> bool:
    """Whether a name of a computing module is a module itself, or is private to it."""
    if name.startswith("_") or name in _NAMES:
        return True
    if module.partition(".")[0] not in _COMPUTING:
        return False
    try:
        return (
            isinstance(getattr(importlib.import_module(module), name, None), ModuleType)
            and f"{module}.{name}" != "collections.abc"
        )
    except ImportError:
        return False


def _hands_on_a_module(tree: ast.Module, imported: dict[str, str]) -> bool:
    """Whether a module's name stands anywhere but in front of a dot."""
    owners = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return any(
        isinstance(node, ast.Name) and node.id in imported and isinstance(node.ctx, ast.Load) and id(node) not in owners
        for node in ast.walk(tree)
    )
