"""`selfplay analyze curriculum`: what proposers ask over the steps of runs, and a sample of it solved anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.console import Console

from selfplay_envs import UsageError

from ....arguments.game_ids import allow_local_modules
from ....arguments.parser import parse
from ....core.files import write_whole
from ....display.tables import make_console, say
from ....evaluation.samples import file_name
from ..outputs import check_outputs, json_text

if TYPE_CHECKING:  # it loads scipy
    from ....analysis.curriculum.study import RunCurriculum
    from ....analysis.finished_runs import FinishedRun


@dataclass(frozen=True)
class Curriculum:
    """What proposers ask over training: how valid, long, hard and varied it is, and whether each of these rises or falls.

    Reads the recorded episodes of runs of self-play (train with a small episodes_every). Runs that differ in nothing but the
    seed are one arm, and intervals are over them:

      selfplay train azr-tiny --episodes-every 10 --out runs/azr-0 --seed 0
      selfplay analyze curriculum runs/azr-0 runs/azr-1 runs/azr-2 --plot curriculum.png

    A proposal is rated by the panel of its step, which learns meanwhile. Therefore a sample, spread evenly over the steps, is
    solved anew by the model that the run began with and by its last one: where the first solves less and less of it, proposals
    really get harder. What is solved is kept in the run's folder, so that it is solved once. --sample 0 solves nothing, and
    needs no model.
    """

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Folders that `selfplay train` wrote."""
    sample: int = 200
    """Valid proposals of every run that are solved anew; 0: none."""
    attempts: int = 8
    """Answers of each model to each of them."""
    seed: int = 0
    """Names the sample and the seeds of the answers, which both models share."""
    out: Path | None = None
    """Folder to keep in what is solved, for runs that nothing can be written into; by default `measured` in each run's."""
    sandbox: str = ""
    """auto, docker or process; by default as in the run."""
    device: str = "auto"
    short_cuts: str = "auto"
    """Ways of computing on a processor, and threads, as in `selfplay train --help`."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write all values, trends and rates to this file."""
    plot: Path | None = None
    """Also draw a picture into this file, such as curriculum.png."""


def curriculum(args: Sequence[str]) -> int:
    """`selfplay analyze curriculum RUN [RUN ...]`."""
    command = parse(Curriculum, "analyze curriculum", args)
    allow_local_modules()  # games of one's own
    _check(command)
    console = make_console()
    with console.status("reading ..."):
        from ....analysis.curriculum.study import curricula_by_arm, curriculum_of
        from ....analysis.finished_runs import read_runs

        finished = read_runs(command.runs)
        runs = [curriculum_of(run) for run in finished]
    if command.sample:
        runs = _with_solved(console, command, finished, runs)
    from .tables import print_arm, record_of

    arms = curricula_by_arm(runs)
    for arm in arms:
        print_arm(console, arm)
    if command.json is not None:
        write_whole(command.json, json_text(_record(command, [record_of(arm) for arm in arms])))
        say(console, f"Written to {command.json}")
    if command.plot is not None:
        from ....reports.curriculum import draw_curriculum
        from ....reports.style import save_png

        save_png(draw_curriculum(arms), command.plot)
        say(console, f"Drawn into {command.plot}")
    return 0


def _check(command: Curriculum) -> None:
    """Refuses what cannot be done.

    Raises:
        UsageError: Says which option, and what to type.
    """
    check_outputs(command.json, command.plot)
    for name, value, least in (("sample", command.sample, 0), ("attempts", command.attempts, 1)):
        if value < least:
            raise UsageError(f"{name}={value} must be at least {least}.")


def _with_solved(
    console: Console, command: Curriculum, finished: Sequence[FinishedRun], runs: Sequence[RunCurriculum]
) -> list[RunCurriculum]:
    """The runs with their samples solved; one without a kept model stays as it is."""
    from ....analysis.curriculum.solved import FILE, final_model
    from ...solving.samples import Settings, Unsolved, solve_runs

    places: list[int] = []
    unsolved: list[Unsolved] = []
    for place, (one, run) in enumerate(zip(finished, runs, strict=True)):
        final = final_model(one.folder)
        if final is None:
            say(console, f"{one.name}: no model of it is kept, so that nothing is solved anew.")
            continue
        kept = one.folder / FILE if command.out is None else command.out / f"{file_name(one.name)}.json"
        unsolved.append(Unsolved(config=one.config, proposals=run.proposals, final=final, kept=kept))
        places.append(place)
    settings = Settings(
        proposals=command.sample,
        attempts=command.attempts,
        seed=command.seed,
        sandbox=command.sandbox,
        device=command.device,
        short_cuts=command.short_cuts,
    )
    solved = dict(zip(places, solve_runs(console, unsolved, settings), strict=True))
    return [replace(run, solved=solved.get(place, ())) for place, run in enumerate(runs)]


def _record(command: Curriculum, arms: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"sample": command.sample, "attempts": command.attempts, "seed": command.seed, "arms": arms}
