"""`selfplay analyze dynamics`: entropy and unchanged weights against pass@1 and pass@k over the steps of runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.markup import escape

from selfplay_envs import UsageError

from ...arguments.parser import parse
from ...core.files import write_whole
from ...display.tables import make_console, print_table, say
from .outputs import check_outputs, json_text

if TYPE_CHECKING:  # it loads scipy
    from ...analysis.dynamics import LawOfArm, Point
    from ...analysis.exponential_fit import Coefficient


@dataclass(frozen=True)
class Dynamics:
    """What runs solve against how uncertain they are: every evaluation of every run is a point.

    Fits R = -a exp(H) + b, with R pass@1 or pass@k and H the entropy of the whole model or of a role, over all runs and for
    each arm. b - a is the ceiling: what would be solved with no entropy left. Runs are evaluated over training with
    evaluation.every; runs that differ in nothing but the seed are one arm:

      selfplay train azr-tiny --eval-every 10 --out runs/azr-0 --seed 0
      selfplay analyze dynamics runs/azr-0 runs/azr-1 runs/rlvr-0 --plot dynamics.png

    With three runs or more, intervals are over runs (each is left out in turn), else over points as if they were independent.
    """

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Folders that `selfplay train` wrote."""
    window: int = 1
    """Steps that the entropy of a point is a mean over: more are less noisy, and tell of other weights too."""
    unchanged: Path | None = None
    """A JSON file {"RUN": {"STEP": share}} of shares of unchanged weights, as measured with `selfplay analyze sparsity`; RUN is
    the folder as it is typed here, STEP one that was evaluated."""
    json: Annotated[Path | None, tyro.conf.arg(name="json")] = field(default=None)
    """Also write points and fits to this file."""
    plot: Path | None = None
    """Also draw a picture into this file, such as dynamics.png."""


def dynamics(args: Sequence[str]) -> int:
    """`selfplay analyze dynamics RUN [RUN ...]`."""
    command = parse(Dynamics, "analyze dynamics", args)
    check_outputs(command.json, command.plot)
    console = make_console()
    with console.status("reading ..."):
        from ...analysis.dynamics import laws_of, points_of
        from ...analysis.finished_runs import read_runs

        shares = {} if command.unchanged is None else _read_unchanged(command.unchanged, command.runs)
        runs = read_runs(command.runs)
        points = [
            point for run in runs for point in points_of(run, window=command.window, unchanged=shares.get(run.folder, {}))
        ]
        laws = laws_of(points)
    _print_points(console, points)
    _print_laws(console, laws)
    if command.json is not None:
        result = {"points": [asdict(point) for point in points], "laws": [asdict(law) for law in laws]}
        write_whole(command.json, json_text(result))
        say(console, f"Written to {command.json}")
    if command.plot is not None:
        from ...reports.dynamics import draw_dynamics
        from ...reports.style import save_png

        save_png(draw_dynamics(points, laws), command.plot)
        say(console, f"Drawn into {command.plot}")
    return 0


def _read_unchanged(path: Path, runs: Sequence[Path]) -> dict[Path, dict[int, float]]:
    """Shares of unchanged weights by run and step.

    Raises:
        UsageError: The file is none, is not of that form, or names a run twice or one that is not typed.
    """
    try:
        data: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
        shares = {Path(name): {int(step): float(share) for step, share in of.items()} for name, of in data.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise UsageError(f'unchanged={str(path)!r} is not a JSON file of {{"RUN": {{"STEP": share}}}} ({error}).') from error
    if len(shares) < len(data):
        raise UsageError(f"unchanged={str(path)!r} names one run twice; put all its steps under one name.")
    if unknown := sorted(set(shares) - set(runs)):
        raise UsageError(
            f"unchanged={str(path)!r} names {str(unknown[0])!r}, which is not among the runs; type it as it is there."
        )
    if wrong := [share for of in shares.values() for share in of.values() if not 0 <= share <= 1]:
        raise UsageError(f"unchanged={str(path)!r} holds {wrong[0]:g}, which is no share from 0 to 1.")
    return shares


def _print_points(console: Console, points: Sequence[Point]) -> None:
    """A row per evaluation."""
    roles = sorted({role for point in points for role in point.by_role})
    roles = roles if len(roles) > 1 else []
    counts = sorted({point.k for point in points})
    last = f"pass@{counts[0]}" if len(counts) == 1 else "pass@k"
    share = any(point.unchanged is not None for point in points)
    rows = [
        [
            escape(f"{point.run}, step {point.step}"),
            _number(point.entropy),
            *(_number(point.by_role.get(role)) for role in roles),
            *([_number(point.unchanged)] if share else []),
            f"{point.pass_1:.3f}",
            f"{point.pass_k:.3f}" + (f" (k={point.k})" if len(counts) > 1 else ""),
        ]
        for point in points
    ]
    columns = ("run", "entropy", *roles, *(["unchanged"] if share else []), "pass@1", last)
    print_table(console, "Evaluations: entropy in nats per token, exact, of messages that trained", columns, rows)
    if given := sorted({point.arm for point in points if point.given}):
        say(console, f"{', '.join(given)}: entropy on replies that were given to be imitated; not fitted.")


def _print_laws(console: Console, laws: Sequence[LawOfArm]) -> None:
    rows: list[list[str]] = []
    for law in laws:
        if law.fit is None:
            continue
        fit = law.fit
        left = "-" if fit.left_out_error is None else f"{fit.left_out_error:.3f}"
        rows.append(
            [
                escape(f"{law.score}, {law.entropy}, {law.arm}"),
                f"{fit.points} / {fit.runs}",
                _coefficient(fit.a),
                _coefficient(fit.b),
                _coefficient(fit.ceiling),
                "-" if math.isnan(fit.r2) else f"{fit.r2:.2f}",
                f"{fit.error:.3f}",
                left,
                fit.interval_by,
            ]
        )
    if rows:
        columns = ("fit", "points / runs", "a", "b", "ceiling b - a", "R2", "error", "left out", "interval by")
        print_table(console, "R = -a exp(H) + b, with 95 % intervals", columns, rows)
        say(
            console,
            "error: root mean square of what the fit leaves; left out: the same where each run is predicted by the others "
            "alone. A law that holds predicts a left-out run about as well. Intervals by points take points of one run as "
            "independent.",
        )
    unfitted: dict[str, list[str]] = {}
    for law in laws:
        if law.reason:
            unfitted.setdefault(law.reason, []).append(f"{law.score} on {law.entropy} of {law.arm}")
    for reason, names in unfitted.items():
        say(console, f"Not fitted: {'; '.join(names)}: {reason}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _coefficient(value: Coefficient) -> str:
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"
