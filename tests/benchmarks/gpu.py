"""What one GPU does with this package: sections that survive each other, a table, and the numbers as JSON.

    python -m tests.benchmarks.gpu --part 1 --out part1.json      # seven minutes of an H200, estimated
    python -m tests.benchmarks.gpu --part 2 --out part2.json      # seven more
    python -m tests.benchmarks.gpu head sdpa                      # two sections
    python -m tests.benchmarks.gpu --dry                          # tiny sizes on a CPU: does everything run?

Part 1 is env, parity, head, decode, sdpa and tests; part 2 is lora, full, lora8b and vllm. What each measures and decides
stands in `examples/README.md`. It needs neither a network nor downloaded weights: models are random ones of real sizes, which
tell speed and memory, and the tiny model (SmolLM2 instead, where `make smollm2` has put it), which tells precision.

Every section is a process of its own with a time limit. One that fails, dies or takes too long leaves the rows that it has
found and the others as they are; what the card has no room for is skipped, and says so. The exit status is 1 where a section
failed, and 2 where nothing could be run.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from agents.arguments.parser import check_writable
from agents.display.tables import fitted, print_table, say
from selfplay_envs import UsageError

from .gpu_sections.bench import Bench, Row, Value
from .gpu_sections.running import Result, Section, run_section

Name = Literal["env", "parity", "head", "decode", "sdpa", "tests", "lora", "full", "lora8b", "vllm"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to run."""

    sections: Annotated[tuple[Name, ...], tyro.conf.Positional] = ()
    """Only these; empty: all of the part."""
    part: Literal[0, 1, 2] = 0
    """Half of the sections, about seven minutes each; 0: both."""
    out: Path | None = None
    """File for the numbers as JSON, written anew after every section."""
    dry: bool = False
    """Tiny sizes on the CPU; speeds then mean nothing."""
    limit_s: float = 0.0
    """Seconds in all: what will not fit any more is skipped, what takes longer is ended; 0: each section's limit alone."""
    slower: float = 1.0
    """How many times slower than an H200 the card may be: every section's estimate and limit are multiplied by it. 4 for an
    RTX 4090, 12 for an L4."""
    vllm_python: str = ""
    """Interpreter that has vLLM, for the section `vllm`; empty: this one."""


def chosen(options: Options, sections: Sequence[Section]) -> list[Section]:
    """The sections that are asked for, in their order."""
    if options.sections:
        return [one for one in sections if one.name in options.sections]
    return [one for one in sections if options.part in (0, one.part)]


def run(options: Options, sections: Sequence[Section], console: Console) -> dict[str, Result]:
    """Runs the sections one after the other; writes what is known after each of them."""
    bench = Bench(dry=options.dry, vllm_python=options.vllm_python)
    started, begun = time.perf_counter(), datetime.now(UTC)
    results: dict[str, Result] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for section in (replace(one, estimate_s=round(one.estimate_s * options.slower)) for one in sections):
            bar = progress.add_task(f"{section.name}, about {section.estimate_s} s")

            def heard(row: Row, name: str = section.name, bar: Any = bar) -> None:
                progress.update(bar, description=f"{name}: {_line(row.setting)}")

            left_s = options.limit_s - (time.perf_counter() - started) if options.limit_s else section.limit_s
            if left_s <= (0 if options.dry else section.estimate_s):
                about = f"about {section.estimate_s} s are needed, {max(0.0, left_s):.0f} s are left of --limit-s"
                results[section.name] = Result(status="skipped", error=about)
            else:
                results[section.name] = run_section(section, bench, min(left_s, section.limit_s), heard)
            progress.remove_task(bar)
            progress.refresh()  # or its last line stays above the table
            report(console, section.name, results[section.name])
            write(options, begun, results)
    return results


def write(options: Options, begun: datetime, results: Mapping[str, Result]) -> None:
    """The JSON file, if one is wanted."""
    if options.out is None:
        return
    whole = {
        "begun": begun.isoformat(timespec="seconds"),
        "dry": options.dry,
        "part": options.part,
        "machine": next((dict(result.machine) for result in results.values() if result.machine), {}),
        "sections": {name: result.to_json() for name, result in results.items()},
    }
    options.out.write_text(json.dumps(whole, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def report(console: Console, name: str, result: Result) -> None:
    """The rows of one section; neighbours that found the same kind of numbers share a table."""
    say(console, f"\n{name}: {result.status} after {result.seconds:.0f} s" + (f": {result.error}" if result.error else ""))
    alike: list[Row] = []
    for row in result.rows:
        if alike and (alike[0].setting.keys(), alike[0].found.keys()) != (row.setting.keys(), row.found.keys()):
            _print_rows(console, alike)
            alike = []
        alike.append(row)
    if alike:
        _print_rows(console, alike)


def _print_rows(console: Console, rows: Sequence[Row]) -> None:
    """Rows with the same settings and the same numbers; a sentence in the place of numbers where there are none."""
    settings, numbers = ", ".join(rows[0].setting), list(rows[0].found)
    console.print()
    if numbers:
        cells = [[_line(row.setting), *(escape(_text(row.found[name])) for name in numbers)] for row in rows]
        console.print(fitted([settings, *numbers], cells, console.width), crop=False)
        return
    said = [[_line(row.setting), escape(f"failed: {row.failed}" if row.failed else f"skipped: {row.skipped}")] for row in rows]
    console.print(fitted([settings, "found"], said, console.width, prose=1), crop=False)


def _line(setting: Mapping[str, Value]) -> str:
    """Settings as the name of a row."""
    words = (str(value) if isinstance(value, str) else f"{name} {_text(value)}" for name, value in setting.items())
    return escape(", ".join(words))


def _text(value: Value) -> str:
    """Three digits of a number."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return value if isinstance(value, str) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def main(options: Options, sections: Sequence[Section] | None = None) -> int:
    """Runs, prints and writes; returns the exit status."""
    console = Console()
    if options.out is not None:
        try:
            check_writable(options.out, "--out")  # before minutes of a card are spent
        except UsageError as error:
            say(console, str(error))
            return 2
    if options.slower <= 0:
        say(console, f"--slower {options.slower:g} is not above 0; 1 is an H200, more a slower card.")
        return 2
    if sections is None:
        from .gpu_sections.sections import SECTIONS as sections  # noqa: N811 - torch is imported only when it is needed
    if not options.dry:
        import torch

        if not torch.cuda.is_available():
            say(console, "There is no GPU that torch can see; add --dry for tiny sizes on the CPU.")
            return 2
    wanted = chosen(options, sections)
    if not wanted:
        say(console, f"None of {', '.join(options.sections)} is a section.")
        return 2
    results = run(options, wanted, console)
    rows = [[name, one.status, f"{one.seconds:.0f}", str(len(one.rows)), escape(one.error)] for name, one in results.items()]
    print_table(console, "\nAll sections", ["section", "came to", "s", "rows", "why"], rows, prose=1)
    return int(any(result.status == "failed" for result in results.values()))


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, prog="python -m tests.benchmarks.gpu", description=__doc__)))
