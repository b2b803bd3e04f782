"""`selfplay analyze stability`: rewards, KL, lengths and validity by role over training, and alarms with step and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from ...arguments.parser import parse
from ...core.files import write_whole
from ...display.tables import make_console, print_table, say
from .outputs import check_outputs, json_text

if TYPE_CHECKING:  # they load scipy
    from ...analysis.seed_curves import Interval, SeedCurve
    from ...analysis.stability.alarms import NotWatched, Stability


@dataclass(frozen=True)
class StabilityOptions:
    """Do runs stay healthy, and when did one stop to? Reads the rows of metrics.jsonl and eval.jsonl, no model.

    Shows, by role: the reward and the return that trains with its terms, V and V_Q (scores of answers), KL to the start,
    length, validity, replies that ended by themselves, entropy, distinct proposals; then every alarm with its step and its
    reason: proposals repeat, validity is lost, replies do not end, length or entropy explodes or collapses, KL runs away,
    rewards collapse, or rise while held-out results do not, everything or nothing is solved, no signal is left. A departure
    counts if it lasts; its step is the one at which it set in. Runs that differ in nothing but the seed are one arm:

      selfplay analyze stability runs/azr-0 runs/azr-1 runs/lsp-0 --plot stability.png
      selfplay analyze stability runs/azr-0 --strict || echo unhealthy
    """

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Folders that `selfplay train` wrote, finished or not."""
    strict: bool = False
    """End with exit code 1 if there is an alarm."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write series, alarms and what could not be watched to this file."""
    plot: Path | None = None
    """Also draw a picture into this file, such as stability.png."""


def stability(args: Sequence[str]) -> int:
    """`selfplay analyze stability RUN [RUN ...]`."""
    command = parse(StabilityOptions, "analyze stability", args)
    check_outputs(command.json, command.plot)
    console = make_console()
    with console.status("reading ..."):
        from ...analysis.finished_runs import read_runs
        from ...analysis.stability.alarms import stability_of

        found = stability_of(read_runs(command.runs))
    for arm in dict.fromkeys(run.arm for run in found.runs):
        _print_arm(console, arm, found)
    say(console, "first and last: mean over a tenth of the steps. Intervals: 95 %, Student's t over seeds.")
    _print_alarms(console, found)
    _print_not_watched(console, found.not_watched)
    if command.json is not None:
        write_whole(command.json, json_text(_as_json(found)))
        say(console, f"Written to {command.json}")
    if command.plot is not None:
        from ...reports.stability import draw_stability
        from ...reports.style import save_png

        save_png(draw_stability(found.means, found.alarms), command.plot)
        say(console, f"Drawn into {command.plot}")
    return int(command.strict and bool(found.alarms))


def _print_arm(console: Console, arm: str, found: Stability) -> None:
    """A row per quantity and role."""
    runs = [run for run in found.runs if run.arm == arm]
    curves = [curve for curve in found.means if curve.arm == arm]
    rows = [[escape(one.kind), escape(one.group), *_ends(one)] for one in curves]
    seeds = f"{len(runs)} seeds" if len(runs) > 1 else "one seed"
    title = f"{arm}: {seeds}, {max(run.steps for run in runs)} steps"
    print_table(console, title, ("quantity", "role", "first", "last", "change"), rows)


def _ends(one: SeedCurve) -> tuple[str, str, str]:
    return f"{one.first.mean:.3g}", f"{one.last.mean:.3g}", _change(one.change)


def _change(one: Interval) -> str:
    if one.low is None or one.high is None:
        return f"{one.mean:+.3g}"
    return f"{one.mean:+.3g} ({one.low:+.3g} to {one.high:+.3g})"


def _print_alarms(console: Console, found: Stability) -> None:
    if not found.alarms:
        names = ", ".join(run.run for run in found.runs)
        say(console, f"No alarm in {names}.")
        return
    rows = [[escape(one.run), str(one.step), escape(one.name), escape(one.role), escape(one.reason)] for one in found.alarms]
    print_table(console, f"Alarms: {len(rows)}", ("run", "step", "alarm", "role", "because"), rows, prose=1)
    healthy = [run.run for run in found.runs if run.run not in {alarm.run for alarm in found.alarms}]
    if healthy:
        say(console, f"No alarm in {', '.join(healthy)}.")


def _print_not_watched(console: Console, missing: Sequence[NotWatched]) -> None:
    """A sentence per reason and the runs that it holds for."""
    runs: dict[tuple[str, str, str], list[str]] = {}
    for one in missing:
        runs.setdefault((one.reason, one.name, one.role), []).append(one.run)
    roles: dict[tuple[str, str], dict[str, list[str]]] = {}
    for (reason, name, role), names in runs.items():
        roles.setdefault((", ".join(names), reason), {}).setdefault(name, []).append(role)
    for (names, reason), alarms in roles.items():
        shown = ", ".join(f"{name} ({', '.join(of)})" for name, of in alarms.items())
        say(console, f"Not watched in {names}: {shown}: {reason}.")


def _as_json(found: Stability) -> dict[str, object]:
    return {
        "alarms": [asdict(alarm) for alarm in found.alarms],
        "not_watched": [asdict(one) for one in found.not_watched],
        "means": [asdict(curve) for curve in found.means],
        "runs": [
            {
                "run": run.run,
                "arm": run.arm,
                "series": [{"quantity": name, **asdict(curve)} for (name, _), curve in run.curves.items()],
            }
            for run in found.runs
        ],
    }
