"""`selfplay analyze entropy --over-training`: the entropies that runs wrote, and the covariance that foretells their change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from ...core.files import write_whole
from ...display.tables import make_console, print_table, say
from .entropy_options import predicted_pictures
from .numbers import interval
from .outputs import json_text

if TYPE_CHECKING:  # they load torch or scipy
    from ...analysis.entropy.change import ScaleFit
    from ...analysis.entropy.recorded import PredictedChange
    from ...analysis.finished_runs import FinishedRun
    from ...analysis.seed_curves import SeedCurve
    from .entropy_options import Entropy

KINDS = {
    "exact": "exact, over the vocabulary, of messages that trained",
    "sampled": "sampled, -log p of the token, of messages that trained",
    "recorded": "-log p of the token, of all recorded messages",
}


def over_training(command: Entropy) -> int:
    """Reads runs, prints a table per arm."""
    from ...analysis.entropy.curves import over_seeds
    from ...analysis.finished_runs import read_runs

    console = make_console()
    with console.status("reading ..."):
        runs = read_runs([Path(name) for name in command.names])
        curves = over_seeds(runs, command.kind)
    for arm in dict.fromkeys(run.arm for run in runs):
        _print_arm(console, [curve for curve in curves if curve.arm == arm], [run for run in runs if run.arm == arm])
    say(
        console, "first and last: mean over the first and the last tenth of the steps. Intervals: 95 %, Student's t over seeds."
    )
    result: dict[str, Any] = {"kind": command.kind, "curves": [asdict(curve) for curve in curves]}
    predictions = {run.name: _predict(console, run, command.span) for run in runs} if command.predict else {}
    if command.predict:
        result["predicted"] = {
            name: {
                "changes": [asdict(change) for change in changes],
                "fits": {group: asdict(fit) for group, fit in fits.items()},
            }
            for name, (changes, fits) in predictions.items()
        }
    if command.json is not None:
        write_whole(command.json, json_text(result))
        say(console, f"Written to {command.json}")
    if command.plot is not None:
        _draw(console, command, command.plot, curves, predictions)
    return 0


def _print_arm(console: Console, curves: Sequence[SeedCurve], runs: Sequence[FinishedRun]) -> None:
    rows = [
        [_label(one, curves[0]), interval(one.first), interval(one.last), interval(one.change, signed=True)] for one in curves
    ]
    first = curves[0]
    seeds = f"{first.seeds} seeds" if first.seeds > 1 else "one seed"
    title = f"{first.arm} ({seeds}, steps {first.steps[0]} to {first.steps[-1]}): nats per token, {KINDS[first.kind]}"
    print_table(console, title, ("group", "first", "last", "change"), rows)
    if any(run.imitates for run in runs):
        say(
            console,
            f"{first.arm} was given the replies that it imitates: its entropy is that on them, not on replies of its own.",
        )


def _label(one: SeedCurve, whole: SeedCurve) -> str:
    """The group of a row, with its own seeds and steps where they are not those of the table."""
    own: list[str] = []
    if one.seeds != whole.seeds:
        own.append(f"{one.seeds} of {whole.seeds} seeds")
    if (one.steps[0], one.steps[-1]) != (whole.steps[0], whole.steps[-1]):
        own.append(f"steps {one.steps[0]} to {one.steps[-1]}")
    return escape(one.group + (f" ({', '.join(own)})" if own else ""))


def _predict(console: Console, run: FinishedRun, span: int) -> tuple[list[PredictedChange], dict[str, ScaleFit]]:
    """Covariances of a run beside the changes of its entropy; prints them."""
    with console.status(f"reading episodes of {run.name} ..."):
        from ...analysis.entropy.change import fit_scale
        from ...analysis.entropy.recorded import predicted_changes

        changes = predicted_changes(run, span)
    fits: dict[str, ScaleFit] = {}
    rows: list[list[str]] = []
    for change in changes:
        mean = sum(one.natural for one in change.covariances) / len(change.covariances)
        vanilla = sum(one.vanilla for one in change.covariances) / len(change.covariances)
        try:
            fit = fits[change.group] = fit_scale(change.totals, change.changes)
        except ValueError as error:  # too few intervals, or no covariance: the sentence is the result
            say(console, f"{run.name}, {change.group}: {error}")
            continue
        rows.append(
            [
                escape(change.group),
                str(fit.intervals),
                f"{mean:+.4f}",
                f"{vanilla:+.4f}",
                f"{sum(change.changes):+.3f}",
                "-" if math.isnan(fit.correlation) else f"{fit.correlation:+.2f}",
                f"{fit.same_sign:.0%}",
                f"{fit.eta:.3g}",
            ]
        )
    if rows:
        title = f"{run.name}: covariance of log p and advantage beside the change of entropy"
        columns = ("group", "intervals", "Cov", "Cov pA", "change", "r", "same sign", "eta")
        print_table(console, title, columns, rows)
        say(
            console,
            "Cov: mean of (A - mean A)(log p - mean log p) over a step's tokens; a positive one foretells a fall, dH = -eta "
            "Cov. Cov pA: the same with p A, as one vanilla gradient step on a table has it. r: correlation of -Cov with the "
            "measured change. eta is fitted, since AdamW rescales every step.",
        )
    return changes, fits


def _draw(
    console: Console,
    command: Entropy,
    path: Path,
    curves: Sequence[SeedCurve],
    predictions: dict[str, tuple[list[PredictedChange], dict[str, ScaleFit]]],
) -> None:
    from ...reports.entropy import draw_curves, draw_prediction
    from ...reports.style import save_png

    save_png(draw_curves(curves), path)
    say(console, f"Drawn into {path}")
    for file, (name, (changes, fits)) in zip(predicted_pictures(command), predictions.items(), strict=True):
        if fits:
            panels = {change.group: [(change, fits[change.group])] for change in changes if change.group in fits}
            save_png(draw_prediction(f"{name}: change of entropy between recorded steps, exact", panels), file)
            say(console, f"Drawn into {file}")
