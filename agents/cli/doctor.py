"""The verb `doctor`: what is installed, what is missing, what to type; with a run, the memory that it needs.

Nothing here may fail because a part is missing or broken: the packages beside `agents` are imported late.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ..arguments.game_ids import allow_local_modules
from ..arguments.parser import parse, take_value
from ..display.tables import make_console, print_table, say
from .installation import BROKEN, MISSING, NOTE, OK, Finding, examine

COLOUR = {OK: "green", NOTE: "cyan", MISSING: "yellow", BROKEN: "red"}


@dataclass(frozen=True)
class Doctor:
    """Says in one table what is installed, what is missing, and what to type. Exit code 1 if the base does not work.

    With --preset, or --config, it says instead what memory that run needs on GPUs of several sizes, and what to change where it
    does not fit; nothing is loaded. Every option of `selfplay train` may follow, such as --model NAME, --learner.lora-rank 0.
    """

    preset: str = ""
    """A preset of `selfplay train`, or module:PRESET."""
    config: Path | None = None
    """A TOML file with settings, as `selfplay train --config` takes it, alone or on top of --preset."""


def doctor(args: Sequence[str]) -> int:
    """`selfplay doctor`: 1 if something that the base needs is broken; with a run, the memory that it needs."""
    names_a_run = {"--preset", "--config"} & {argument.partition("=")[0] for argument in args}
    if names_a_run and not {"-h", "--help"} & set(args):
        return _print_memory(args)
    if args and not args[0].startswith("-"):
        raise ValueError(f"{args[0]!r} stands alone; for the memory of that run type: selfplay doctor --preset {args[0]}")
    parse(Doctor, "doctor", args)
    console = make_console()
    with console.status("looking around (torch takes a few seconds) ..."):
        findings = examine()
    return print_findings(console, findings)


def print_findings(console: Console, findings: Iterable[Finding]) -> int:
    """Prints the table and a closing sentence; returns 1 if something that the base needs is broken, else 0."""
    rows: list[list[str]] = []
    broken: list[str] = []
    for finding in findings:
        remedy = f"\n[bold]type:[/bold] {escape(finding.remedy)}" if finding.remedy else ""
        state = f"[{COLOUR[finding.state]}]{finding.state}[/]"
        rows.append([escape(finding.component), state, escape(finding.detail) + remedy])
        broken += [finding.component] if finding.state == BROKEN else []
    print_table(console, "selfplay doctor", ("component", "state", "what is there, what to type"), rows, prose=1)
    if broken:
        say(console, f"The base does not work: mend {', '.join(broken)} first, then type `selfplay doctor` again.")
        return 1
    say(console, "The base works; `missing` names extras that you may not need. Next: selfplay train azr-tiny")
    return 0


def _print_memory(args: Sequence[str]) -> int:
    """The memory plan of the run that `selfplay train` would make of these arguments."""
    from ..arguments.run_config import plan_run
    from ..display.memory import print_memory
    from ..memory_plan.plan import plan_memory

    preset, rest = take_value(args, "--preset")
    allow_local_modules()
    run = plan_run([*([preset] if preset else []), *rest])
    print_memory(make_console(), run.title, plan_memory(run.config))
    return 0
