"""The work of a forked child: compile a program, read the arguments, call, and report each result as it is known.

From the first call on, the program shares this process and may break everything in it. That costs it only its own
verdict: the host knows no more of a value than "the program says so", and whether the child lived is for the parent to say.
"""

from __future__ import annotations

import builtins
import marshal
import mmap
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

from ..protocol.canonical import NotSerialisable, TooLarge, canonical
from ..protocol.library import name_of_type
from ..protocol.literals import NotALiteral, read_call
from ..protocol.wire import Tag, page_is_full, records

Emit = Callable[[Tag, str], int]
"""Writes one record where the host will find it; returns the bytes written so far."""

_MORE_RUNS_S = 0.02
_HEAP_SIZES = (*range(0, 480, 16), *range(512, 2_560, 256))  # one for each class of small objects, and those of code
_BLOCKS_OF_A_SIZE = 16

# Given back when memory runs out, so that there is room to say so. Mapped by the parent and never touched: it has no pages.
_ballast = mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


@dataclass(frozen=True, slots=True)
class Work:
    """A decoded job, as the child sees it."""

    program: str
    entry_point: str
    calls: tuple[str, ...]
    output_bytes: int
    min_runs: int
    """Number of times that each call is made at least. Unequal results are nondeterministic."""
    max_runs: int
    """Number of times that it is made if that takes little time: in pairs, the two of a pair in the same globals, each pair at
    other addresses."""

    @classmethod
    def decode(cls, payload: bytes, output_bytes: int, min_runs: int, max_runs: int) -> Work:
        """The job that the host wrote into `payload`."""
        program, entry_point, *calls = [text for _, text in records(payload)]  # in this order, as `Frame.encode` writes them
        return cls(program, entry_point, tuple(calls), output_bytes, min_runs, max_runs)


def run_work(work: Work, emit: Emit) -> None:
    """Runs every call of `work` and emits one record for each, in order; one SYNTAX_ERROR record if it does not compile.

    Stops early when the page could not hold the next result, or when memory has run out: the host sends the rest again.
    """
    try:
        code = compile(work.program.removeprefix("\ufeff"), "<program>", "exec", dont_inherit=True)
    except BaseException as error:  # SyntaxError, ValueError for NUL, MemoryError and RecursionError for nesting
        emit(Tag.SYNTAX_ERROR, name_of_type(type(error)))
        return
    arguments = [_read(text, work.max_runs) for text in work.calls]  # all of them before the program can touch the reader
    used_bytes = 0
    loaded = False
    fresh = _Fresh(code, many=work.max_runs > 1 or len(arguments) > 1)

    def on_loaded() -> None:
        nonlocal loaded
        if not loaded:
            emit(Tag.LOADED, "")
        loaded = True

    for copies in arguments:
        if page_is_full(used_bytes, work.output_bytes):
            return
        if copies is None:
            used_bytes = emit(Tag.FORBIDDEN, "arguments are not literals")
            continue
        try:
            tag, text = _run_call(fresh, work, copies, on_loaded)
        except MemoryError:
            _ballast.close()
            emit(Tag.MEMORY, "MemoryError")
            return  # this process has little room left; the other calls get a new one
        except NotSerialisable as error:
            tag, text = Tag.NOT_SERIALISABLE, str(error)
        except TooLarge:
            tag, text = Tag.TOO_LARGE, f"longer than {work.output_bytes} bytes"
        except BaseException as error:
            tag, text = Tag.EXCEPTION, name_of_type(type(error))[:80]
        used_bytes = emit(tag, text)


def _read(text: str, count: int) -> list[tuple[list[Any], dict[str, Any]]] | None:
    """One fresh copy of the argument objects for each time the call is made; None when they are not literals."""
    try:
        return [read_call(text) for _ in range(count)]
    except NotALiteral:
        return None


def _run_call(
    fresh: _Fresh,
    work: Work,
    copies: list[tuple[list[Any], dict[str, Any]]],
    on_loaded: Callable[[], None],
) -> tuple[Tag, str]:
    """One call in fresh globals, or several, of which the second of a pair shows counters and changed defaults."""
    first: str | None = None
    function: Any = None
    kept_alive: list[bytes] = []
    began = time.monotonic() if work.max_runs > 1 else 0.0
    for number, (positional, keywords) in enumerate(copies):
        if number >= work.min_runs and time.monotonic() - began > _MORE_RUNS_S:
            break
        try:
            if number % 2 == 0:
                kept_alive = _shuffle_heap() if work.max_runs > 2 else kept_alive
                names = _load(fresh.get())
                on_loaded()
                if work.entry_point not in names:
                    return Tag.EXCEPTION, "NameError"
                function = names[work.entry_point]
            text = canonical(function(*positional, **keywords), work.output_bytes)
        except MemoryError:
            if number < work.min_runs or first is None:
                raise
            break  # what the runs before it have left behind
        except BaseException:
            if first is None:
                raise
            return Tag.NONDETERMINISTIC, "another run raised"
        if first is not None and text != first:
            return Tag.NONDETERMINISTIC, "two runs in one process disagree"
        first = text
    assert first is not None
    if len(first.encode("utf-8", "backslashreplace")) > work.output_bytes:
        raise TooLarge("in UTF-8")
    return Tag.VALUE, first


class _Fresh:
    """Code as it was compiled, each time: code that has run takes less of the stack than code that has not."""

    def __init__(self, code: CodeType, many: bool) -> None:
        self._code = code
        self._text = marshal.dumps(code) if many else b""

    def get(self) -> CodeType:
        """Code that has not run."""
        return marshal.loads(self._text) if self._text else self._code


def _load(code: CodeType) -> dict[str, Any]:
    """The globals of a program whose module level has run."""
    module = ModuleType("__program__")
    sys.modules[module.__name__] = module  # dataclasses, pickle and type hints look a program's classes up there
    names: dict[str, Any] = module.__dict__
    names["__builtins__"] = builtins
    exec(code, names)
    return names


def _shuffle_heap() -> list[bytes]:
    """Leaves free places of every size in an order of chance, so that what is made next lies elsewhere each time.

    Returns:
        The objects that have to stay alive for that.
    """
    blocks = [bytes(size) for size in _HEAP_SIZES for _ in range(_BLOCKS_OF_A_SIZE)]
    chance = os.urandom(2 * len(blocks))
    order = sorted(range(len(blocks)), key=lambda index: chance[2 * index : 2 * index + 2])
    kept = [blocks[index] for index in order[::2]]
    gone = [blocks[index] for index in order[1::2]]
    del blocks
    while gone:
        gone.pop()
    return kept
