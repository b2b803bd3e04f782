"""Fields of a configuration: each of its kind, numbers finite and not too small; one sentence where one is not. No torch."""

from __future__ import annotations

import math
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

PLAIN: dict[str, tuple[type, str]] = {"bool": (bool, "True or False"), "str": (str, "a text")}


def check_fields(record: Any, **least: float) -> None:
    """Stops where a field of a dataclass that is annotated `int`, `float` (or either `| None`), `bool` or `str` holds another.

    Args:
        record: An instance; its module must have `from __future__ import annotations`, which makes annotations texts.
        least: The smallest value allowed, by field.

    Raises:
        ValueError: A value is not of that kind, not finite, or too small; names the field, the value and the remedy.
    """
    for one in fields(record):
        kind, _, rest = str(one.type).partition(" | ")
        value = getattr(record, one.name)
        if kind in PLAIN and not rest and not isinstance(value, PLAIN[kind][0]):
            raise ValueError(f"{type(record).__name__}.{one.name}={value!r} is not {PLAIN[kind][1]}; choose one.")
        if kind not in ("int", "float") or (value is None and rest == "None"):
            continue
        told = f"{type(record).__name__}.{one.name}={value!r}"
        if isinstance(value, bool) or not isinstance(value, Integral if kind == "int" else Real):
            raise ValueError(f"{told} is not a {'whole ' if kind == 'int' else ''}number; choose one.")
        if not math.isfinite(value):
            raise ValueError(f"{told} is not a finite number; choose one.")
        if one.name in least and value < least[one.name]:
            raise ValueError(f"{told} is below {least[one.name]}; choose a value of at least that.")
