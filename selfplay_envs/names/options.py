"""Options in a text, `key=value,key=value`, typed by the keywords of whatever they are for."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import UsageError

SIMPLE: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
FLAGS = {"1": True, "true": True, "": True, "0": False, "false": False}
KINDS: Mapping[type, str] = {bool: "1 or 0", int: "a whole number", float: "a number"}


def read_options(options: str, text: str, field: str) -> dict[str, str]:
    """Names and values of `key=value,key=value`; values may hold `=` and `:`, not `,`.

    Args:
        options: The part of the text with the options.
        text: The whole text.
        field: Argument that the text was given for; errors begin with `field='text'`.

    Raises:
        UsageError: One is named twice.
    """
    values: dict[str, str] = {}
    for item in filter(None, options.split(",")):
        key, _, value = item.partition("=")
        if key in values:
            raise UsageError(f"{field}={text!r} names {key} twice; keep one.")
        values[key] = value
    return values


def typed_options(
    factory: Callable[..., Any], values: Mapping[str, str], text: str, field: str, *, takes: int = 0
) -> dict[str, Any]:
    """Options with the types of a callable's keywords.

    A keyword's type is its annotation, such as `float`, `int | None` or `Literal["a", "b"]`, else that of its default, else
    text. `none` is None where the annotation allows it. A keyword of any other type is no option.

    Args:
        factory: A class or function.
        values: Values by name, as text; a flag may stand without a value.
        text: The whole text that holds them.
        field: Argument that the text was given for.
        takes: Leading arguments of `factory` that are handed over when it is called.

    Raises:
        UsageError: One is not a keyword, has a value of another type, or is missing.
    """
    options = _options_of(factory, takes)
    for name in values:
        if name not in options:
            choices = f"choose among {', '.join(options)}" if options else "it takes none"
            raise UsageError(f"{field}={text!r}: option {name!r} is not known; {choices}.")
    for name, option in options.items():
        if option.required and not values.get(name):
            start = text.rstrip(":,")
            joint = "," if values else ":"
            raise UsageError(f"{field}={text!r}: option {name!r} is missing; write it as {start}{joint}{name}=...")
    return {name: _convert(value, options[name], name, text, field) for name, value in values.items()}


def parameters_of(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Parameters of a callable, in order: its own, and where a class hands `**kwargs` on, its bases' too."""
    direct = inspect.signature(factory).parameters
    parameters = {name: parameter for name, parameter in direct.items() if parameter.kind not in _REST}
    if not isinstance(factory, type) or not _takes_any_keyword(direct.values()):
        return parameters
    for base in [cls for cls in factory.__mro__[:-1] if "__init__" in vars(cls)][1:]:
        _, *inherited = inspect.signature(vars(base)["__init__"]).parameters.values()
        for parameter in inherited:
            if parameter.kind not in (*_REST, inspect.Parameter.POSITIONAL_ONLY):
                parameters.setdefault(parameter.name, parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        if not _takes_any_keyword(inherited):
            break
    return parameters


def _takes_any_keyword(parameters: Iterable[inspect.Parameter]) -> bool:
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)


_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class _Option:
    """A keyword that a text can hold."""

    kind: type
    choices: tuple[Any, ...]
    """The only values, of a Literal; empty: any."""
    nullable: bool
    """Whether `none` is None."""
    required: bool


def _options_of(factory: Callable[..., Any], takes: int) -> dict[str, _Option]:
    parameters = list(parameters_of(factory).values())
    taken = [parameter for parameter in parameters if parameter.kind is not inspect.Parameter.KEYWORD_ONLY][:takes]
    keywords = [p for p in parameters if p.kind is not inspect.Parameter.POSITIONAL_ONLY and p not in taken]
    return {parameter.name: option for parameter in keywords if (option := _option_of(parameter)) is not None}


def _option_of(parameter: inspect.Parameter) -> _Option | None:
    """The option of a keyword, or None where no text can hold its values."""
    annotation, required = parameter.annotation, parameter.default is inspect.Parameter.empty
    if annotation is inspect.Parameter.empty:
        return _Option(type(parameter.default) if type(parameter.default) in KINDS else str, (), False, required)
    written = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    written = re.sub(r"[\w.]*\bOptional\[(\w+)\]", r"\1 | None", written)
    written = re.sub(r"[\w.]*\bUnion\[([\w, ]+)\]", lambda match: match[1].replace(",", "|"), written)
    literal = re.search(r"[\w.]*\bLiteral\[(.*?)\]", written)
    rest = written if literal is None else written.replace(literal[0], "str")
    [*named] = {part.strip() for part in rest.split("|")} - {"None"}
    if len(named) != 1 or named[0] not in SIMPLE:
        return None
    choices = _choices(literal[1]) if literal else ()
    return _Option(SIMPLE[named[0]], choices, None in choices or "None" in rest, required)


def _choices(written: str) -> tuple[Any, ...]:
    """The values inside `Literal[...]`; none where they are no plain values."""
    try:
        return ast.literal_eval(f"({written},)")
    except (ValueError, SyntaxError):
        return ()


def _convert(value: str, option: _Option, name: str, text: str, field: str) -> Any:
    if option.nullable and value.lower() == "none" and "none" not in option.choices:
        return None
    if option.choices:
        choices = {str(choice): choice for choice in option.choices}
        if value not in choices:
            raise UsageError(f"{field}={text!r}: {name}={value!r} is not known; choose one of {', '.join(choices)}.")
        return choices[value]
    try:
        converted = FLAGS[value.lower()] if option.kind is bool else option.kind(value)
        if option.kind is float and math.isnan(converted):
            raise ValueError(value)
        return converted
    except (KeyError, ValueError):
        raise UsageError(f"{field}={text!r}: {name}={value!r} is not understood; write {KINDS[option.kind]}.") from None
