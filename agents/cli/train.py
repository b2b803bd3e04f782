"""The verb `train`: a run with a display, from what was typed to its tables. Torch is loaded late."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from sandboxes import CodeSandbox, open_sandbox
from selfplay_envs.names.registration import short_name

from ..arguments.game_ids import allow_local_modules
from ..arguments.open_model import quiet_libraries
from ..arguments.run_config import plan_run
from ..config.presets import PRESETS
from ..config.run import TrainConfig
from ..config.toml_file import to_toml
from ..core.errors import RunStopped
from ..display.files import print_files
from ..display.live import LiveView
from ..display.run_report import print_report
from ..display.tables import make_console, print_table, say, say_command, say_line
from ..runs.folder import forget_unstarted, sandbox_of, saved_step
from ..runs.rows import read_rows


def train(args: Sequence[str]) -> int:
    """`selfplay train PRESET`: trains, shows, evaluates, plots, and says what to type next."""
    if not args or args[0] in ("-h", "--help"):
        print_train_help(make_console())
        return 0 if args else 2
    allow_local_modules()  # games, presets, judges ... of one's own
    plan = plan_run(args)
    if plan.print_config:
        print("# selfplay train --config THIS_FILE; `selfplay train PRESET --help` explains every name")
        print("".join(f"# {note}\n" for note in plan.notes) + to_toml(plan.config), end="")
        return 0
    console = make_console()
    for note in plan.notes:
        say(console, note)
    return run_training(plan.config, plan.folder, console, title=plan.title, live=plan.live)


def print_train_help(console: Console) -> None:
    """The ways of typing the verb, and the presets, each with the first line of its docstring."""
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
        memory_note, sandbox = _check_and_open(config, folder, began=began)
        from ..training.loop import train as train_run
    if memory_note:
        say(console, memory_note)
    bold = [(f"selfplay train {title}", "bold"), f" into {folder}/; programs run in the ", (sandbox.name, "bold"), " sandbox."]
    say(console, Text.assemble(*bold))
    resume = f"selfplay train --out {shlex.quote(str(folder))} --resume"
    done = int(([{"step": 0}, *read_rows(folder / "metrics.jsonl")])[-1]["step"])
    if done >= config.steps:
        say(console, f"Nothing is left to do: the run is at step {done}; to go on, add --steps {2 * done}.")
    try:
        with LiveView(console, sandbox.name, live=live, stats=sandbox.stats) as view:
            train_run(config, folder, view)
    except KeyboardInterrupt:
        step = saved_step(folder)
        kept = f"The run is saved after step {step}" if step else "No step is saved, so it starts over"
        say(console, f"\nInterrupted. {kept}; to go on, type:")
        say_command(console, resume)
        return 130
    except RunStopped as stopped:
        sentence = f"selfplay: {stopped}; type: {' '.join(filter(None, (resume, stopped.flags)))}"
        say_line(make_console(stderr=True), sentence)
        return 1
    except Exception:
        if not began:
            forget_unstarted(folder)
        raise
    print_report(console, folder)
    print_files(console, folder, config)
    _print_next_commands(console, folder, config, f"{resume} --steps {2 * max(done, config.steps)}")
    return 0


def _check_and_open(config: TrainConfig, folder: Path, *, began: bool) -> tuple[str, CodeSandbox]:
    """A sentence where the run does not fit the GPU here, and its sandbox.

    The run is checked before anything is imported or started that takes long.
    """
    from ..memory_plan.cards import card_here
    from ..memory_plan.remedies import memory_notice
    from ..training.checks import check_run

    parts = check_run(config)
    try:
        sandbox = open_sandbox(sandbox_of(config, folder))
    except Exception:
        if not began:
            forget_unstarted(folder)
        raise
    quiet_libraries()
    card = card_here(config.device)
    return (memory_notice(config, parts, card) if card else ""), sandbox


def _print_next_commands(console: Console, folder: Path, config: TrainConfig, resume: str) -> None:
    """Commands to type after a run: to go on, to play with its model, to look at it, to measure it."""
    run = shlex.quote(str(folder))
    env_id = config.games[0].env_id
    game = short_name(env_id) if env_id.startswith("SelfPlay/") else env_id
    tasks = " --tasks FILE.jsonl" if config.evaluation.tasks == "none" else ""
    console.print("Type next:")
    say_command(console, resume)
    for command in (f"play {game} --model {run}", f"replay {run}", f"report {run}", f"eval {config.model} {run}{tasks}"):
        say_command(console, f"selfplay {command}")
