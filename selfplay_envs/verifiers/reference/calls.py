"""Calls of a program with arguments of any length, as jobs: arguments that a sandbox does not read travel in the program."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from sandboxes import Job, Limits, NotALiteral, NotSerialisable, canonical, parse_arguments
from sandboxes.protocol.literals import MAX_LITERAL_CHARS

_EVALUATED = "*[], "  # no arguments: it says that those behind it are not literals
_CALL = "_call_with_packed_arguments"
# The text is a data set's and no player's; it is evaluated in the sandbox all the same.
_PACKED = """

def {call}():
    import base64, zlib
    text = zlib.decompress(base64.b85decode("{packed}")).decode()
    return eval("program(" + text + ")", {{"nan": float("nan"), "inf": float("inf"), "program": {entry_point}}})
"""


def argument_list(arguments: Sequence[Any] | str) -> str:
    """The text of a call's arguments: canonical, or as Python spells them, behind `*[], `, where one is no literal.

    Args:
        arguments: Positional ones, made of plain values and NaN; or the text of an argument list, such as `[1], key='a'`.
    """
    if isinstance(arguments, str):
        try:
            return parse_arguments(arguments)
        except NotALiteral:
            return _EVALUATED + arguments
    try:
        return ", ".join([canonical(argument) for argument in arguments])
    except NotSerialisable:
        return _EVALUATED + ", ".join(map(repr, arguments))


def calling_jobs(program: str, entry_point: str, calls: Sequence[str], limits: Limits) -> list[Job]:
    """Jobs whose calls are these, in order: one for each run of argument lists that a sandbox reads, one for each other.

    Args:
        program: Python source, hostile or not.
        entry_point: The name of the function to call.
        calls: Texts of `argument_list`.
        limits: Of each job.
    """
    jobs: list[Job] = []
    for is_read, texts in groupby(calls, lambda call: len(call) <= MAX_LITERAL_CHARS and not call.startswith(_EVALUATED)):
        if is_read:
            jobs.append(Job(program=program, calls=tuple(texts), entry_point=entry_point, limits=limits, may_meet=True))
            continue
        for text in texts:
            packed = base64.b85encode(zlib.compress(text.encode(), 9)).decode()
            whole = program + _PACKED.format(call=_CALL, packed=packed, entry_point=entry_point)
            jobs.append(Job(program=whole, calls=("",), entry_point=_CALL, limits=limits))
    return jobs
