"""Options in a text, `key=value,key=value`, typed by the keywords of whatever they are for."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
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

    A keyword's type is its annotation, such as `float` or `int | None`, else that of its default, else text. A keyword of any
    other type is no option.

    Args:
        factory: A class or function.
        given: Names and values as text; a flag may stand without a value.
        text: The whole text that holds them.
        field: What the text was given for.
        takes: Leading arguments of `factory` that are handed over when it is called.

    Raises:
        UsageError: One is not a keyword, has a value of another type, or is missing.
    """
    keywords = keyword_types(factory, takes)
    for name in given:
        if name not in keywords:
            choices = f"choose among {', '.join(keywords)}" if keywords else "it takes none"
            raise UsageError(f"{field}={text!r}: option {name!r} is not known; {choices}.")
    parameters = inspect.signature(factory).parameters
    for name in keywords:
        if parameters[name].default is inspect.Parameter.empty and not given.get(name):
            start = text.rstrip(":,")
            joint = "," if given else ":"
            raise UsageError(f"{field}={text!r}: option {name!r} is missing; write it as {start}{joint}{name}=...")
    return {name: _convert(value, keywords[name], name, text, field) for name, value in given.items()}


def keyword_types(factory: Callable[..., Any], takes: int = 0) -> dict[str, type]:
    """The keywords of a callable that can be written as text, each with its type."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(factory).parameters.values())
    positional = [one for one in parameters if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    named = [one for one in parameters if one.kind in kinds and one not in positional[:takes]]
    return {one.name: kind for one in named if (kind := _type_of(one)) is not None}


def _type_of(parameter: inspect.Parameter) -> type | None:
    """The type that a text becomes, or None where no text can say it."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return type(parameter.default) if type(parameter.default) in WANTED else str
    written = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    if "Literal[" in written:
        return str
    [*named] = {part.strip() for part in written.split("|")} - {"None"}
    return SIMPLE.get(named[0]) if len(named) == 1 else None


def _convert(value: str, kind: type, name: str, text: str, field: str) -> Any:
    try:
        converted = FLAGS[value.lower()] if kind is bool else kind(value)
        if kind is float and math.isnan(converted):
            raise ValueError(value)
        return converted
    except (KeyError, ValueError):
        raise UsageError(f"{field}={text!r}: {name}={value!r} is not understood; write {WANTED[kind]}.") from None
