"""The verb `algorithms`: the table of rows, and for one of them what every setting means that `--options` can change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import tyro

from .terminal import import_from_here, make_console, parse

if TYPE_CHECKING:
    from rich.console import Console

    from ..algorithm import Algorithm
    from ..objective import Option
    from ..settings import Setting


@dataclass(frozen=True)
class Algorithms:
    """Lists the algorithms; for one of them, what each of its settings means, is set to, and may be."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="[NAME]")] = ""
    """One row, or module:ROW for one of your own; by default all rows."""


def algorithms(args: Sequence[str]) -> int:
    """`selfplay algorithms [NAME]`."""
    command = parse(Algorithms, "algorithms", args)
    import_from_here()
    console = make_console()
    with console.status("loading torch ..."):
        from ..algorithms import ALGORITHMS, find_algorithm
    if command.name:
        _print_row(console, find_algorithm(command.name))
        return 0
    _print_all(console, list(ALGORITHMS.values()))
    return 0


def explained(row: Algorithm) -> Iterator[tuple[str, Option, Setting]]:
    """Every setting of a row: its name, its value, and what it means and takes."""
    from dataclasses import replace

    from ..algorithm import Algorithm
    from ..batch import GROUPINGS
    from ..objective import SETTINGS, Objective
    from ..settings import Setting, meanings

    for name, value in row.defaults.items():
        yield name, value, row.setting(name)
    yield "group_by", row.group_by, Setting(meaning=meanings(Algorithm)["group_by"], choices=tuple(GROUPINGS), kind=str)
    for one in fields(Objective):
        meaning = meanings(Objective).get(one.name, "")
        yield one.name, getattr(row.objective, one.name), replace(SETTINGS[one.name], meaning=meaning)


def _print_row(console: Console, row: Algorithm) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    console.print(f"[bold]{escape(row.name)}[/]: {escape(_how(row))}.\n{escape(row.paper)}.\n{escape(_note(row))}")
    table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1, 1, 0), pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("meaning")
    for name, value, setting in explained(row):
        told = f"[bold]{name}[/]\n{escape(_text(value))}"
        table.add_row(told, f"{escape(_plain(setting.meaning))}\n[dim]Values: {escape(setting.allowed)}.[/]")
    console.print(table)
    console.print(f"Change them by --options NAME VALUE ..., as in --algorithm {escape(row.name)} --options kl_coef 0.04")


def _print_all(console: Console, rows: Sequence[Algorithm]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from ..objective import Objective

    console.print("[bold]Algorithms[/]: selfplay train PRESET --algorithm NAME --options SETTING VALUE ...")
    plain = Objective()
    table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1, 1, 0), pad_edge=False)
    table.add_column("name", no_wrap=True, style="bold")
    table.add_column("what it is")
    for row in rows:
        around = {one.name: getattr(row.objective, one.name) for one in fields(Objective)}
        own = {name: value for name, value in row.defaults.items() if value != row.setting(name).off}
        own |= {name: value for name, value in around.items() if value != getattr(plain, name)}
        settings = ", ".join(f"{name} {_text(value)}" for name, value in own.items())
        lines = [_how(row) + ".", *([settings] if settings else []), f"[dim]{escape(row.paper)}[/]"]
        table.add_row(escape(row.name), "\n".join(lines))
    console.print(table)
    console.print(
        "`selfplay algorithms NAME` explains every setting of a row, also those that all rows share, such as kl_coef and "
        "entropy_coef. An algorithm of your own: --algorithm module:ROW (examples/add_an_algorithm.py)."
    )


def _how(row: Algorithm) -> str:
    return f"{row.advantage.__name__} within {row.group_by}, {row.loss.__name__}"


def _note(row: Algorithm) -> str:
    """What the row does with several optimiser steps on a batch, and with messages of an older policy."""
    if row.has_ratio:
        return (
            "Ratios of new to old probability are 1 at the first optimiser step on a batch, so with one step per batch, the "
            "default, nothing that acts on ratios does anything: set learner.epochs or learner.mini_batches above 1, or let "
            "the sampler lag behind (staleness)."
        )
    if row.imitates:
        return (
            "It learns from given messages, whoever said them: several optimiser steps on a batch (learner.epochs, "
            "learner.mini_batches) and messages of an older policy (staleness) are ordinary supervised training."
        )
    return (
        "It has no ratio of new to old probability: several optimiser steps on a batch are refused, and messages of an older "
        "policy (staleness) too unless tis_cap corrects for them."
    )


def _text(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "(empty)"


def _plain(meaning: str) -> str:
    """A docstring's text without its marks of code."""
    return meaning.replace("`", "")
