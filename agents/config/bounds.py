"""Checks of a configuration's fields: each of its kind, numbers finite and not too small, choices known. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

PLAIN: dict[str, tuple[type, str]] = {"bool": (bool, "True or False"), "str": (str, "a text")}
"""Fields that are neither numbers nor choices, by their annotation."""


def check_fields(record: Any, **least: float) -> None:
    """Stops where a field of a dataclass that is annotated `int`, `float` (or either `| None`), `bool` or `str` holds another.

    Args:
        record: An instance; its module must have `from __future__ import annotations`, which makes annotations texts.
        least: The smallest value allowed, by field.

    Raises:
        ValueError: A value is not of that kind, not finite, or too small; names the field, the value and the remedy.
    """
    for field in fields(record):
        kind, _, rest = str(field.type).partition(" | ")
        value = getattr(record, field.name)
        given = f"{type(record).__name__}.{field.name}={value!r}"
        if kind in PLAIN and not rest and not isinstance(value, PLAIN[kind][0]):
            raise ValueError(f"{given} is not {PLAIN[kind][1]}; choose one.")
        if kind not in ("int", "float") or (value is None and rest == "None"):
            continue
        if isinstance(value, bool) or not isinstance(value, Integral if kind == "int" else Real):
            raise ValueError(f"{given} is not a {'whole ' if kind == 'int' else ''}number; choose one.")
        if not math.isfinite(value):
            raise ValueError(f"{given} is not a finite number; choose one.")
        if field.name in least and value < least[field.name]:
            raise ValueError(f"{given} is below {least[field.name]}; choose a value of at least that.")


def check_choices(record: Any, **choices: Sequence[str]) -> None:
    """Stops where a field holds none of its choices.

    Raises:
        ValueError: Names the field, the value and the choices.
    """
    for name, allowed in choices.items():
        value = getattr(record, name)
        if value not in allowed:
            *others, last = allowed
            raise ValueError(f"{type(record).__name__}.{name}={value!r} is not known; choose {', '.join(others)} or {last}.")


def known_fields(cls: type[Any], data: Mapping[str, Any]) -> Mapping[str, Any]:
    """`data`, if every key is a field of the dataclass `cls`.

    Raises:
        ValueError: One is not.
    """
    unknown = sorted(set(data) - {field.name for field in fields(cls)})
    if unknown:
        raise ValueError(f"{cls.__name__} has no field {unknown[0]!r}; this config was written by another version.")
    return data
