"""The verb `report`: the plot and the tables of a run, or the page of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from selfplay_envs import UsageError

from ..arguments.parser import parse
from ..display.results import print_comparison, print_training
from ..display.tables import make_console, say
from ..display.timings import print_stages
from ..experiments.folder import RECORD
from ..runs.folder import read_config

PAGE, TEXT = "index.html", "README.md"
"""Files of an experiment's page."""


@dataclass(frozen=True)
class Report:
    """Draws the plot and prints the tables of a run again; of an experiment it writes the page.

    The page of an experiment is one HTML file that needs nothing else, and the same as Markdown with pictures and their data.
    Of one that is not finished it shows what is there.
    """

    run: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN")]
    """A folder that `selfplay train` wrote, such as runs/azr-tiny, or one of `selfplay compare`, such as runs/azr."""
    out: Path | None = None
    """Folder of an experiment's page; by default `report` inside the experiment's."""


def report(args: Sequence[str]) -> int:
    """`selfplay report FOLDER`."""
    command = parse(Report, "report", args)
    runs = command.run
    if len(runs) != 1:
        named = " ".join(map(str, runs)) or "RUN RUN"
        raise ValueError(f"run: {len(runs)} folders are named; report takes one. To compare runs: selfplay eval {named}")
    if (runs[0] / RECORD).is_file():
        _write_page(make_console(), runs[0], command.out or runs[0] / "report")
        return 0
    if command.out is not None:
        raise ValueError(f"out={str(command.out)!r} is for the page of an experiment; {runs[0]} is none, so leave it out.")
    if not (runs[0] / "config.json").is_file():
        raise UsageError(
            f"run={str(runs[0])!r} holds no config.json of a run and no {RECORD} of a comparison; pass a folder that "
            "`selfplay train` or `selfplay compare` wrote."
        )
    read_config(runs[0])
    print_report(make_console(), runs[0])
    return 0


def print_report(console: Console, folder: Path) -> None:
    """Plot and tables of a run's folder."""
    with console.status("drawing ..."):
        from ..display.plots import draw_run  # late: it loads matplotlib

        plot = draw_run(folder)
    print_training(console, folder)
    print_comparison(console, folder)
    print_stages(console, folder)
    say(console, f"Plot: {plot}")


def _write_page(console: Console, folder: Path, out: Path) -> None:
    """The page of an experiment: computed, written, and what it says of the claims."""
    with console.status("reading the runs ...") as status:
        from ..experiments.findings.azr_estimates import decide_claims
        from ..experiments.findings.findings import find
        from ..experiments.results import load_results
        from ..reports.experiment.pages import page_of
        from ..reports.html import write_html
        from ..reports.text import write_markdown

        results = load_results(folder)
        if not results.cells:
            raise UsageError(f"experiment={str(folder)!r} has no result of any cell yet; let `selfplay compare` finish one.")
        findings = find(results, lambda cell: status.update(f"comparing the models of {cell} ..."))
        decisions = decide_claims(findings)
        status.update("drawing ...")
        page = page_of(findings, decisions)
        write_html(page, out / PAGE)
        write_markdown(page, out, TEXT)
    for decision in decisions:
        say(console, f"{decision.verdict:<11} {decision.claim.sentence}")
    say(console, f"Page: {out / PAGE}; as Markdown: {out / TEXT}")
