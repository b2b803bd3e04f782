"""Which programs the fast engine may answer: the part of Python in which it was found to agree with CPython.

A program inside the gate is plain data and first-order functions: whole numbers, finite floats, ASCII text, lists, tuples,
dicts and ranges; functions are called or handed to `map`, `filter` and `key=`, never stored. Only what is named here is
let in, so that whatever the engine or a new Python adds stays out until somebody has compared it. Values that cannot be
seen in the source are checked while the program runs (`monty_source`); the order of effects is checked in `monty_flow`.

Nothing inside the gate depends on hash order, identity, time or an earlier call, so one run says what two runs under two
hash seeds would say: the module level holds only functions and immutable constants, and defaults are constants too.
"""

from __future__ import annotations

import ast
import builtins
import math
import re
import warnings

from .monty_flow import check_flow
from .monty_source import Refused, strip
from .values import _QUIET

MAX_PROGRAM_CHARS = 8_000
MAX_COMPREHENSION_DEPTH = 3
"""Nested comprehensions take stack frames in CPython that the engine does not count; see `monty.RECURSION_DEPTH`."""

_NODES: tuple[type[ast.AST], ...] = (
    *(ast.Module, ast.FunctionDef, ast.Lambda, ast.arguments, ast.arg, ast.keyword, ast.Return, ast.Assign, ast.AugAssign),
    *(ast.AnnAssign, ast.For, ast.While, ast.If, ast.IfExp, ast.Break, ast.Continue, ast.Pass, ast.Expr, ast.Assert),
    *(ast.Raise, ast.Import, ast.ImportFrom, ast.alias, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call),
    *(ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.Attribute, ast.Subscript, ast.Slice, ast.Starred, ast.Name),
    *(ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.DictComp, ast.GeneratorExp, ast.comprehension),
    *(ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop),
)
_COMPREHENSIONS = (ast.ListComp, ast.DictComp, ast.GeneratorExp)
_TYPES = frozenset("int str float bool list tuple dict".split())

# The fewest and the most positional arguments, and the keywords.
_FUNCTIONS: dict[str, tuple[int, int, str]] = {
    **{name: (1, 1, "") for name in "abs all any bin chr float hex len oct ord repr reversed".split()},
    **{name: (0, 1, "") for name in "bool str list tuple dict".split()},
    **{"int": (0, 2, ""), "range": (1, 3, ""), "round": (1, 2, ""), "sum": (1, 2, "start"), "isinstance": (2, 2, "")},
    **{"sorted": (1, 1, "key reverse"), "max": (1, 99, "key default"), "min": (1, 99, "key default")},
    **{"enumerate": (1, 2, "start"), "zip": (0, 99, ""), "map": (2, 99, ""), "filter": (2, 2, "")},
}
_HANDED = frozenset("abs bool bin chr float hex int len list max min oct ord repr round sorted str sum tuple".split())
"""Builtins that may be handed to `map`, `filter` and `key=`."""
_METHODS: dict[str, tuple[int, int, str]] = {
    **{name: (0, 0, "") for name in "upper lower title capitalize swapcase casefold isalpha isdigit isnumeric".split()},
    **{name: (0, 0, "") for name in "isdecimal isalnum isupper islower isspace istitle isascii reverse".split()},
    **{name: (0, 0, "") for name in "items keys values popitem clear copy".split()},
    **{name: (1, 1, "") for name in "startswith endswith find rfind index rindex count zfill partition rpartition".split()},
    **{name: (1, 1, "") for name in "join removeprefix removesuffix append extend remove update".split()},
    **{name: (0, 1, "") for name in "strip lstrip rstrip splitlines".split()},
    **{name: (1, 2, "") for name in "center ljust rjust get setdefault".split()},
    **{"split": (0, 2, "sep maxsplit"), "rsplit": (0, 2, "sep maxsplit"), "replace": (2, 3, ""), "insert": (2, 2, "")},
    **{"pop": (0, 2, ""), "sort": (0, 0, "key reverse")},
}
_MATH = {"sqrt": 1, "floor": 1, "ceil": 1, "trunc": 1, "fabs": 1, "factorial": 1, "isqrt": 1, "gcd": 2, "comb": 2}
"""Functions of `math` whose results are exact or correctly rounded, so the same everywhere."""
_LAZY = frozenset("enumerate zip map filter reversed".split())
_CONSUMERS = frozenset("list tuple sorted sum max min any all dict".split())
_FORMAT = re.compile(r"[<>^]?0?\d{0,3},?(\.\d{1,2})?[dfeEsxXbo]?")


def monty_accepts(program: str, entry_point: str) -> bool:
    """Whether the fast engine may be asked about this program at all; arguments are looked at call by call."""
    try:
        read_program(program, entry_point)
    except Refused:
        return False
    return True


def read_program(program: str, entry_point: str) -> ast.Module:
    """The syntax tree of a program inside the gate, stripped of what never shows in a value.

    Raises:
        Refused: The program is outside the gate, or does not compile; the message is the reason.
    """
    if len(program) > MAX_PROGRAM_CHARS:
        raise Refused("longer than the gate reads")
    try:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(program)
            compile(tree, "<program>", "exec", dont_inherit=True)
        for node in ast.walk(tree):
            if not isinstance(node, _NODES) or getattr(node, "type_params", None):
                raise Refused(type(node).__name__)
        tree = strip(tree)
        _Check(tree).run(entry_point)
        check_flow(tree)
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError) as error:
        raise Refused(type(error).__name__) from None
    return tree


def _constant(node: ast.expr) -> bool:
    """Whether an expression is a constant that nothing can change."""
    if isinstance(node, ast.Tuple):
        return all(map(_constant, node.elts))
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


class _Check:
    """One walk over a program, with what a node alone does not tell: its parent, and what the names are."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.parent = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self.functions: set[str] = set()
        self.variables: set[str] = set()
        self.math = any(isinstance(node, ast.Import) for node in tree.body)

    def run(self, entry_point: str) -> None:
        """Looks at every node.

        Raises:
            Refused: One of them is outside the gate.
        """
        if not any(isinstance(node, ast.FunctionDef) and node.name == entry_point for node in self.tree.body):
            raise Refused("no entry point")
        self._bind()
        percent, modulo = False, False
        for node in ast.walk(self.tree):
            self._look(node)
            percent |= isinstance(node, ast.Constant) and isinstance(node.value, str) and "%" in node.value
            modulo |= isinstance(node, ast.Mod)
        if percent and modulo:
            raise Refused("% formatting")

    def _bind(self) -> None:
        """Finds what every name is, in all scopes together: a function, bound once, or a variable."""
        for node in ast.walk(self.tree):
            match node:
                case ast.FunctionDef(name=name) | ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda()):
                    if name in self.functions:
                        raise Refused("a function bound twice")
                    self.functions.add(name)
                case ast.Name(id=name, ctx=ast.Store()) if not isinstance(self._value(node), ast.Lambda):
                    self.variables.add(name)
                case ast.arg(arg=name):
                    self.variables.add(name)
                case ast.keyword(arg=str(name)) if name.startswith("__") or not name.isascii():
                    raise Refused("a reserved name")
                case _:
                    pass
        for name in self.functions | self.variables:
            if name.startswith("__") or not name.isascii() or hasattr(builtins, name) or name == "math":
                raise Refused("a reserved name")
        if self.functions & self.variables:
            raise Refused("a function bound twice")

    def _value(self, node: ast.Name) -> ast.expr | None:
        """What is assigned to this name alone."""
        match self.parent.get(node):
            case ast.Assign(targets=[_], value=value):
                return value
            case _:
                return None

    def _look(self, node: ast.AST) -> None:
        match node:
            case ast.Constant(value=value):
                plain = value is None or type(value) in (int, bool) or (type(value) is float and math.isfinite(value))
                if not plain and not (isinstance(value, str) and value.isascii()):
                    raise Refused("a constant")
            case ast.Name(ctx=ast.Load()):
                self._look_at_name(node)
            case ast.Call():
                self._look_at_call(node)
            case ast.Attribute():
                self._look_at_attribute(node)
            case ast.Lambda() if not self._handed(node) and not self._named(node):
                raise Refused("a function as a value")
            case ast.Import() if self.parent[node] is not self.tree:
                raise Refused("an import in a function")
            case ast.arguments(defaults=defaults, kw_defaults=named):
                if not all(_constant(default) for default in [*defaults, *named] if default is not None):
                    raise Refused("a default")
            case ast.For(target=target) | ast.comprehension(target=target):
                if any(isinstance(part, (ast.Subscript, ast.Attribute, ast.Starred)) for part in ast.walk(target)):
                    raise Refused("a loop target")
            case ast.FormattedValue(conversion=conversion, format_spec=spec):
                self._look_at_format(conversion, spec)
            case ast.Compare(left=left, ops=ops, comparators=others):
                single = [isinstance(side, ast.Constant) and type(side.value) in (type(None), bool) for side in [left, *others]]
                pairs = zip(ops, single, single[1:], strict=False)
                if any(isinstance(op, (ast.Is, ast.IsNot)) and not (a or b) for op, a, b in pairs):
                    raise Refused("identity")
            case ast.Starred():
                self._look_at_star(node)
            case ast.MatMult() | ast.AugAssign(op=ast.BitOr()):
                raise Refused(type(node).__name__)
            case ast.Module(body=body):
                self._look_at_module(body)
            case _:
                pass
        if isinstance(node, ast.GeneratorExp) and not self._consumed(node):
            raise Refused("a lazy value")
        if isinstance(node, _COMPREHENSIONS) and self._depth(node) > MAX_COMPREHENSION_DEPTH:
            raise Refused("deep comprehensions")

    def _look_at_module(self, body: list[ast.stmt]) -> None:
        for statement in body:
            match statement:
                case ast.FunctionDef() | ast.Import(names=[ast.alias(name="math", asname=None)]) | ast.Pass():
                    pass
                case ast.Assign(targets=[ast.Name()], value=value) if _constant(value) or isinstance(value, ast.Lambda):
                    pass
                case _:
                    raise Refused("a module-level statement")

    def _look_at_name(self, node: ast.Name) -> None:
        name, above = node.id, self.parent[node]
        called = isinstance(above, ast.Call) and above.func is node
        if name in self.functions:
            allowed = called or self._handed(node)
        elif name in self.variables:
            allowed = not called
        elif name == "math":
            allowed = isinstance(above, ast.Attribute)
        else:
            tests = self.parent[above] if isinstance(above, ast.Tuple) else above
            tested = isinstance(tests, ast.Call) and ast.unparse(tests.func) == "isinstance" and node is not tests.args[0]
            handed = name in _HANDED and self._handed(node)
            allowed = handed or (name in _TYPES and tested) or (name in _FUNCTIONS and called)
        if not allowed:
            raise Refused(f"name {name}")

    def _look_at_call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in self.functions:
                return
            case ast.Name(id="dict") if node.keywords and not node.args:
                arity = (0, 0, " ".join(keyword.arg or "**" for keyword in node.keywords).replace("**", ""))
            case ast.Name(id=name):
                arity = _FUNCTIONS.get(name)
                if name in _LAZY and not self._consumed(node):
                    raise Refused("a lazy value")
            case ast.Attribute(value=ast.Name(id="math"), attr=name):
                arity = (_MATH[name], _MATH[name], "") if name in _MATH and self.math else None
            case ast.Attribute(attr=name):
                arity = _METHODS.get(name)
            case _:
                arity = None
        if arity is None:
            raise Refused(f"call of {ast.unparse(node.func)[-30:]}")
        fewest, most, keywords = arity
        if not fewest <= len(node.args) <= most or any(k.arg not in keywords.split() for k in node.keywords):
            raise Refused(f"arguments of {ast.unparse(node.func)[-30:]}")

    def _look_at_attribute(self, node: ast.Attribute) -> None:
        above = self.parent[node]
        constant = self.math and isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr in ("pi", "e")
        if not constant and not (isinstance(above, ast.Call) and above.func is node):
            raise Refused(f"attribute {node.attr[:30]}")

    def _look_at_format(self, conversion: int, spec: ast.expr | None) -> None:
        if conversion not in (-1, ord("s"), ord("r")):
            raise Refused("a format")
        match spec:
            case None | ast.JoinedStr(values=[]):
                pass
            case ast.JoinedStr(values=[ast.Constant(value=str(text))]) if _FORMAT.fullmatch(text):
                pass
            case _:
                raise Refused("a format")

    def _look_at_star(self, node: ast.Starred) -> None:
        match self.parent[node]:
            case ast.Call(func=ast.Name(id=name)) if name in self.functions or name in ("zip", "max", "min"):
                pass
            case ast.List() | ast.Tuple():
                pass
            case _:
                raise Refused("a starred value")

    def _named(self, node: ast.Lambda) -> bool:
        """Whether a lambda is the one value of a name."""
        above = self.parent[node]
        return isinstance(above, ast.Assign) and len(above.targets) == 1 and isinstance(above.targets[0], ast.Name)

    def _handed(self, node: ast.expr) -> bool:
        """Whether a function stands where a builtin will call it."""
        match self.parent[node]:
            case ast.Call(func=ast.Name(id="map" | "filter"), args=[first, *_]):
                return first is node
            case ast.keyword(arg="key") as keyword:
                call = self.parent[keyword]
                return isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in ("sorted", "sort", "min", "max")
            case _:
                return False

    def _consumed(self, node: ast.expr) -> bool:
        """Whether a lazy value is read at once where it stands: the engine makes a list of it."""
        match self.parent[node]:
            case ast.For(iter=source) | ast.comprehension(iter=source):
                return source is node
            case ast.Starred():
                return True
            case ast.Assign(targets=[ast.Tuple()]):
                return True
            case ast.Call(func=ast.Name(id="zip")):
                return True
            case ast.Call(func=ast.Name(id="map" | "filter"), args=[first, *_]):
                return first is not node
            case ast.Call(func=ast.Name(id="enumerate" | "sum"), args=[first, *_]):
                return first is node
            case ast.Call(func=ast.Name(id=name), args=[_]) if name in _CONSUMERS:
                return True
            case ast.Call(func=ast.Attribute(attr="join")):
                return True
            case _:
                return False

    def _depth(self, node: ast.AST) -> int:
        depth = 0
        above: ast.AST | None = node
        while above is not None and not isinstance(above, ast.FunctionDef):
            depth += isinstance(above, _COMPREHENSIONS)
            above = self.parent.get(above)
        return depth
