"""The verb `benchmarks`: public benchmarks by name, their facts, and how their rows are got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from selfplay_envs import UsageError
from selfplay_envs.core.text import did_you_mean
from selfplay_envs.names.options import parameters_of
from selfplay_envs.names.registry import unknown
from selfplay_envs.sources.registry import BENCHMARKS, FAMILIES, SOURCES, open_source
from selfplay_envs.sources.source import Source

from ..arguments.parser import parse
from ..display.tables import make_console, print_table, say, say_command


@dataclass(frozen=True)
class Benchmarks:
    """Lists the benchmarks that `selfplay eval --benchmark` and games of fixed problems take by name, or tells all of one."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="[NAME]")] = ""
    """A benchmark; by default all are listed."""


def benchmarks(args: Sequence[str]) -> int:
    """`selfplay benchmarks [NAME]`."""
    command = parse(Benchmarks, "benchmarks", args)
    console = make_console()
    if command.name:
        _tell(console, command.name)
    else:
        _list(console)
    return 0


def _list(console: Console) -> None:
    """A row per benchmark, and what else can be named in its place."""
    sources = [open_source(name) for name in BENCHMARKS]
    cells = [
        [
            f"[bold]{escape(one.name)}[/bold]",
            str(one.rows or "-"),
            escape(one.verifier),
            escape(one.licence or "-"),
            escape(_hub(one)),
        ]
        for one in sources
    ]
    print_table(console, "Benchmarks", ("name", "rows", "verifier", "licence", "rows are read from"), cells)
    others = [name for name in SOURCES.names() if name not in BENCHMARKS]
    say(console, f"Beside them: {', '.join(others)}, {', '.join(f'{name}:...' for name in FAMILIES)}, and files of rows.")
    say(console, "All about one, with its options and what its public harness counts differently:")
    say_command(console, "selfplay benchmarks NAME")
    say(console, "From a file of one's own, where the hub cannot be reached:")
    say_command(console, "selfplay eval --model tiny --benchmark NAME:path=FILE,limit=100")


def _tell(console: Console, name: str) -> None:
    """All facts of one.

    Raises:
        UsageError: It is not known.
    """
    if name not in SOURCES.names():
        raise UsageError(unknown("benchmark", name, SOURCES.names(), did_you_mean(name, SOURCES.names())))
    source, make = open_source(name), SOURCES.find(name)
    say(console, f"{source.name}: {source.rows or 'an unknown number of'} problems")
    facts = {
        "verifier": source.verifier,
        "prompt": source.prompt,
        "licence": source.licence,
        "rows from": _hub(source),
        "looked up": source.url,
        "paper": source.paper,
        "options": ", ".join(f"{option.name}={option.default!r}" for option in parameters_of(make).values()),
        "notes": source.notes,
    }
    for fact, text in facts.items():
        if text:
            say(console, f"  {fact}: {' '.join(text.split())}")
    say(console, "To measure a model on it, from the hub or from a file of its rows:")
    judged = " --against MODEL --judge JUDGE" if source.verifier == "free-text" else ""
    say_command(console, f"selfplay eval --model tiny --benchmark {name}{judged}")
    if "path" in parameters_of(make):
        say_command(console, f"selfplay eval --model tiny --benchmark {name}:path=FILE{judged}")


def _hub(source: Source) -> str:
    """Where its rows are read, without what is empty."""
    return source.origin.rstrip(":").replace("::", ":")
