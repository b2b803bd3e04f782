"""Oracles: whether a returned value is right, given the call, the reference's value and a tolerance. Pure, on canonical texts.

The form is EvalPlus's, whose rules these are (evalplus/eval/__init__.py and evalplus/eval/_special_oracle.py, version 0.3.1,
Apache-2.0): most tasks ask for equality, a few have an oracle of their own.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sandboxes import NotALiteral, parse_literal, same_text, same_value
from sandboxes.protocol.literals import read_call

RELATIVE = 1e-7
"""Relative tolerance, wherever there is an absolute one."""
FLOAT_TOLERANCE = 1e-6
"""Absolute tolerance where the reference returns floats and the task names none."""
MAX_BUILT_CHARS = 65_536
"""Length of a value's text above which only texts are compared: a hostile one could hold up whoever builds it."""


class Case(NamedTuple):
    """One call, and what came of it."""

    call: str
    """Text of the arguments."""
    expected: str | None
    """The reference's output, see `outputs.Outputs`."""
    value: str | None
    """The tested program's output, likewise."""
    tolerance: float = 0.0
    """Absolute; 0: none."""
    strict: bool = False
    """Whether types must agree, at any depth."""


Oracle = Callable[[Case], bool]


def is_equal(case: Case) -> bool:
    """The same value; or close to it, where there is a tolerance."""
    if case.value is None or case.expected is None:
        return False
    if max(len(case.value), len(case.expected)) > MAX_BUILT_CHARS:
        return same_text(case.value, case.expected)
    return same_value(case.value, case.expected, case.strict) or is_close(case)


def is_close(case: Case) -> bool:
    """Numbers, or lists and tuples of numbers at any depth, each within the tolerance; of one type, within lists of any."""
    value, expected = _built(case.value), _built(case.expected)
    return bool(case.tolerance) and type(value) is type(expected) and _close(value, expected, case.tolerance, case.strict)


def is_same_set(case: Case) -> bool:
    """The same elements, in any order and any number."""
    value, expected = _built(case.value), _built(case.expected)
    try:
        return (type(value) in _COLLECTIONS and set(value) == set(expected)) or is_close(case)
    except TypeError:
        return is_close(case)


def is_truthful(case: Case) -> bool:
    """Says by a bool, or by None or anything else, whether the reference returns something or None (a match of a pattern)."""
    found = case.expected != "None"
    return (case.value == "True") is found if case.value in ("True", "False") else (case.value != "None") is found


def is_anything(case: Case) -> bool:
    """Returned at all."""
    return True


def is_equal_or_zero(case: Case) -> bool:
    """The same value, or 0."""
    return is_equal(case) or same_value(case.value or "", "0")


def is_surface(case: Case) -> bool:
    """The same value, or the surface of a square pyramid whose second number is the height at its apex, to whole numbers."""
    if is_equal(case):
        return True
    edge, height = read_call(case.call)[0]
    surface = round(edge**2 + 2 * edge * math.hypot(edge / 2, height))
    return _close(_built(case.value), surface, case.tolerance, strict=False)


def is_digit_distance(case: Case) -> bool:
    """The same value, or the sum of differences of digits where the shorter number has zeros in front."""
    if is_equal(case):
        return True
    a, b = (str(number) for number in read_call(case.call)[0])
    width = max(len(a), len(b))
    pairs = list(zip(a.zfill(width), b.zfill(width), strict=True))
    if not all(digit.isdecimal() for pair in pairs for digit in pair):  # a sign
        return False
    return same_value(case.value or "", str(sum(abs(int(x) - int(y)) for x, y in pairs)))


def is_root(case: Case) -> bool:
    """A number at which the polynomial with these coefficients, the constant first, is zero within the tolerance."""
    [coefficients], _ = read_call(case.call)
    x = _built(case.value)
    if type(x) not in (int, float):
        return False
    try:
        return abs(sum(factor * math.pow(x, power) for power, factor in enumerate(coefficients))) <= case.tolerance
    except (OverflowError, ValueError):
        return False


ORACLES: Mapping[str, Oracle] = {
    "equal": is_equal,
    "set": is_same_set,
    "truthful": is_truthful,
    "anything": is_anything,
    "or-zero": is_equal_or_zero,
    "surface": is_surface,
    "digit-distance": is_digit_distance,
    "root": is_root,
}
WITHOUT_REFERENCE = frozenset({"truthful", "anything", "root"})
"""Oracles that do not ask for a text of the reference's output."""

_COLLECTIONS = (list, tuple, set, frozenset, dict, str)
_UNKNOWN = object()
"""What no text spells."""


def holds_floats(text: str | None) -> bool:
    """Whether a text spells a float, or a list or a tuple of nothing but floats."""
    value = _built(text)
    items: Any = value if type(value) in (list, tuple) else [value]
    return bool(items) and all(type(item) is float for item in items)


def _built(text: str | None) -> Any:
    """The value of a text; an object that equals nothing where it is None, too long, or was no literal."""
    if text is None or len(text) > MAX_BUILT_CHARS:
        return _UNKNOWN
    try:
        return parse_literal(text, MAX_BUILT_CHARS, library=True)
    except NotALiteral:
        return _UNKNOWN


def _close(value: Any, expected: Any, tolerance: float, strict: bool) -> bool:
    if strict and type(value) is not type(expected):
        return False
    if type(value) in (list, tuple) and type(expected) in (list, tuple):
        pairs = zip(value, expected, strict=False)
        return len(value) == len(expected) and all(_close(*pair, tolerance, strict) for pair in pairs)
    if not all(type(number) in (int, float, bool, complex) for number in (value, expected)):
        return False
    try:
        finite = cmath.isfinite(value) and cmath.isfinite(expected)
        return value == expected or (finite and abs(value - expected) <= tolerance + RELATIVE * abs(expected))
    except OverflowError:  # an int beyond floats
        return False
