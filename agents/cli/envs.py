"""The verb `envs`: the registered games."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape

from selfplay_envs import UsageError, game_ids
from selfplay_envs.names.options import parameters_of
from selfplay_envs.names.registration import game_spec, load_game

from ..arguments.parser import parse
from ..display.tables import make_console, print_table, say


@dataclass(frozen=True)
class Envs:
    """Lists the registered games: ids for `gym.make`, `selfplay check` and `selfplay play`."""


def envs(args: Sequence[str]) -> int:
    """`selfplay envs`: one row per game, with its keywords and their defaults."""
    parse(Envs, "envs", args)
    rows: list[list[str]] = []
    for env_id in game_ids():
        rows += [_row(env_id), []]
    console = make_console()
    headings = ("id, roles, task type", "what it is, and its keywords")
    print_table(console, "Games: gym.make(ID, keyword=...)", headings, rows, prose=1)
    say(console, "Every game also takes sandbox=, judge=, reward_role= and render_mode='ansi'.")
    say(console, "In a run a game's own keywords are set by --game-kwargs NAME=VALUE, and a judge by --judge NAME.")
    return 0


def _row(env_id: str) -> list[str]:
    """Cells of one game; somebody else's registration that does not load must not hide the others."""
    try:
        game = load_game(str(game_spec(env_id).kwargs["game"]))
    except UsageError as error:
        return [f"[bold]{escape(env_id)}[/bold]", f"[red]does not load:[/red] {escape(str(error))}"]
    line = (inspect.getdoc(game) or "").partition("\n")[0]
    keywords = ", ".join(f"{p.name}={p.default!r}" for p in parameters_of(game).values())
    name = f"[bold]{escape(env_id)}[/bold]\n{escape(', '.join(game.roles))}\n[dim]{escape(game.task_type)}[/dim]"
    return [name, f"{escape(line)}\n[dim]{escape(keywords)}[/dim]"]
