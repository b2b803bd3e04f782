"""Proofs by reading a program: that its calls cannot meet, and that they return the same every time.

An allow-list. A program that it does not admit runs call by call, in a process for each, and is run several times where
a job asks for determinism. The calls of a `STEADY` program cannot tell whether others run in their process: it
reaches no module, class or builtin that it could change, no address and no hash order shows in its values, and it finds the
stack and the caches of the library as they were. A `PURE` program moreover keeps nothing from one call to the next: its value
is a function of its arguments.

Addresses show in the text of functions, iterators and methods, and in the order of a set that holds one. So a program may keep
such objects as values, or write text and make sets, but not both. The hash of NaN is an address too: no sorted sets beside
floats.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import Any

from ..core.types import Job
from ..protocol.literals import NotALiteral, read_call
from .bindings import Unproved
from .reader import Findings, read_program
from .set_order import SetOrder

__all__ = ["Purity", "purity_of", "why_alone"]


class Purity(IntEnum):
    """The property that is proved of a job's calls."""

    ALONE = 0
    """Nothing."""
    STEADY = 1
    """They cannot meet, and do not depend on chance; but one may leave something for the next in the same globals."""
    PURE = 2
    """Nor that: one run says what all runs say."""


def purity_of(job: Job) -> Purity:
    """The property that is proved of the calls of this job, given its program and their arguments."""
    findings = _read(job.program)
    if findings is None:
        return Purity.ALONE
    steady = Purity.PURE if findings.keeps_nothing and job.entry_point not in findings.module_names else Purity.STEADY
    sets = any("{" in call or "set" in call or not call.isascii() for call in job.calls)  # only then can one hold a set
    if not sets and not (findings.order is SetOrder.SORTED and not findings.floats):
        return Purity.ALONE if findings.order is SetOrder.SORTED else steady
    values = [_values(call) for call in job.calls]
    if sets and any(_holds(value, (set, frozenset)) for value in values):
        return Purity.ALONE
    nan = findings.floats or any(_holds(value, (float, complex)) for value in values)  # could be among what is sorted
    return Purity.ALONE if nan and findings.order is SetOrder.SORTED else steady


def why_alone(program: str) -> str:
    """Why a program is not admitted whatever its arguments, in a few words; empty where it is."""
    try:
        read_program(program)
    except Unproved as reason:
        return str(reason)
    return ""


@lru_cache(maxsize=4_096)
def _read(program: str) -> Findings | None:
    try:
        return read_program(program)
    except (Unproved, RecursionError):
        return None


def _values(call: str) -> Any:
    try:
        return read_call(call)
    except NotALiteral:  # then it is not run either
        return None


def _holds(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a value of one of these types is part of a literal value."""
    if isinstance(value, kinds):
        return True
    if isinstance(value, dict):
        return any(_holds(part, kinds) for pair in value.items() for part in pair)
    return isinstance(value, (list, tuple, set, frozenset)) and any(_holds(part, kinds) for part in value)
