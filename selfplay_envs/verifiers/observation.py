"""Calls of a tested program, and their results as canonical text: all that tests learn of the program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandboxes import CallOutcome, Job, Limits, NotALiteral, Status, canonical, parse_literal

_OBSERVE = "_observe_candidate"
# Reports an exception under its nearest builtin name.
_HARNESS = """

def {observe}(*positional, **keywords):
    try:
        kind, value = "value", {name}(*positional, **keywords)
    except MemoryError:
        raise
    except Exception as error:
        builtin = next(base for base in type(error).__mro__ if base.__module__ == "builtins")
        kind, value = "raised", [builtin.__name__, [str(argument)[:1000] for argument in error.args]]
    return kind, value, [list(positional), keywords]
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of one call, as a row of the table that tests are given."""

    arguments: str
    """Canonical text of `[positional, keywords]`."""
    kind: str
    """`value`, `raised`, `unserialisable` or `no_return`; see `inside.unit_tests.Entry`."""
    value: str = "None"
    """Canonical text of the value, literal or of a library type, or of `[name, reasons]` of the exception."""
    after: str = "None"
    """Canonical text of the arguments as the call left them, or of None if it left them alone."""

    @property
    def text(self) -> str:
        """The row as Python source."""
        return f"({self.arguments}, {self.kind!r}, {self.value}, {self.after})"

    @property
    def changes_arguments(self) -> bool:
        """Whether the call changed an object that it was given."""
        return self.after != "None"


def observing_job(program: str, entry_point: str, calls: Iterable[str], limits: Limits) -> Job:
    """The job that makes these calls of a program, which must parse by itself; `read_observation` reads its outcomes."""
    text = program + _HARNESS.format(observe=_OBSERVE, name=entry_point)
    return Job(program=text, calls=tuple(calls), entry_point=_OBSERVE, limits=limits, may_meet=True)


def read_observation(arguments: str, call: CallOutcome) -> Observation:
    """The result of the call with these arguments, canonical text of `[positional, keywords]`.

    The program shares its process with the harness and may answer in its place; an answer that has the form of a result is
    taken for the result, which the program could have returned just as well.
    """
    if call.status in (Status.NOT_SERIALISABLE, Status.OUTPUT_TOO_LARGE):
        return Observation(arguments, "unserialisable")
    if call.status is not Status.OK or call.value is None:
        return Observation(arguments, "no_return")
    try:
        answer = parse_literal(call.value, len(call.value), library=True)
    except NotALiteral:
        return Observation(arguments, "no_return")
    match answer:
        case ("value", value, [list() as given, dict() as named]):
            kind = "value"
        case ("raised", [str(), [*reasons]] as value, [list() as given, dict() as named]) if {*map(type, reasons)} <= {str}:
            kind = "raised"
        case _:
            return Observation(arguments, "no_return")
    after = canonical([given, named])
    return Observation(arguments, kind, canonical(value), "None" if after == arguments else after)
