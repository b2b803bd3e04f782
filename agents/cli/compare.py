"""The verb `compare`: an experiment's grid of runs, trained and measured side by side, with what each arm really had."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from selfplay_envs.core.text import did_you_mean
from selfplay_envs.judges.registry import check_judge
from selfplay_envs.sources.registry import open_source

from ..arguments.game_ids import allow_local_modules
from ..arguments.parser import parse
from ..config.short_cuts import parse_short_cuts
from ..display.grid import GridView, summary
from ..display.tables import make_console, print_table, say, say_command
from ..evaluation.samples import file_name
from ..evaluation.task_sets import split_sources
from ..experiments.cells import cells_of, with_starts
from ..experiments.designs.table import DESIGNS
from ..experiments.experiment import Experiment
from ..experiments.folder import alone_in_experiment, record_experiment
from ..experiments.grid import Grid, GridState
from ..experiments.printing import as_toml
from ..experiments.processes import LOG, cores
from ..experiments.records import cells_of_table, headings, realised
from ..experiments.results import load_results
from ..tiny.problem_sets import NAMES

COMPARISONS = Path("comparisons")
"""Folder of experiments, unless a person says otherwise."""


@dataclass(frozen=True)
class Compare:
    """Trains the arms of an experiment under one budget, measures them, and tells what each really had.

    Every cell, an arm with a seed, is an ordinary run. The same command typed again goes on where it was stopped or killed.
    """

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="EXPERIMENT")]
    """`azr`: self-play with several rewards of proposers, frozen proposers and random rewards, beside RLVR and supervised
    fine-tuning on fixed tasks, and the untrained model. `lsp`: Language Self-Play with and without quality, beside GRPO on
    data, before it and after it, and with a judge that likes a style."""
    model: str = "tiny"
    """That every arm starts from: tiny, or a model for GPUs, as a folder or a Hugging Face id."""
    benchmark: str = ""
    """What is measured in the place of the tiny model's held-out problems, as NAME[,NAME...] of `selfplay benchmarks`; other
    models need it, for lsp requests such as alpacaeval."""
    judge: str = ""
    """Of lsp with other models than tiny: who compares their answers with those of the untrained model, as
    `selfplay eval --judge`."""
    out: Path | None = None
    """Folder of the experiment; by default comparisons/NAME, with the model behind it."""
    jobs: int = 0
    """Cells side by side; processor cores are divided among them. 0: one per core for the tiny model, else 1."""
    only: str = ""
    """Arms to run now, as NAME[,NAME...], and those whose models they begin with; by default all."""
    seeds: int | None = None
    """Seeds of every arm that trains, from 0 on; by default five, of controls and second stages three."""
    fast: bool = False
    """Few arms with two seeds and less than half of the steps, for a quarter of an hour on two cores."""
    full: bool = False
    """All arms. Of azr also tuned supervised fine-tuning, rejection sampling, more rewards of proposers, other frozen
    proposers; of lsp also a second stage after LSP-Zero, one with a whole budget, and random rewards."""
    matching: Literal["all", "answers"] = "all"
    """Whose trained tokens are equal in all arms: all, or those of roles that answer, so that proposers' come on top."""
    print: bool = False
    """Print the experiment as TOML and run nothing."""
    live: bool = True
    """A live table; --no-live prints a line per stage, as in a pipe."""
    device: str = "auto"
    sandbox: str = "auto"
    """auto, docker or process."""


def compare(args: Sequence[str]) -> int:
    """`selfplay compare EXPERIMENT`: trains, measures, and says what to type next."""
    command = parse(Compare, "compare", args)
    allow_local_modules()  # games of one's own
    experiment = experiment_of(command)
    only = arms_of(command, experiment)
    if command.print:
        print(as_toml(experiment), end="")
        return 0
    jobs = jobs_of(command)
    out, console = command.out or default_folder(command), make_console()
    with alone_in_experiment(out):
        record_experiment(out, experiment)
        cells = cells_of(experiment, only)
        threads = max(1, cores() // jobs)
        say(console, f"{len(cells)} cells into {out}/, {jobs} at a time with {threads} threads each.")
        for sentence in experiment.meaning:
            say(console, sentence)
        view = GridView(console, live=command.live)
        try:
            with view:
                state = Grid(experiment, cells, out, jobs=jobs, threads=threads, on_state=view).run()
        except KeyboardInterrupt:
            lost = "some runs go on from their last checkpoint" if view.state.killed else "every run is saved"
            say(console, f"\nInterrupted; {lost}. To go on, type:")
            say_command(console, f"selfplay compare {shlex.join(args)}")
            return 130
    say(console, summary(state))
    print_realised(console, out)
    return say_failures(console, out, state, args)


def experiment_of(command: Compare) -> Experiment:
    """The experiment that was typed.

    Raises:
        ValueError: A name or a number is wrong, or options exclude each other.
    """
    if command.name not in DESIGNS:
        raise ValueError(
            f"experiment={command.name!r} is not known{did_you_mean(command.name, DESIGNS)}; choose {' or '.join(DESIGNS)}."
        )
    design = DESIGNS[command.name]
    if command.judge and "judge" not in design.takes:
        raise ValueError(f"judge={command.judge!r}: {command.name} counts right answers, which no judge gives; leave it out.")
    if command.fast and command.full:
        raise ValueError("fast and full are both given; --fast runs some arms for a short time, --full all of them for long.")
    if command.seeds is not None and command.seeds < 1:
        raise ValueError(f"seeds={command.seeds} must be at least 1.")
    if command.fast and command.model != "tiny":
        raise ValueError(f"fast=True is a short form for the tiny model; with model={command.model!r} choose arms with --only.")
    for text in split_sources(command.benchmark):  # what is not there is said before anything is trained
        if text not in NAMES and (":" in text or not text.endswith(".jsonl")):
            open_source(text)
        elif text not in NAMES and not Path(text).is_file():
            raise ValueError(f"benchmark={text!r} is no file; name one that is there, or a benchmark of `selfplay benchmarks`.")
    experiment = design.make(
        model=command.model,
        scale="fast" if command.fast else "full" if command.full else "core",
        counted=command.matching,
        benchmark=command.benchmark,
        device=command.device,
        sandbox=command.sandbox,
        **({"judge": command.judge} if "judge" in design.takes else {}),
    )
    if command.judge:
        check_judge(command.judge)
    parse_short_cuts(experiment.measure.short_cuts)
    return experiment if command.seeds is None else experiment.with_seeds(command.seeds)


def arms_of(command: Compare, experiment: Experiment) -> tuple[str, ...]:
    """The arms of `--only`; none where all are meant.

    Raises:
        ValueError: One is not known, or not of this scale.
    """
    known = [arm.name for arm in experiment.arms]
    only = tuple(filter(None, command.only.split(",")))
    for name in only:
        if name not in known:
            raise ValueError(
                f"only={name!r} is no arm of this comparison{did_you_mean(name, known)}; choose of {', '.join(known)}."
            )
    return with_starts(experiment, only)


def jobs_of(command: Compare) -> int:
    """Cells side by side.

    Raises:
        ValueError: Their number is below 0.
    """
    if command.jobs < 0:
        raise ValueError(f"jobs={command.jobs} must be at least 1; 0 leaves the choice to the program.")
    return command.jobs or (cores() if command.model == "tiny" else 1)


def default_folder(command: Compare) -> Path:
    """`comparisons/azr`, with what makes it another experiment behind it."""
    model = [] if command.model == "tiny" else [file_name(command.model)]
    scale = [name for name, typed in (("fast", command.fast), (command.matching, command.matching != "all")) if typed]
    return COMPARISONS / "-".join([command.name, *model, *scale])


def print_realised(console: Console, out: Path) -> None:
    """The table of what every arm that trains really had."""
    results = load_results(out)
    found = [realised(arm, results.experiment.budget, results.arm(arm.name)) for arm in results.experiment.arms]
    rows = [[escape(cell) for cell in cells_of_table(one)] for one in found if one is not None]
    if rows:
        print_table(console, "What every arm had; tokens and seconds are those of the mean run", headings(), rows)
        say(console, "Tokens a step: mean and standard deviation over steps. None sampled: gold replies are given.")
    for arm, value in results.chosen.items():
        tuning = results.experiment.arm(arm).tuning
        if tuning is not None:
            say(console, f"{arm}: {tuning.setting} {value:g} was chosen on {results.experiment.measure.validation.tasks}.")


def say_failures(console: Console, out: Path, state: GridState, args: Sequence[str]) -> int:
    """Names the cells that failed with their logs, and says what to type next; returns the exit code."""
    failed = [one for one in state.cells if one.status == "failed"]
    for one in failed:
        say(console, f"{one.cell.name} failed: {one.reason} (all of it: {out / one.cell.name / LOG})")
    if failed:
        say(console, "To try them again, type:")
        say_command(console, f"selfplay compare {shlex.join(args)}")
        return 1
    say(console, "Type next:")
    say_command(console, f"selfplay report {shlex.quote(str(out))}")
    return 0
