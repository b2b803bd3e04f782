"""The verb `check`: the conformance suite on one game, or the gold answers of tasks through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from sandboxes import check_packages
from selfplay_envs import Referee, UsageError, make_game
from selfplay_envs.conformance.gold import check_gold
from selfplay_envs.conformance.moves import read_moves
from selfplay_envs.conformance.suite import check_game, panels
from selfplay_envs.core.text import printable
from selfplay_envs.sources.registry import open_source
from selfplay_envs.verifiers.answers.table import find_answer_verifier

from ..arguments.game_ids import resolve_game
from ..arguments.parser import parse
from ..config.game_keywords import keywords_of
from ..display.progress import WorkProgress
from ..display.tables import make_console, print_table, say, say_line
from ..evaluation.task_sets import SourceTasks
from ..evaluation.tasks import load_tasks

GOLD_COLUMNS = ("holds", "fails", "void", "no gold", "refused", "right as well")
"""Columns of the table of gold answers: tasks, then replies in the place of a gold one."""
NAMED = 50
"""Tasks that are named of each kind."""


@dataclass(frozen=True)
class Check:
    """Runs the conformance suite on a game: gymnasium's and PettingZoo's own checks, determinism, replay, lanes, credits.

    Players say legal moves, which the game offers with `sample_action` or a file lists, mixed with random text; a game of which
    no legal move was met does not pass. Under pytest the same suite is `pytest --selfplay-game ID`.

    With `--source` or `--tasks` it checks gold answers instead: each must be right, and not be right any more when it is
    exchanged for another one. It fails if one is not so, or if no task has gold.
    """

    game: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="GAME")]
    """An id from `selfplay envs`, or `module:ID` to import the module that registers it first."""
    attempts: tuple[int, ...] = (1, 4)
    """Panel sizes to check, one after the other."""
    seed: int = 0
    """Seeds everything; the same seed gives the same checks."""
    moves: Path | None = None
    """Legal moves of a game without `sample_action`: a file of lines {"role": "first", "text": "..."}. In every second
    episode a player says those of its role one after another, and over again; in the others it says one at random."""
    sandbox: str = "auto"
    """What runs programs: auto, docker or process."""
    source: str = ""
    """Fixed problems whose gold answers to check: a file, `hf:ID`, `reasoning-gym:NAME`, or a benchmark's name. For games with
    a keyword `source`, such as SelfPlay/Dataset-v0, as are the next three."""
    verifier: str = ""
    """How answers are judged; empty: as the source says."""
    prompt: str = ""
    """Wording: full, terse, or a template; empty: as the source says."""
    columns: str = ""
    """Renames columns of a file: question=problem,answer=final_answer."""
    tasks: Path | None = None
    """Tasks of the game whose gold answers to check: a file of lines {"env_id": ..., "task": {...}}."""
    limit: int = 0
    """Tasks to check, the first ones; 0: all."""
    judge: str = "rules"
    """Who scores answers, in games that ask, as in `selfplay train`; not `self`, as there is no model here."""


def check(args: Sequence[str]) -> int:
    """`selfplay check ID`: one line per check, or gold answers; 1 if one of them fails."""
    command = parse(Check, "check", args)
    env_id = resolve_game(command.game)
    console = make_console()
    if command.source or command.tasks is not None:
        return _check_gold(command, env_id, console)
    for name in ("verifier", "prompt", "columns", "limit"):
        if getattr(command, name):
            raise UsageError(f"{name}={getattr(command, name)!r} is for gold answers; name their --source, or --tasks FILE.")
    moves = None if command.moves is None else read_moves(command.moves, make_game(env_id))
    failures = count = 0
    for size in panels(env_id, command.attempts):
        title = " ".join([escape(env_id), *(f"attempts={attempts}" for attempts in size.values())])
        with console.status(f"checking {title} ..."):
            results = check_game(env_id, seed=command.seed, moves=moves, sandbox=command.sandbox, judge=command.judge, **size)
        console.print(f"[bold]{title}[/bold]")
        for result in results:
            mark = "[green]ok  [/green]" if result.ok else "[red]FAIL[/red]"
            say_line(console, Text.from_markup(f"  {mark} {result.name:<24} {escape(result.detail)}"))
        failures += sum(not result.ok for result in results)
        count += len(results)
    console.print(f"{count - failures} of {count} checks hold." if failures else f"All {count} checks hold.")
    return 1 if failures else 0


def _check_gold(command: Check, env_id: str, console: Console) -> int:
    """Gold answers through the game, with a line for each that does not hold."""
    name, kwargs, tasks, total = _gold_tasks(command, env_id)
    found: Counter[str] = Counter()
    with WorkProgress(console, name, total, "tasks") as progress:
        for results in check_gold(env_id, tasks, Referee(command.sandbox, command.judge), kwargs):
            progress.add(0, len(results))
            for one in results:
                found.update({one.result: 1, "refused": one.refused, "right as well": one.equal})
                if one.result != "holds" and found[one.result] <= NAMED:
                    mark = Text(f"  {one.result:<7}", style={"fails": "red", "void": "yellow"}.get(one.result, "dim"))
                    say_line(console, mark + Text(printable(f" {one.name}  {one.reason}".rstrip())))
    for result in ("fails", "void", "no gold"):
        if found[result] > NAMED:
            say(console, f"  {result}: {found[result] - NAMED:,} more that are not named here.")
    rows = [(name, str(total), *(str(found[column]) for column in GOLD_COLUMNS))]
    print_table(console, "Gold answers", ("source", "tasks", *GOLD_COLUMNS), [tuple(map(escape, row)) for row in rows])
    say(console, _gold_sentence(found))
    return 0 if found["holds"] and not found["fails"] else 1


def _gold_tasks(command: Check, env_id: str) -> tuple[str, dict[str, Any], Iterable[Mapping[str, Any]], int]:
    """The tasks' name, keywords of the game, the tasks, and their number; every row is read once by then.

    Raises:
        UsageError: The game has no such keyword, or the source is wrong; names the row.
        AgentError: The file of tasks is wrong, or holds none of this game.
        SandboxUnavailable: A package that the verifier needs is not installed.
    """
    if command.limit < 0:
        raise UsageError(f"limit={command.limit} is no number of tasks; it is 1 or more, or 0 for all.")
    if command.tasks is not None:
        if command.source:
            raise UsageError(f"source={command.source!r} and tasks={str(command.tasks)!r} both name tasks; leave one out.")
        of_game = load_tasks(str(command.tasks)).get(env_id, [])
        if not of_game:
            raise UsageError(f"tasks={str(command.tasks)!r} holds no task of {env_id}.")
        chosen = of_game[: command.limit or None]
        return command.tasks.stem, {}, chosen, len(chosen)
    given = {name: getattr(command, name) for name in ("source", "verifier", "prompt", "columns")}
    kwargs = {name: value for name, value in given.items() if value}
    if "source" not in keywords_of(env_id):
        raise UsageError(f"source={command.source!r}: {env_id} takes no source; give its tasks as --tasks FILE.")
    source = open_source(command.source, command.verifier, command.columns)
    check_packages(find_answer_verifier(command.verifier or source.verifier).packages)
    tasks = SourceTasks(command.source, command.verifier, command.columns, command.limit)
    return source.name, kwargs, tasks, sum(1 for _ in tasks)


def _gold_sentence(found: Counter[str]) -> str:
    """What the numbers say."""
    judged = found["holds"] + found["fails"]
    if not judged:
        return "No gold answer was judged: " + ("nothing is known of any." if found["void"] else "no task has one.")
    right = f"{found['holds']} of {judged}" if found["fails"] else f"All {judged}"
    return f"{right} gold answers hold: right as they are, and not when exchanged."
