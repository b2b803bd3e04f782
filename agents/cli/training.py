"""The verbs `train`, `eval` and `report`: run a preset, measure a model, look at a run again. Torch is loaded late."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from ..config import TrainConfig
from ..errors import RunStopped
from ..presets import PRESETS, find_preset
from .runs import choose_folder, forget_unstarted, newest_run, read_config
from .terminal import import_from_here, join_options, make_console, parse, quiet_libraries

ALIASES = {"--lr": "--learner.lr"}


@dataclass(frozen=True)
class Train:
    """Trains a model by self-play. Every number of the preset can be changed here; `--lr` is short for `--learner.lr`."""

    config: Annotated[TrainConfig, tyro.conf.arg(name="", prefix_name=False)]
    out: Path | None = None
    """Folder of the run; by default runs/PRESET, or runs/PRESET-2 and so on where that is taken."""
    resume: bool = False
    """Go on with the run in --out, or with the newest run of this preset; its own settings are the defaults then."""
    live: bool = True
    """A live screen; --no-live prints one line per step, as in a pipe."""
    attempts: int | None = None
    """Size of the solver panel, in every game."""
    fresh: int | None = None
    """Episodes per step that start at the proposer, in every game."""
    replay: int | None = None
    """Episodes per step on old tasks, in every game."""

    def settled(self) -> TrainConfig:
        """The config, with what was set for every game at once."""
        changes = {name: value for name, value in (("fresh", self.fresh), ("replay", self.replay)) if value is not None}
        keywords = {} if self.attempts is None else {"attempts": self.attempts}
        games = tuple(replace(mix, kwargs={**mix.kwargs, **keywords}, **changes) for mix in self.config.games)
        return replace(self.config, games=games)


def train(args: Sequence[str]) -> int:
    """`selfplay train PRESET`: trains, shows, evaluates, plots, and says what to type next."""
    if not args or args[0] in ("-h", "--help"):
        print(train_help())
        return 0 if args else 2
    if args[0].startswith("-"):
        raise ValueError(f"{args[0]!r} comes before the preset; type it behind: selfplay train azr-tiny {args[0]} ...")
    preset, rest = args[0], join_options([_expand(one) for one in args[1:]])
    defaults = Train(config=find_preset(preset))
    command = parse(Train, f"train {preset}", rest, defaults)
    folder = command.out or (newest_run(preset) if command.resume else None) or choose_folder(preset)
    holds_run = (folder / "config.json").is_file()
    if holds_run and not command.resume:
        raise ValueError(f"out={str(folder)!r} holds a run already; add --resume to go on with it, or choose another folder.")
    if command.resume and not holds_run:
        raise ValueError(
            f"resume: {str(folder)!r} holds no run; leave out --resume to start one, or name its folder with --out."
        )
    if holds_run:
        stored = read_config(folder)
        games, theirs = ([mix.env_id for mix in one.games] for one in (defaults.config, stored))
        if games != theirs:
            raise ValueError(
                f"out={str(folder)!r} holds a run of {', '.join(theirs)}, not of preset {preset}; resume it with its own."
            )
        command = parse(Train, f"train {preset}", rest, replace(defaults, config=stored))
    return run_training(command.settled(), folder, make_console(), preset=preset, live=command.live)


def train_help() -> str:
    """The presets, each with the first line of its docstring."""
    width = max(map(len, PRESETS))
    lines = [f"  {name:<{width}}  {(inspect.getdoc(make) or '').partition(chr(10))[0]}" for name, make in PRESETS.items()]
    return "\n".join(
        [
            "usage: selfplay train PRESET [--steps N] [--model NAME] [--algorithm NAME] [--seed N] [--lr X] [--out FOLDER] ...",
            "",
            "Trains a model by self-play, shows how it goes, measures it before and after, and draws a plot.",
            "",
            *lines,
            "",
            "`selfplay train PRESET --help` explains every setting and shows the preset's value of it.",
        ]
    )


def _expand(argument: str) -> str:
    """`--lr=3e-5` as `--learner.lr=3e-5`."""
    name, equals, value = argument.partition("=")
    return ALIASES.get(name, name) + equals + value


def run_training(config: TrainConfig, folder: Path, console: Console, *, preset: str, live: bool) -> int:
    """Trains with a display, then prints tables, plot and what to type next.

    Returns:
        0; 1 where the run had to stop and can be resumed; 130 where the person interrupted.
    """
    was_there = folder.exists()
    with console.status("loading torch and starting the sandbox ..."):
        from sandboxes import open_sandbox

        from ..metrics import read_rows
        from ..run_folder import sandbox_of
        from ..train import train as train_run

        try:
            sandbox = open_sandbox(sandbox_of(config, folder))
        except Exception:
            if not was_there:
                forget_unstarted(folder)
            raise
        quiet_libraries()
    from ..live import LiveView

    import_from_here()  # --algorithm module:ROW
    console.print(
        f"[bold]selfplay train {preset}[/bold] into {folder}/; programs run in the [bold]{sandbox.name}[/bold] sandbox."
    )
    go_on = f"selfplay train {preset} --out {folder} --resume"
    done = int(([{"step": 0}, *read_rows(folder / "metrics.jsonl")])[-1]["step"])
    if done >= config.steps:
        console.print(f"Nothing is left to do: the run is at step {done}; to go on, add --steps {2 * done}.")
    try:
        with LiveView(console, sandbox.name, live=live, stats=sandbox.stats) as view:
            train_run(config, folder, view)
    except KeyboardInterrupt:
        saved = any((folder / "checkpoints").glob("step_*/state.json"))
        kept = "The last checkpoint is kept" if saved else "There is no checkpoint yet, so the run starts over"
        console.print(f"\nInterrupted. {kept}; to go on, type: {go_on}", soft_wrap=True)
        return 130
    except RunStopped as stopped:
        sentence = f"selfplay: {stopped}; type: {' '.join(filter(None, (go_on, stopped.flags)))}"
        make_console(stderr=True).print(sentence, soft_wrap=True, markup=False)
        return 1
    except Exception:
        if not was_there:
            forget_unstarted(folder)
        raise
    print_report(console, folder)
    there = [name for name in ("metrics.jsonl", "eval.jsonl", "timings.jsonl", "plot.png") if (folder / name).is_file()]
    console.print(f"\nEverything lies in {folder}/: config.json, {', '.join(there)}, episodes/, checkpoints/")
    console.print(f"Type next:\n  {go_on} --steps {2 * max(done, config.steps)}", soft_wrap=True)
    game = config.games[0].env_id.rpartition("/")[2].rpartition("-")[0]
    console.print(
        f"  selfplay play {game} --model {folder}\n  selfplay replay {folder}\n  selfplay report {folder}", soft_wrap=True
    )
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
    console.print(f"Plot: {plot}", soft_wrap=True)


@dataclass(frozen=True)
class Report:
    """Draws the plot and prints the tables of a run again."""

    run: tyro.conf.Positional[Path]
    """A folder that `selfplay train` wrote, such as runs/azr-tiny."""


def report(args: Sequence[str]) -> int:
    """`selfplay report RUN`."""
    command = parse(Report, "report", args)
    read_config(command.run)
    print_report(make_console(), command.run)
    return 0
