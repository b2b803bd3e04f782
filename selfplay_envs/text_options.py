"""Options in a text, `key=value,key=value`, typed by the keywords of whatever they are for."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import UsageError

SIMPLE: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
FLAGS = {"1": True, "true": True, "": True, "0": False, "false": False}
WANTED: Mapping[type, str] = {bool: "1 or 0", int: "a whole number", float: "a number"}


def read_options(options: str, text: str, field: str) -> dict[str, str]:
    """Names and values of `key=value,key=value`; values may hold `=` and `:`, not `,`.

    Args:
        options: What is read.
        text: The whole text that holds them.
        field: What the text was given for; errors begin with `field='text'`.

    Raises:
        UsageError: One is named twice.
    """
    found: dict[str, str] = {}
    for item in filter(None, options.split(",")):
        key, _, value = item.partition("=")
        if key in found:
            raise UsageError(f"{field}={text!r} names {key} twice; keep one.")
        found[key] = value
    return found


def typed_options(
    factory: Callable[..., Any], given: Mapping[str, str], text: str, field: str, *, takes: int = 0
) -> dict[str, Any]:
    """Options with the types of a callable's keywords.

    A keyword's type is its annotation, such as `float`, `int | None` or `Literal["a", "b"]`, else that of its default, else
    text. `none` is None where the annotation allows it. A keyword of any other type is no option.

    Args:
        factory: A class or function.
        given: Names and values as text; a flag may stand without a value.
        text: The whole text that holds them.
        field: What the text was given for.
        takes: Leading arguments of `factory` that are handed over when it is called.

    Raises:
        UsageError: One is not a keyword, has a value of another type, or is missing.
    """
    keywords = _options_of(factory, takes)
    for name in given:
        if name not in keywords:
            choices = f"choose among {', '.join(keywords)}" if keywords else "it takes none"
            raise UsageError(f"{field}={text!r}: option {name!r} is not known; {choices}.")
    for name, one in keywords.items():
        if one.required and not given.get(name):
            start = text.rstrip(":,")
            joint = "," if given else ":"
            raise UsageError(f"{field}={text!r}: option {name!r} is missing; write it as {start}{joint}{name}=...")
    return {name: _convert(value, keywords[name], name, text, field) for name, value in given.items()}


def parameters_of(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a callable can be given, in order: its own, and where a class hands `**kwargs` on, its bases' too."""
    own = inspect.signature(factory).parameters
    found = {name: one for name, one in own.items() if one.kind not in _REST}
    if not isinstance(factory, type) or not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in own.values()):
        return found
    for base in [cls for cls in factory.__mro__[:-1] if "__init__" in vars(cls)][1:]:
        _, *inherited = inspect.signature(vars(base)["__init__"]).parameters.values()
        for one in inherited:
            if one.kind not in (*_REST, inspect.Parameter.POSITIONAL_ONLY):
                found.setdefault(one.name, one.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in inherited):
            break
    return found


_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class _Option:
    """A keyword that a text can say."""

    kind: type
    choices: tuple[Any, ...]
    """The only values, of a Literal; empty: any."""
    nullable: bool
    """Whether `none` says None."""
    required: bool


def _options_of(factory: Callable[..., Any], takes: int) -> dict[str, _Option]:
    parameters = list(parameters_of(factory).values())
    positional = [one for one in parameters if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    named = [one for one in parameters if one.kind is not inspect.Parameter.POSITIONAL_ONLY and one not in positional[:takes]]
    return {one.name: option for one in named if (option := _option_of(one)) is not None}


def _option_of(parameter: inspect.Parameter) -> _Option | None:
    """How a text says a keyword, or None where no text can."""
    annotation, required = parameter.annotation, parameter.default is inspect.Parameter.empty
    if annotation is inspect.Parameter.empty:
        return _Option(type(parameter.default) if type(parameter.default) in WANTED else str, (), False, required)
    written = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    written = re.sub(r"[\w.]*\bOptional\[(\w+)\]", r"\1 | None", written)
    written = re.sub(r"[\w.]*\bUnion\[([\w, ]+)\]", lambda found: found[1].replace(",", "|"), written)
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
        said = {str(choice): choice for choice in option.choices}
        if value not in said:
            raise UsageError(f"{field}={text!r}: {name}={value!r} is not known; choose one of {', '.join(said)}.")
        return said[value]
    try:
        converted = FLAGS[value.lower()] if option.kind is bool else option.kind(value)
        if option.kind is float and math.isnan(converted):
            raise ValueError(value)
        return converted
    except (KeyError, ValueError):
        raise UsageError(f"{field}={text!r}: {name}={value!r} is not understood; write {WANTED[option.kind]}.") from None
