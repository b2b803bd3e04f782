"""Rules for names and attributes: which builtins, methods and library functions an admitted program reads, and where."""

from __future__ import annotations

import ast
from string import Formatter

from .bindings import BUILTINS, Unproved
from .evidence import Evidence
from .names import (
    CALLABLES,
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

_CLASSES = frozenset("bool bytearray bytes complex dict float frozenset int list range set slice str tuple".split())


def check_name(evidence: Evidence, node: ast.Name) -> None:
    """A name, where it is bound or read."""
    name = node.id
    evidence.floats |= name in FLOATING and not evidence.contexts.is_only_named(node)
    evidence.showing |= name in SHOWING and not evidence.contexts.is_only_named(node)
    if not isinstance(node.ctx, ast.Load):
        return
    if name in evidence.imported:
        _check_library(evidence, node, *evidence.imported[name])
    elif name in evidence.bound:
        if name in BUILTINS and name not in CALLABLES and not evidence.contexts.is_local(node):
            raise Unproved(f"name {name}")
        if name in evidence.bindings.functions or name in LAZY:
            _check_function(evidence, node, name, lazy=name in LAZY)
    elif name in CALLABLES:
        if name in ("bytearray", "bytes", "str") and not evidence.contexts.is_given_at_most(node, 1):
            raise Unproved("an encoding")
        _check_function(evidence, node, name, lazy=name in LAZY)
    elif name == "type":
        if not evidence.contexts.is_harmless_type(node):
            raise Unproved("name type")
    elif name not in RAISABLE and name != "__name__":
        raise Unproved(f"name {name}"[:60])


def _check_library(evidence: Evidence, node: ast.Name | ast.Attribute, module: str, name: str) -> None:
    """A module's name, or that of something in it, where it is read."""
    above = evidence.parent[node]
    if not name:
        if not (isinstance(above, ast.Attribute) and above.attr in (*LIBRARY.get(module, ()), *TYPING)):
            raise Unproved(f"module {module}")
    elif module == "typing":
        if not evidence.contexts.is_annotation(node):
            raise Unproved("a type as a value")
    elif not (name in LIBRARY["string"] or name.isupper() or name in ("pi", "e", "tau", "inf", "nan")):
        most = RE_ARGUMENTS.get(name, 0) if module == "re" else 1
        contexts = evidence.contexts
        if module in ("copy", "re") and not (contexts.is_called(node) and contexts.is_given_at_most(node, most)):
            raise Unproved(f"a call of {module}.{name}")
        evidence.floats |= name in FLOATING
        _check_function(evidence, node, name, lazy=name in LAZY_LIBRARY)
    evidence.floats |= module == "math"
    evidence.python_library |= module == "re" or name in PYTHON_LIBRARY


def check_attribute(evidence: Evidence, node: ast.Attribute) -> None:
    """A method, a field, or something in a module."""
    name = node.attr
    if not isinstance(node.ctx, ast.Load):
        raise Unproved("a changed attribute")
    module, inner = evidence.imported.get(node.value.id, ("", "")) if isinstance(node.value, ast.Name) else ("", "")
    if module and not inner:
        if name not in (TYPING if module == "typing" else LIBRARY[module]):
            raise Unproved(f"{module}.{name}"[:60])
        _check_library(evidence, node, module, name)
    elif name == "format":
        _check_template(evidence, node)
    elif name == "__name__":
        if not (isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id == "type"):
            raise Unproved("attribute __name__")
    elif name in ("decode", "encode"):
        if not _names_known_encodings(evidence, node):
            raise Unproved("an encoding")
    elif name in METHODS and name != "format_map":
        _check_function(evidence, node, name, lazy=name in LAZY_METHODS)
    else:
        raise Unproved(f"attribute {name}"[:60])


def _check_template(evidence: Evidence, node: ast.Attribute) -> None:
    """`"...".format`, whose template must not reach into its arguments."""
    evidence.showing = True
    if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) and evidence.contexts.is_called(node)):
        raise Unproved("a template")
    try:
        fields = [(field or "", spec or "") for _, field, spec, _ in Formatter().parse(node.value.value)]
    except ValueError:
        return  # it raises wherever it is used
    if any(set(field) & set(".[") or "{" in spec for field, spec in fields):
        raise Unproved("a template")


def _check_function(evidence: Evidence, node: ast.expr, name: str, *, lazy: bool = False) -> None:
    """A function, method or class where it is read: called, handed to what calls it, or else a value with an address.

    Args:
        evidence: That of the program.
        node: Where it is read.
        name: Its name.
        lazy: Whether it makes iterators.
    """
    if evidence.contexts.is_called(node):
        if lazy:
            check_lazy(evidence, evidence.parent[node])
        evidence.addressed |= name == "groupby"  # whose groups are iterators too
    elif lazy or not evidence.contexts.is_handed(node):
        evidence.addressed |= lazy or name not in _CLASSES or name in evidence.bound


def _names_known_encodings(evidence: Evidence, node: ast.Attribute) -> bool:
    call = evidence.parent[node]
    return (
        isinstance(call, ast.Call)
        and call.func is node
        and not call.keywords
        and all(isinstance(argument, ast.Constant) and argument.value in ENCODINGS for argument in call.args)
    )


def check_lazy(evidence: Evidence, node: ast.AST) -> None:
    """An iterator where it is made: read at once, or else a value with an address."""
    evidence.addressed |= not evidence.contexts.is_consumed(node)
