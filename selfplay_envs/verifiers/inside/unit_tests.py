"""Runs inside the sandbox, in front of `unit_tests`' jobs: test code against a table of the candidate's results.

Never imported by the environments themselves: its text becomes part of a job's program. Standard library only.

A call that the table lacks is noted, and from then on the run decides nothing: it only looks for more such calls, with an
object on which everything succeeds in place of the unknown value, and without stopping at statements that fail. The host
fills the table and runs the test again, until a run meets no unknown call.
"""

from __future__ import annotations

import ast
import builtins
import collections
import copy
from typing import Any

Entry = tuple[list[Any], str, Any, list[Any] | None]
"""A known call: `[positional, keywords]`; `value`, `raised`, `unserialisable` or `no_return`; the value, or the name and
the arguments of the exception; and `[positional, keywords]` as the call left them, None if unchanged."""

_PLAIN = (int, float, str, bytes, bool, complex, type(None))


class Stop(BaseException):
    """Raised by a call that cannot return. Not an Exception, so that tests which expect one do not catch it."""


class CandidateError(Exception):
    """Stands for an exception that the tests cannot be given as itself."""


def namedtuple(name: str, fields: tuple[str, ...], items: tuple[Any, ...]) -> Any:
    """A named tuple from its canonical text, of a class with nothing but its fields."""
    make: Any = collections.namedtuple
    return make(name, fields)(*items)


class Unserialisable:
    """Stands for a returned value that has no canonical text: equal to nothing, and of no use."""

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def _refuse(self, *_: Any) -> Any:
        raise TypeError("the candidate returned something that is made neither of literals nor of library types")

    __bool__ = __repr__ = __str__ = __format__ = _refuse


class Anything:
    """Stands for a value that is not known yet: all operations on it succeed."""

    def _itself(self, *_: Any, **__: Any) -> Any:
        return self

    def _true(self, *_: Any) -> bool:
        return True

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __int__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0

    def __hash__(self) -> int:
        return 0

    __index__ = __int__
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = _true
    __getattr__ = __getitem__ = __call__ = __neg__ = __pos__ = __abs__ = __round__ = _itself
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __pow__ = __rpow__ = _itself
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _itself


class StandIn:
    """The stand-in that tests call for the candidate, and its history."""

    def __init__(self, table: list[Entry], budget: int, in_place: bool) -> None:
        self.known = {spell(entry[0]): entry for entry in table}
        self.budget = budget
        self.in_place = in_place
        self.missing: dict[str, list[Any]] = {}
        self.unknown_calls = 0
        self.calls = 0
        self.fault = ""
        self.raised: BaseException | None = None

    def call(self, *positional: Any, **keywords: Any) -> Any:
        """The recorded result of a call, as a fresh object, or the recorded exception."""
        self.calls += 1
        arguments = [list(positional), keywords]
        try:
            spelled = spell(arguments)
        except (TypeError, RecursionError):
            raise self._stop("test_not_expressible") from None
        if spelled not in self.known:
            self.missing.setdefault(spelled, copy.deepcopy(arguments))
            self.unknown_calls += 1
            if self.pending():
                return Anything()
            raise Stop
        _, kind, value, after = self.known[spelled]
        if self.in_place and after is not None:
            overwrite(arguments, after)
        if kind == "no_return":
            raise self._stop("wrong")
        if kind == "unserialisable":
            self.fault = self.fault or "value_not_literal"
            return Unserialisable()
        if kind == "raised":
            self.raised = exception(*value)
            raise self.raised
        return copy.deepcopy(value)

    def pending(self) -> bool:
        """Whether the run goes on only to find more unknown calls, past statements that fail."""
        return 0 < self.unknown_calls < self.budget

    def _stop(self, fault: str) -> Stop:
        if not self.missing:  # after an unknown call, nothing that happens is sure to happen
            self.fault = fault
        return Stop()


def run_test(
    name: str, prelude: str, test: str, table: list[Entry], budget: int, in_place: bool
) -> tuple[str, list[list[Any]] | None]:
    """Runs one test: `right`, `wrong` or a reason; or `ask`, and the arguments of the calls that the table lacks.

    Args:
        name: The candidate's name in the tests.
        prelude: Trusted code to run first; what it binds to `name` is replaced.
        test: Test code; a function `check` that it defines is called with the candidate.
        table: The calls whose results are known.
        budget: Unknown calls after which to stop; with 1, nothing is done with unknown values.
        in_place: Whether calls also change the objects that they are given, as they did in the candidate's process.
    """
    stand_in = StandIn(table, budget, in_place)

    def candidate(*positional: Any, **keywords: Any) -> Any:
        return stand_in.call(*positional, **keywords)

    candidate.__name__ = candidate.__qualname__ = name
    names: dict[str, Any] = {"__name__": "__main__", "__pending__": stand_in.pending}
    if "random" in prelude or "random" in test:  # what draws its arguments must draw the same ones in every run
        import random  # takes as long as a whole short test

        random.seed(0)
    try:
        tree = ast.parse(test)
        code = compile(go_on_after_unknown(tree), "<test>", "exec", dont_inherit=True)
        exec(compile(prelude, "<prelude>", "exec", dont_inherit=True), names)
    except BaseException:
        return "test_not_expressible", None
    names[name] = candidate
    ended = "right"
    try:
        exec(code, names)
        if any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body):
            names["check"](candidate)
    except BaseException as error:
        of_test = isinstance(error, ImportError) and error is not stand_in.raised
        ended = "test_not_expressible" if of_test else "wrong"
    return verdict(stand_in, ended)


def verdict(stand_in: StandIn, ended: str) -> tuple[str, list[list[Any]] | None]:
    """The finding of a run that ended so, with its stand-in's history."""
    if stand_in.fault in ("wrong", "test_not_expressible"):
        return stand_in.fault, None
    if stand_in.missing:
        return "ask", list(stand_in.missing.values())
    if ended == "right" and not stand_in.calls:
        return "test_not_expressible", None  # a test that never calls the candidate says nothing about it
    return (stand_in.fault if ended == "wrong" and stand_in.fault else ended), None


def spell(value: Any) -> str:
    """A name for a value made of plain literals: equal names, same types and values all the way down.

    Raises:
        TypeError: The value holds anything else, or NaN.
    """
    kind = type(value)
    if kind in _PLAIN and value == value:
        return hex(value) if kind is int else repr(value)
    if kind is list or kind is tuple:
        return f"{kind.__name__}({','.join([spell(item) for item in value])})"
    if kind is set or kind is frozenset:
        return f"{kind.__name__}({','.join(sorted([spell(item) for item in value]))})"
    if kind is dict:
        return "dict(" + ",".join([f"{spell(key)}:{spell(worth)}" for key, worth in value.items()]) + ")"
    raise TypeError(f"{kind.__name__} is not a plain literal")


def exception(name: str, arguments: list[str]) -> Exception:
    """The exception of that builtin name, or one that only `except Exception` catches.

    Never StopIteration: it would end a loop of the test early, and with it the checks behind.
    """
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, StopIteration | StopAsyncIteration):
        try:
            return kind.__new__(kind, *arguments)  # not its __init__: UnicodeDecodeError's asks for more than a text
        except (TypeError, ValueError):  # ExceptionGroup's __new__ does too
            pass
    return CandidateError(name, *arguments)


def overwrite(arguments: list[Any], after: list[Any]) -> None:
    """Gives the objects that a call was given the contents that the call left in theirs."""
    changed: list[tuple[Any, Any]] = [*zip(arguments[0], after[0], strict=False)]
    changed += [(arguments[1][key], after[1][key]) for key in arguments[1] if key in after[1]]
    for old, new in changed:
        if type(old) is not type(new):
            continue
        if isinstance(old, list):
            old[:] = copy.deepcopy(new)
        elif isinstance(old, dict | set):
            old.clear()
            old.update(copy.deepcopy(new))


def go_on_after_unknown(tree: ast.Module) -> ast.Module:
    """The test with each simple statement in a `try` that, once a call was unknown, goes on with the next statement."""
    template = ast.parse("try: pass\nexcept BaseException:\n    if not __pending__():\n        raise").body[0]
    assert isinstance(template, ast.Try)
    handlers = template.handlers

    class Guard(ast.NodeTransformer):
        def guard(self, node: ast.stmt) -> ast.stmt:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                return node  # a docstring, behind which `from __future__` may stand
            return ast.Try(body=[node], handlers=handlers, orelse=[], finalbody=[])

        visit_Assert = visit_Assign = visit_AnnAssign = visit_AugAssign = visit_Expr = guard

    return ast.fix_missing_locations(Guard().visit(copy.deepcopy(tree)))
