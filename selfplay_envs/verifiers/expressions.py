"""Inputs that a proposer wrote as expressions, such as `list(range(30))`: evaluated once, in the sandbox, then literals.

Only proposers may: their program and their input are one proposal, and whatever the input does there, all that comes out
is a literal that every later check uses instead. A solver's answer is never evaluated.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from sandboxes import CallOutcome, Job, NotALiteral, Status, canonical, parse_arguments, parse_literal
from sandboxes.protocol.literals import read_call

from ..core.game import Request
from ..core.syntax import is_argument_list, module_tree
from ..tasks.programs import bound_values
from .findings import WORKER_LOST

MAX_INPUT_CHARS = 2_000

_UNKNOWN = object()
"""Stands for the default of a parameter that is no literal."""
_EVALUATE = "_evaluate_argument_list"
# Evaluated in the program's own names. The text is checked to be one argument list before it gets here.
_HARNESS = f"""

def {_EVALUATE}(text):
    def _argument_list_(*positional, **keywords):
        return list(positional), keywords
    return eval("_argument_list_(" + text + "\\n)", globals(), {{"_argument_list_": _argument_list_}})
"""
_REASONS = {
    Status.EXCEPTION: "input_raised",
    Status.NONDETERMINISTIC: "input_nondeterministic",
    Status.NOT_SERIALISABLE: "input_not_literal",
    Status.OUTPUT_TOO_LARGE: "input_too_long",
    Status.WORKER_LOST: WORKER_LOST,
}


def resolve_inputs(program: str, inputs: Sequence[str]) -> Generator[list[Request], list[Any], tuple[str, ...] | str]:
    """The canonical argument lists that a proposer's inputs spell; the sandbox evaluates only those that are no literals.

    Args:
        program: The proposer's program, known to parse: expressions may use its names.
        inputs: Argument lists as text.

    Returns:
        One canonical argument list per input, or the first reason: `input_too_long`; `input_not_literal` (not an argument
        list, or its value cannot be written as a literal); `input_raised` (the expression raised or exited, or the
        program's module level did); `input_nondeterministic`; `input_` + another sandbox status, such as `input_timeout`; or
        `worker_lost`, which is void.
    """
    calls: list[str | None] = []
    for text in inputs:
        if len(text) > MAX_INPUT_CHARS:
            return "input_too_long"
        try:
            calls.append(parse_arguments(text))
        except NotALiteral:
            if not is_argument_list(text):
                return "input_not_literal"
            calls.append(None)
    expressions = tuple(repr(text) for text, call in zip(inputs, calls, strict=True) if call is None)
    if not expressions:
        return tuple(call for call in calls if call is not None)
    [outcome] = yield [Job(program=program + _HARNESS, calls=expressions, entry_point=_EVALUATE, determinism=True)]
    evaluated = iter([_read(call) for call in outcome.calls])
    resolved = [next(evaluated) if call is None else (call, "") for call in calls]
    return next((reason for _, reason in resolved if reason), tuple(call for call, _ in resolved))


def argument_text(positional: object, keywords: object) -> str:
    """The canonical argument list of these arguments, as `parse_arguments` would write it.

    Raises:
        NotALiteral: They are not a list and a dict of keywords, too long, or a keyword is not a name.
    """
    if not isinstance(positional, list) or not isinstance(keywords, dict):
        raise NotALiteral("not the arguments of a call")
    named: Mapping[Any, Any] = keywords
    if not all(isinstance(name, str) and name.isidentifier() for name in named):
        raise NotALiteral("a keyword that is not a name")
    parts = [canonical(value) for value in positional] + [f"{name}={canonical(value)}" for name, value in named.items()]
    text = ", ".join(parts)
    if parse_arguments(text) != text:  # such as a keyword that Python would spell another way
        raise NotALiteral("no literal spelling")
    return text


def bound_arguments(program: str, call: str, entry_point: str = "f") -> dict[str, Any]:
    """The values of a call's arguments by parameter, defaults included as far as they are literals.

    Where the program shows no parameters that fit the call, arguments without a keyword go by their place.
    """
    positional, keywords = read_call(call)
    try:
        bound = inspect.Signature(_signature(program, entry_point)).bind(*positional, **keywords)
    except TypeError:
        return {**{str(place): value for place, value in enumerate(positional)}, **keywords}
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if value is not _UNKNOWN}


def _signature(program: str, entry_point: str) -> list[inspect.Parameter]:
    """The parameters of the function that the name is bound to last, as far as it can be seen; none where it cannot."""
    arguments = _arguments(module_tree(program), entry_point)
    if arguments is None:
        return []
    kind = inspect.Parameter
    plain = [(argument, kind.POSITIONAL_ONLY) for argument in arguments.posonlyargs]
    plain += [(argument, kind.POSITIONAL_OR_KEYWORD) for argument in arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    rows = [(argument.arg, how, default) for (argument, how), default in zip(plain, defaults, strict=True)]
    rows += [(arguments.vararg.arg, kind.VAR_POSITIONAL, None)] if arguments.vararg else []
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    rows += [(argument.arg, kind.KEYWORD_ONLY, default) for argument, default in keywords]
    rows += [(arguments.kwarg.arg, kind.VAR_KEYWORD, None)] if arguments.kwarg else []
    return [kind(name, how, default=kind.empty if node is None else _default(node)) for name, how, node in rows]


def _arguments(tree: ast.Module | None, name: str, aliases: int = 3) -> ast.arguments | None:
    """The arguments of the function that a name is bound to, through so many other names at most."""
    values = [value for statement in (tree.body if tree else []) for value in bound_values(statement, name)]
    match values[-1] if values else None:
        case ast.FunctionDef(args=arguments) | ast.Lambda(args=arguments):
            return arguments
        case ast.Name(id=other) if aliases:
            return _arguments(tree, other, aliases - 1)
        case _:
            return None


def _default(node: ast.expr) -> Any:
    try:
        return parse_literal(ast.unparse(node))
    except (ValueError, RecursionError):  # not a literal, or not to be written as text
        return _UNKNOWN


def _read(call: CallOutcome) -> tuple[str, str]:
    """The argument list that the sandbox evaluated, or the empty text and the reason why there is none."""
    if call.status is not Status.OK or call.value is None:
        return "", _REASONS.get(call.status, f"input_{call.status}")
    if len(call.value) > 2 * MAX_INPUT_CHARS:  # far too long; exactly how long is seen below
        return "", "input_too_long"
    try:
        match parse_literal(call.value):
            case (positional, keywords):
                text = argument_text(positional, keywords)
            case _:
                return "", "input_not_literal"
    except NotALiteral:
        return "", "input_not_literal"
    return (text, "") if len(text) <= MAX_INPUT_CHARS else ("", "input_too_long")
