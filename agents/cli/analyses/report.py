"""The verb `report`: the plot and the tables of a run, or the page of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console

from selfplay_envs import UsageError

from ...arguments.parser import parse
from ...display.run_report import print_report
from ...display.tables import make_console, say
from ...experiments.folder import RECORD
from ...runs.folder import read_config
from .entropy_models import study_named
from .entropy_options import Entropy

if TYPE_CHECKING:  # they load torch
    from ...analysis.entropy.study import EntropyStudy
    from ...experiments.findings.findings import Findings

PAGE, TEXT = "index.html", "README.md"
"""Files of an experiment's page."""
TINY_PROMPTS = 40
"""Per game that the tiny model's arms are compared on token by token."""
TINY_PROPOSALS, PROPOSAL_ATTEMPTS = 60, 8
"""Of every run of the tiny model that are solved anew, and answers to each."""


@dataclass(frozen=True)
class Report:
    """Draws the plot and prints the tables of a run again; of an experiment it writes the page.

    The page of an experiment is one HTML file that needs nothing else, and the same as Markdown with pictures and their data.
    Of one that is not finished it shows what is there.
    """

    run: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN")]
    """A folder that `selfplay train` wrote, such as runs/azr-tiny, or one of `selfplay compare`, such as comparisons/azr."""
    out: Path | None = None
    """Folder of an experiment's page; by default `report` inside the experiment's."""
    prompts: int | None = None
    """Of an experiment: validation problems per game to which the last model of every arm replies here, so that all can be
    compared token by token on the same prompts; 0: none. By default 40 of the tiny model, and none of others, for which it
    takes a GPU."""
    proposals: int | None = None
    """Of an experiment: valid proposals of every run of self-play that its first and its last model solve anew, 8 answers each;
    0: none. By default 60 of the tiny model, and none of others. What was solved is kept in the run's folder."""


def report(args: Sequence[str]) -> int:
    """`selfplay report FOLDER`."""
    command = parse(Report, "report", args)
    runs = command.run
    if len(runs) != 1:
        named = " ".join(map(str, runs)) or "RUN RUN"
        raise ValueError(f"run: {len(runs)} folders are named; report takes one. To compare runs: selfplay eval {named}")
    if command.proposals is not None and command.proposals < 0:
        raise ValueError(f"proposals={command.proposals} must be at least 0.")
    if (runs[0] / RECORD).is_file():
        _write_page(make_console(), runs[0], command)
        return 0
    for option, value in (("out", command.out), ("prompts", command.prompts), ("proposals", command.proposals)):
        if value is not None:
            raise ValueError(f"{option}={str(value)!r} is for the page of an experiment; {runs[0]} is none, so leave it out.")
    if not (runs[0] / "config.json").is_file():
        raise UsageError(
            f"run={str(runs[0])!r} holds no config.json of a run and no {RECORD} of a comparison; pass a folder that "
            "`selfplay train` or `selfplay compare` wrote."
        )
    read_config(runs[0])
    print_report(make_console(), runs[0])
    return 0


def _write_page(console: Console, folder: Path, command: Report) -> None:
    """The page of an experiment: computed, written, and what it says of the claims."""
    with console.status("reading the runs ...") as status:
        from ...experiments.findings.decisions import decide_claims
        from ...experiments.findings.findings import find
        from ...experiments.results import load_results
        from ...reports.experiment.pages import page_of
        from ...reports.html import write_html
        from ...reports.text import write_markdown

        results = load_results(folder)
        if not results.cells:
            raise UsageError(f"experiment={str(folder)!r} has no result of any cell yet; let `selfplay compare` finish one.")
        findings = find(results, lambda part: status.update(f"reading {part} ..."))
        decisions = decide_claims(findings)
    study = _study(console, findings, command.prompts)
    findings = _with_solved(console, findings, command.proposals)
    out = command.out or folder / "report"
    with console.status("drawing ..."):
        page = page_of(findings, decisions, study)
        write_html(page, out / PAGE)
        write_markdown(page, out, TEXT)
    for decision in decisions:
        say(console, f"{decision.verdict:<11} {decision.claim.sentence}")
    say(console, f"Page: {out / PAGE}; as Markdown: {out / TEXT}")


def _with_solved(console: Console, findings: Findings, proposals: int | None) -> Findings:
    """What was found, with a sample of the proposals of every run solved anew by its first and its last model."""
    from ...analysis.curriculum.solved import FILE
    from ...experiments.findings.updates import last_models
    from ..solving.samples import Settings, Unsolved, solve_runs

    experiment = findings.results.experiment
    count = proposals if proposals is not None else TINY_PROPOSALS if experiment.model == "tiny" else 0
    finals = last_models(findings.results.cells)
    runs = {(run.arm, run.config.seed): run for of_arm in findings.runs.values() for run in of_arm}
    cells = [(arm, seed) for arm, of_arm in findings.curricula.items() for seed in of_arm if seed in finals.get(arm, {})]
    if not count or not cells:
        return findings
    unsolved = [
        Unsolved(
            config=runs[arm, seed].config,
            proposals=findings.curricula[arm][seed].proposals,
            final=finals[arm][seed],
            kept=runs[arm, seed].folder / FILE,
        )
        for arm, seed in cells
    ]
    settings = Settings(proposals=count, attempts=PROPOSAL_ATTEMPTS, sandbox=experiment.sandbox, device=experiment.device)
    solved = dict(zip(cells, solve_runs(console, unsolved, settings), strict=True))
    curricula = {
        arm: {seed: replace(run, solved=solved.get((arm, seed), ())) for seed, run in of_arm.items()}
        for arm, of_arm in findings.curricula.items()
    }
    return replace(findings, curricula=curricula)


def _study(console: Console, findings: Findings, prompts: int | None) -> EntropyStudy | None:
    """The last models of the first seed of all arms, token by token on the same prompts; None where that is not asked for."""
    from ...experiments.findings.findings import BASE
    from ...experiments.findings.updates import last_models

    experiment = findings.results.experiment
    limit = prompts if prompts is not None else TINY_PROMPTS if experiment.model == "tiny" else 0
    trained = {arm: str(next(iter(of_arm.values()))) for arm, of_arm in last_models(findings.results.cells).items()}
    if not limit or not trained:
        return None
    models = {BASE: experiment.model, **trained}
    tasks = experiment.measure.validation.tasks
    return study_named(console, Entropy((*models.values(),), tasks=tasks, limit=limit, device=experiment.device), models)
