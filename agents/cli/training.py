"""The verbs `train` and `report`: run what was asked for, look at a run again. Torch is loaded late."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from ..config import TrainConfig
from ..config_file import to_toml
from ..errors import RunStopped
from ..presets import PRESETS
from ..tables import print_table, say, say_command, say_line
from .places import print_places
from .runs import read_config
from .starting import read_order
from .terminal import import_from_here, make_console, parse, quiet_libraries


def train(args: Sequence[str]) -> int:
    """`selfplay train PRESET`: trains, shows, evaluates, plots, and says what to type next."""
    if not args or args[0] in ("-h", "--help"):
        print_train_help(make_console())
        return 0 if args else 2
    import_from_here()  # games, presets, judges ... of one's own
    order = read_order(args)
    if order.print_config:
        print("# selfplay train --config THIS_FILE; `selfplay train PRESET --help` explains every name")
        print("".join(f"# {note}\n" for note in order.notes) + to_toml(order.config), end="")
        return 0
    console = make_console()
    for note in order.notes:
        say(console, note)
    return run_training(order.config, order.folder, console, title=order.title, live=order.live)


def print_train_help(console: Console) -> None:
    """How the verb is typed, and the presets, each with the first line of its docstring."""
    say(console, Text("selfplay train: trains by self-play, measures before and after, draws a plot", style="bold"))
    ways = {
        "selfplay train PRESET ...": "a preset, changed by options such as --steps 20, --model NAME, --seed 1, --lr 3e-4",
        "selfplay train PRESET --game MODULE:ID ...": "a game of your own with the preset's settings",
        "selfplay train MODULE:PRESET ...": "a preset of your own: a function that returns a TrainConfig",
        "selfplay train [PRESET] --config FILE ...": "settings of your own, as TOML, on top of the preset's where one is named",
        "selfplay train PRESET --print-config": "prints the preset as such a file",
        "selfplay train --out FOLDER --resume ...": "goes on with a run",
    }
    print_table(console, "", ("type", "to train"), [[escape(way), meaning] for way, meaning in ways.items()], prose=1)
    rows = [[name, escape((inspect.getdoc(make) or "").partition("\n")[0])] for name, make in PRESETS.items()]
    print_table(console, "", ("preset", "what it is"), rows, prose=1)
    say(console, "\n`selfplay train PRESET --help` explains every setting and shows the preset's value of it.")


def run_training(config: TrainConfig, folder: Path, console: Console, *, title: str, live: bool) -> int:
    """Trains with a display, then prints tables, plot and what to type next.

    Returns:
        0; 1 where the run had to stop and can be resumed; 130 where the person interrupted.
    """
    began = (folder / "config.json").is_file()
    with console.status("loading torch and starting the sandbox ..."):
        from ..memory_cards import card_here
        from ..memory_remedies import memory_notice
        from ..run_checks import check_run

        parts = check_run(config)  # before what takes longer to import, or to start
        from sandboxes import open_sandbox

        from ..metrics import read_rows
        from ..run_folder import forget_unstarted, sandbox_of
        from ..train import train as train_run

        try:
            sandbox = open_sandbox(sandbox_of(config, folder))
        except Exception:
            if not began:
                forget_unstarted(folder)
            raise
        quiet_libraries()
        card = card_here(config.device)
        too_large = memory_notice(config, parts, card) if card else ""
    from ..live import LiveView

    if too_large:
        say(console, too_large)
    bold = [(f"selfplay train {title}", "bold"), f" into {folder}/; programs run in the ", (sandbox.name, "bold"), " sandbox."]
    say(console, Text.assemble(*bold))
    go_on = f"selfplay train --out {shlex.quote(str(folder))} --resume"
    done = int(([{"step": 0}, *read_rows(folder / "metrics.jsonl")])[-1]["step"])
    if done >= config.steps:
        say(console, f"Nothing is left to do: the run is at step {done}; to go on, add --steps {2 * done}.")
    try:
        with LiveView(console, sandbox.name, live=live, stats=sandbox.stats) as view:
            train_run(config, folder, view)
    except KeyboardInterrupt:
        saved = sorted((folder / "checkpoints").glob("step_*/state.json"))
        kept = (
            f"The run is saved after step {int(saved[-1].parent.name[5:])}" if saved else "No step is saved, so it starts over"
        )
        say(console, f"\nInterrupted. {kept}; to go on, type:")
        say_command(console, go_on)
        return 130
    except RunStopped as stopped:
        sentence = f"selfplay: {stopped}; type: {' '.join(filter(None, (go_on, stopped.flags)))}"
        say_line(make_console(stderr=True), sentence)
        return 1
    except Exception:
        if not began:
            forget_unstarted(folder)
        raise
    print_report(console, folder)
    print_places(console, folder, config)
    game = config.games[0].env_id
    game = game.removeprefix("SelfPlay/").rpartition("-")[0] if game.startswith("SelfPlay/") else game
    console.print("Type next:")
    say_command(console, f"{go_on} --steps {2 * max(done, config.steps)}")
    for command in (f"play {game} --model", "replay", "report"):
        say_command(console, f"selfplay {command} {shlex.quote(str(folder))}")
    tasks = " --tasks FILE.jsonl" if config.evaluation.tasks == "none" else ""
    say_command(console, f"selfplay eval {config.model} {shlex.quote(str(folder))}{tasks}")
    return 0


def print_report(console: Console, folder: Path) -> None:
    """Plot and tables of a run's folder."""
    from ..plots import draw_run
    from .results import print_comparison, print_training
    from .stages import print_stages

    with console.status("drawing ..."):
        plot = draw_run(folder)
    print_training(console, folder)
    print_comparison(console, folder)
    print_stages(console, folder)
    say(console, f"Plot: {plot}")


@dataclass(frozen=True)
class Report:
    """Draws the plot and prints the tables of a run again."""

    run: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN")]
    """A folder that `selfplay train` wrote, such as runs/azr-tiny."""


def report(args: Sequence[str]) -> int:
    """`selfplay report RUN`."""
    runs = parse(Report, "report", args).run
    if len(runs) != 1:
        named = " ".join(map(str, runs)) or "RUN RUN"
        raise ValueError(f"run: {len(runs)} folders are named; report takes one. To compare runs: selfplay eval {named}")
    read_config(runs[0])
    print_report(make_console(), runs[0])
    return 0
