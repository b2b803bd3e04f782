"""Which expressions may stand in an answer: those that compute a value of Python's own functions, and can do nothing else.

An allow-list, by syntax: no name that begins with two underscores, no attribute but the methods of plain values, no assignment,
no function that reaches classes, frames, modules or text as code. Of the program at hand an answer may use what it imports from
`LIBRARY`, and none of its own names: so no answer calls the entry point, or reaches what the entry point stands on.
"""

from __future__ import annotations

import ast
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from ..core.syntax import is_argument_list, module_tree

MAX_EXPRESSION_CHARS = 2_000
NOT_EXPRESSION, FORBIDDEN = "not_expression", "forbidden_expression"

BUILTINS = frozenset(
    """
    abs all any ascii bin bool bytearray bytes chr complex dict divmod enumerate filter float frozenset hex int isinstance iter
    len list map max min next oct ord pow range repr reversed round set slice sorted str sum tuple zip
    """.split()
)
"""Functions that an expression may name."""
LIBRARY: Mapping[str, frozenset[str]] = {
    "collections": frozenset(("Counter", "OrderedDict", "defaultdict", "deque")),
    "decimal": frozenset(("Decimal",)),
    "fractions": frozenset(("Fraction",)),
    "math": frozenset("ceil comb e factorial floor gcd inf isqrt lcm log log10 log2 perm pi prod sqrt tau".split()),
}
"""Names that it may use where the program imports them, or their module."""

_KINDS = (str, bytes, bytearray, int, float, complex, list, tuple, dict, set, frozenset, range, slice)
_LIBRARY_KINDS = (Counter, OrderedDict, defaultdict, deque, Decimal, Fraction)
_METHODS = frozenset(name for kind in (*_KINDS, *_LIBRARY_KINDS) for name in dir(kind) if not name.startswith("_")) - {
    "format",  # reads any attribute by a text
    "format_map",
}
_NODES = (
    *(ast.Expression, ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Starred, ast.Name, ast.Attribute, ast.Call),
    *(ast.keyword, ast.Subscript, ast.Slice, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.JoinedStr),
    *(ast.FormattedValue, ast.Lambda, ast.arguments, ast.arg, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    *(ast.comprehension, ast.unaryop, ast.operator, ast.boolop, ast.cmpop, ast.expr_context),
)


def expression_fault(text: str, program: str, *, arguments: bool = False) -> str:
    """The reason why an answer may not be evaluated, or nothing.

    Args:
        text: An expression.
        program: The program whose imports it may use.
        arguments: Whether it is an argument list, such as `range(3), key=len`.

    Returns:
        `not_expression` (it does not parse as one, or is longer than `MAX_EXPRESSION_CHARS`), `forbidden_expression` (it could
        do more than compute a value), or the empty text.
    """
    if len(text) > MAX_EXPRESSION_CHARS or not is_argument_list(text):  # which a text that closes our parenthesis is not
        return NOT_EXPRESSION
    # On lines of its own between parentheses: what a reply holds may be indented, span lines, and end in a comment.
    tree = module_tree(f"f({text}\n)" if arguments else f"(\n{text}\n)")
    match tree:
        case ast.Module(body=[ast.Expr(value=ast.Call(args=given, keywords=named))]) if arguments:
            roots: list[ast.AST] = [*given, *named]
        case ast.Module(body=[ast.Expr(value=value)]) if not arguments and text.strip():
            roots = [value]
        case _:
            return NOT_EXPRESSION
    nodes = [node for root in roots for node in ast.walk(root)]
    library = library_names(program)
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    known = BUILTINS | library.keys() | bound
    return "" if all(_is_harmless(node, known, library) for node in nodes) else FORBIDDEN


def library_names(program: str) -> dict[str, tuple[str, str]]:
    """What a program's module level imports of `LIBRARY`: by its name there, the module and the name in it, or no name."""
    names: dict[str, tuple[str, str]] = {}
    tree = module_tree(program)
    for statement in tree.body if tree else []:
        match statement:
            case ast.Import(names=aliases):
                names |= {alias.asname or alias.name: (alias.name, "") for alias in aliases if alias.name in LIBRARY}
            case ast.ImportFrom(module=str(module), names=aliases, level=0) if module in LIBRARY:
                wanted = LIBRARY[module]
                names |= {alias.asname or alias.name: (module, alias.name) for alias in aliases if alias.name in wanted}
                names |= {name: (module, name) for alias in aliases if alias.name == "*" for name in wanted}
            case _:
                pass
    return {name: origin for name, origin in names.items() if not name.startswith("_")}


def _is_harmless(node: ast.AST, known: frozenset[str] | set[str], library: Mapping[str, tuple[str, str]]) -> bool:
    if not isinstance(node, _NODES):
        return False
    match node:
        case ast.Name(id=name):
            return name in known and not name.startswith("__")
        case ast.arg(arg=name):
            return not name.startswith("__")
        case ast.Attribute(value=ast.Name(id=name), attr=attribute, ctx=ast.Load()) if library.get(name, ("", "x"))[1] == "":
            return attribute in LIBRARY[library[name][0]]
        case ast.Attribute(attr=attribute, ctx=context):
            return attribute in _METHODS and isinstance(context, ast.Load)
        case ast.Subscript(ctx=context):
            return isinstance(context, ast.Load)
        case ast.Constant(value=value):
            return value is not ...
        case _:
            return True
