"""Sources by text: a file, a benchmark by name, the hub, a generator, or what a package adds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from inspect import Parameter
from pathlib import Path
from typing import Any

from ..core.errors import UsageError
from ..core.text import did_you_mean
from ..names.loading import load_named
from ..names.options import parameters_of, read_options, typed_options
from ..names.registry import Registry, unknown
from ..tasks.problem import Problem
from ..verifiers.answers.table import find_answer_verifier
from .columns import read_columns
from .hub import read_hub
from .problems import is_chat, problems_in
from .rows import FILES, PACKED, read_rows
from .source import Source

SAMPLE = Path(__file__).parent / "sample.jsonl"
_BENCHMARKS = "selfplay_envs.benchmarks"
BENCHMARKS: Mapping[str, str] = {
    "cruxeval-i": f"{_BENCHMARKS}.cruxeval:cruxeval_i",
    "cruxeval-o": f"{_BENCHMARKS}.cruxeval:cruxeval_o",
    "humaneval": f"{_BENCHMARKS}.human_eval:humaneval",
    "humaneval+": f"{_BENCHMARKS}.evalplus:humaneval_plus",
    "mbpp": f"{_BENCHMARKS}.mbpp:mbpp",
    "mbpp+": f"{_BENCHMARKS}.evalplus:mbpp_plus",
    "livecodebench-exec": f"{_BENCHMARKS}.livecodebench:livecodebench_exec",
    "gsm8k": f"{_BENCHMARKS}.gsm8k:gsm8k",
    "math500": f"{_BENCHMARKS}.competitions:math500",
    "aime24": f"{_BENCHMARKS}.competitions:aime24",
    "aime25": f"{_BENCHMARKS}.competitions:aime25",
    "amc23": f"{_BENCHMARKS}.competitions:amc23",
    "minerva": f"{_BENCHMARKS}.competitions:minerva",
    "ifeval": f"{_BENCHMARKS}.ifeval:ifeval",
    "olympiadbench": f"{_BENCHMARKS}.olympiadbench:olympiadbench",
    "alpacaeval": f"{_BENCHMARKS}.alpacaeval:alpacaeval",
}
"""Public benchmarks: a `Benchmark` or a function with its keywords."""
SOURCES: Registry[Callable[..., Source]] = Registry(
    "source",
    {
        "sample": "selfplay_envs.sources.registry:sample",
        "alpaca": f"{_BENCHMARKS}.alpacaeval:alpaca",
        **BENCHMARKS,
    },
    group="selfplay_envs.sources",
    what="a function that returns a Source",
    fits=callable,
    takes=0,
)
"""Functions that return a `Source`, whose keywords are the options of the text."""
FAMILIES: Mapping[str, str] = {
    "hf": "selfplay_envs.sources.registry:hub",
    "reasoning-gym": "selfplay_envs.sources.reasoning_gym:reasoning_gym",
}
"""Sources whose text says more than options, `NAME:PART:PART:key=value`: functions of the parts and the options."""
FORMS = f"a file ({', '.join(FILES)}), {':..., '.join(FAMILIES)}:..., or module:FUNCTION"
_READING = threading.RLock()
"""Held while a source is read to be kept, so that a hundred lanes read it once."""


def open_source(text: str, verifier: str = "", columns: str = "") -> Source:
    """The source of that text. It reads nothing, save the first row of a file that no verifier is named for.

    Args:
        text: A file, `hf:ID[:config][:split]`, a name of `SOURCES`, or `module:FUNCTION`; each with options, as in
            `gsm8k:path=gsm8k.jsonl,limit=100`.
        verifier: Of its problems, in place of its own. A file has none of its own, unless its rows are chats.
        columns: Renames columns of a file or of the hub, as in `question=problem,answer=final_answer`.

    Raises:
        UsageError: The text, the verifier or the columns are wrong.
    """
    path = file_of(text)
    if path and not verifier and "verifier=" not in text and is_chat(next(read_rows(Path(path)))[1]):
        verifier = "chat"
    return _open(text, verifier, columns)


@lru_cache(maxsize=64)
def _open(text: str, verifier: str, columns: str) -> Source:
    make = _maker(text)
    given = {name: value for name, value in (("verifier", verifier), ("columns", columns)) if value}
    for name, value in given.items():
        if isinstance(make, partial) and name in make.keywords:
            raise UsageError(f"source={text!r} names a {name}, and so does {name}={value!r}; leave one of them out.")
        if name not in parameters_of(make):
            raise UsageError(f"source={text!r} knows no {name} but its own; leave {name}={value!r} out.")
    source: Any = make(**given)
    if not isinstance(source, Source):
        raise UsageError(f"source={text!r} makes {source!r:.60}, which is no Source; return one from that function.")
    find_answer_verifier(source.verifier)
    return source


def _maker(text: str) -> Callable[..., Source]:
    """What makes the source of a text, with the parts and the options of the text bound."""
    head, _, rest = text.partition(":")
    if file_of(text):
        make, parts, options = file, [head], rest
    elif head in FAMILIES:
        make = load_named(FAMILIES[head], "source")
        pieces = rest.split(":")
        first = next((number for number, piece in enumerate(pieces) if "=" in piece), len(pieces))
        parts, options = pieces[:first], ":".join(pieces[first:])
    elif head in SOURCES.names() or rest:
        return SOURCES.find(text)
    else:
        raise UsageError(unknown("source", text, SOURCES.names(), did_you_mean(text, SOURCES.names()), FORMS))
    most = [parameter for parameter in parameters_of(make).values() if parameter.kind is not Parameter.KEYWORD_ONLY]
    if not parts or not parts[0] or len(parts) > len(most):
        form = ":".join((head, *(parameter.name.upper() for parameter in most)))
        raise UsageError(
            f"source={text!r} is not of the form {form}:key=value, of which all but the first name may be left out."
        )
    return partial(make, *parts, **typed_options(make, read_options(options, text, "source"), text, "source", takes=len(parts)))


def file_of(text: str) -> str:
    """The path in the text of a source that is a file; empty: it is none."""
    head = text.partition(":")[0]
    ending = Path(head).suffix.lower()
    return head if ending in (*FILES, *PACKED) or ("/" in head and ending != ".py") else ""


def problems_of(source: Source) -> tuple[Problem, ...]:
    """All problems of a source, kept in memory, a few sources at most; a local file that has changed is read anew.

    `source.read()` keeps none.
    """
    with _READING:
        return _kept(source, _state_of(source.file))


@lru_cache(maxsize=8)
def _kept(source: Source, state: tuple[int, ...]) -> tuple[Problem, ...]:
    return tuple(source.read())


def _state_of(file: str) -> tuple[int, ...]:
    """What tells one content of a file from the next; empty where there is no file."""
    if not file or not Path(file).exists():
        return ()
    now = Path(file).stat()
    return (now.st_ino, now.st_size, now.st_mtime_ns)


def benchmarks() -> tuple[Source, ...]:
    """All public benchmarks with their facts; reads no row."""
    return tuple(open_source(name) for name in BENCHMARKS)


def sample(*, verifier: str = "numeric", limit: int = 0) -> Source:
    """A few problems of arithmetic that ship with the package, so that every game has something to ask."""
    return replace(file(str(SAMPLE), verifier=verifier, limit=limit), name="sample", rows=12)


def file(path: str, *, verifier: str = "", limit: int = 0, columns: str = "") -> Source:
    """The rows of a local file."""
    _check(path, verifier, columns)
    return Source(
        name=Path(path).stem,
        read=lambda: problems_in(read_rows(Path(path)), verifier, columns=columns, limit=limit),
        verifier=verifier,
        origin=path,
        file=path,
    )


def hub(name: str, config: str = "", split: str = "test", *, verifier: str = "", limit: int = 0, columns: str = "") -> Source:
    """The rows of a split on the hub, or of a local folder in the form of the hub; see `read_hub`."""
    origin = f"hf:{name}:{config}:{split}"
    _check(origin, verifier, columns)

    def read() -> Iterator[Problem]:
        rows = read_hub(name, config, split, remedy="give a local file as the source")
        return problems_in(rows, verifier, columns=columns, limit=limit)

    return Source(name="-".join(filter(None, (Path(name).name, config))), read=read, verifier=verifier, origin=origin)


def _check(origin: str, verifier: str, columns: str) -> None:
    read_columns(columns)
    if not verifier:
        raise UsageError(
            f"source={origin!r}: its rows say nothing of how answers are judged; give verifier=NAME (chats: chat)."
        )
