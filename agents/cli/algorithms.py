"""The verb `algorithms`: the table of algorithms, and for one of them every setting that `--options` can change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated

import tyro

from ..arguments.game_ids import allow_local_modules
from ..arguments.parser import parse
from ..display.tables import make_console

if TYPE_CHECKING:
    from rich.console import Console

    from ..algorithms.algorithm import Algorithm
    from ..config.algorithm_settings import Setting
    from ..config.objective import Option


@dataclass(frozen=True)
class Algorithms:
    """Lists the algorithms; for one of them, what each of its settings means, is set to, and may be."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="[NAME]")] = ""
    """One row, or module:ROW for one of your own; by default all rows."""


def algorithms(args: Sequence[str]) -> int:
    """`selfplay algorithms [NAME]`."""
    command = parse(Algorithms, "algorithms", args)
    allow_local_modules()
    console = make_console()
    with console.status("loading torch ..."):
        from ..algorithms.table import ALGORITHMS, find_algorithm
    if command.name:
        _print_one(console, find_algorithm(command.name))
        return 0
    _print_all(console, list(ALGORITHMS.values()))
    return 0


def settings_of(algorithm: Algorithm) -> Iterator[tuple[str, Option, Setting]]:
    """Every setting of an algorithm: its name, its value, and what it means and takes."""
    from dataclasses import replace

    from ..algorithms.algorithm import Algorithm
    from ..batching.groups import GROUPINGS
    from ..config.algorithm_settings import Setting, meanings
    from ..config.objective import SETTINGS, Objective

    for name, value in algorithm.defaults.items():
        yield name, value, algorithm.setting(name)
    yield "group_by", algorithm.group_by, Setting(meaning=meanings(Algorithm)["group_by"], choices=tuple(GROUPINGS), kind=str)
    for field in fields(Objective):
        meaning = meanings(Objective).get(field.name, "")
        yield field.name, getattr(algorithm.objective, field.name), replace(SETTINGS[field.name], meaning=meaning)


def _print_one(console: Console, algorithm: Algorithm) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    title = f"[bold]{escape(algorithm.name)}[/]: {escape(_formulas(algorithm))}.\n{escape(algorithm.paper)}."
    console.print(f"{title}\n{escape(_staleness_note(algorithm))}")
    table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1, 1, 0), pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("meaning")
    for name, value, setting in settings_of(algorithm):
        name_and_value = f"[bold]{name}[/]\n{escape(_text(value))}"
        table.add_row(name_and_value, f"{escape(_plain(setting.meaning))}\n[dim]Values: {escape(setting.allowed)}.[/]")
    console.print(table)
    console.print(f"Change them by --options NAME VALUE ..., as in --algorithm {escape(algorithm.name)} --options kl_coef 0.04")


def _print_all(console: Console, algorithms: Sequence[Algorithm]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from ..config.objective import Objective

    console.print("[bold]Algorithms[/]: selfplay train PRESET --algorithm NAME --options SETTING VALUE ...")
    plain = Objective()
    table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1, 1, 0), pad_edge=False)
    table.add_column("name", no_wrap=True, style="bold")
    table.add_column("what it is")
    for algorithm in algorithms:
        objective = {field.name: getattr(algorithm.objective, field.name) for field in fields(Objective)}
        changed = {name: value for name, value in algorithm.defaults.items() if value != algorithm.setting(name).off}
        changed |= {name: value for name, value in objective.items() if value != getattr(plain, name)}
        settings = ", ".join(f"{name} {_text(value)}" for name, value in changed.items())
        lines = [_formulas(algorithm) + ".", *([settings] if settings else []), f"[dim]{escape(algorithm.paper)}[/]"]
        table.add_row(escape(algorithm.name), "\n".join(lines))
    console.print(table)
    console.print(
        "`selfplay algorithms NAME` explains every setting of a row, also those that all rows share, such as kl_coef and "
        "entropy_coef. An algorithm of your own: --algorithm module:ROW (examples/add_an_algorithm.py)."
    )


def _formulas(algorithm: Algorithm) -> str:
    return f"{algorithm.advantage.__name__} within {algorithm.group_by}, {algorithm.loss.__name__}"


def _staleness_note(algorithm: Algorithm) -> str:
    """Sentence on several optimiser steps on a batch, and on messages of an older policy."""
    if algorithm.has_ratio:
        return (
            "Ratios of new to old probability are 1 at the first optimiser step on a batch, so with one step per batch, the "
            "default, nothing that acts on ratios does anything: set learner.epochs or learner.mini_batches above 1, or let "
            "the sampler lag behind (staleness)."
        )
    if algorithm.imitates:
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
