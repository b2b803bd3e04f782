"""The verb `algorithms`: the table of rows, with every setting that `--options` can change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import tyro

from .terminal import import_from_here, make_console, parse


@dataclass(frozen=True)
class Algorithms:
    """Lists the algorithms: how each compares messages, its settings, and the paper to read."""

    name: tyro.conf.Positional[str] = ""
    """One row, with what its surroundings are set to; by default all rows."""


def algorithms(args: Sequence[str]) -> int:
    """`selfplay algorithms [NAME]`."""
    command = parse(Algorithms, "algorithms", args)
    import_from_here()
    console = make_console()
    with console.status("loading torch ..."):
        from ..algorithms import ALGORITHMS, find_algorithm
        from ..objective import Objective
    from rich.markup import escape
    from rich.table import Table

    rows = [find_algorithm(command.name)] if command.name else list(ALGORITHMS.values())
    table = Table(title="Algorithms: selfplay train PRESET --algorithm NAME --options KEY VALUE ...", title_justify="left")
    table.add_column("name", no_wrap=True, style="bold")
    table.add_column("compares within", no_wrap=True)
    table.add_column("advantage, loss", no_wrap=True)
    table.add_column("settings", overflow="fold")
    table.add_column("paper", overflow="fold")
    plain = Objective()
    for row in rows:
        own = {"group_by": row.group_by} if command.name else {}
        own |= {one.name: getattr(row.objective, one.name) for one in fields(Objective)}
        shown = {name: value for name, value in own.items() if command.name or value != getattr(plain, name, None)}
        settings = "\n".join(f"{name} {value}" for name, value in {**row.defaults, **shown}.items())
        maths = f"{row.advantage.__name__}\n{row.loss.__name__}"
        table.add_row(row.name, row.group_by, maths, escape(settings), escape(row.paper))
    console.print(table)
    console.print(
        "Every row also takes the settings of agents/objective.py, such as --options kl_coef 0.04 entropy_coef 0.001; "
        "`selfplay algorithms NAME` shows all of them. An algorithm of your own: --algorithm module:ROW "
        "(examples/add_an_algorithm.py)."
    )
    return 0
