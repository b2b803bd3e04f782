"""The picture of a run: solve rate, validity and distinctness, entropy, credit over steps. matplotlib is loaded late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .curves import Row, cells_of, distinct_share, of_role, roles_of, series, short_game
from .errors import AgentError
from .metrics import read_rows

Curve = tuple[str, list[int], list[float]]
SMOOTHING = 5
"""Steps of the trailing mean that is drawn over the raw points."""


def draw_run(run_dir: Path) -> Path:
    """Draws `plot.png` into a run's folder and returns its path.

    Raises:
        AgentError: The folder holds no metrics.
    """
    rows = read_rows(run_dir / "metrics.jsonl")
    if not rows:
        raise AgentError(
            f"run={str(run_dir)!r} holds no metrics.jsonl with a finished step; pass a folder that `selfplay train` wrote."
        )
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    panels = (
        (
            "solver: share of right answers in training" if _has_solver(rows) else "share of messages with score 1",
            solve_curves(rows),
            (0, 1),
        ),
        ("valid messages, distinct proposals", validity_curves(rows), (0, 1)),
        ("entropy of replies (nats per token)", role_curves(rows, "entropy"), None),
        ("credit per message, from the game", role_curves(rows, "credit_mean"), None),
    )
    for axis, (title, curves, limits) in zip(axes.flat, panels, strict=True):
        _draw(axis, title, curves, limits)
    held_out = held_out_curves(read_rows(run_dir / "eval.jsonl"))
    for name, steps, values in held_out:
        axes.flat[0].plot(steps, values, "D--", markersize=5, linewidth=1, label=name)
    if held_out:
        axes.flat[0].legend(fontsize=8)
    figure.suptitle(run_dir.resolve().name)
    path = run_dir / "plot.png"
    figure.savefig(path, dpi=110)
    return path


def _has_solver(rows: Sequence[Row]) -> bool:
    return "solver" in roles_of(rows[-1])


def solve_curves(rows: Sequence[Row]) -> list[Curve]:
    """Solve rate per task type of the solver; per cell where no role is called so."""
    cells = sorted({cell for row in rows for cell in cells_of(row)})
    chosen = [cell for cell in cells if cell.partition("/")[0] == "solver"] or cells
    return [(cell.partition("/")[2] or cell, *series(rows, _column(f"{cell}/solve_rate"))) for cell in chosen]


def validity_curves(rows: Sequence[Row]) -> list[Curve]:
    """Share of valid messages per role, and of distinct proposals among the valid ones."""
    curves = [(f"{role} valid", steps, values) for role, steps, values in role_curves(rows, "valid_rate")]
    return [*curves, ("distinct", *series(rows, distinct_share))]


def role_curves(rows: Sequence[Row], what: str) -> list[Curve]:
    """A metric per role."""
    roles = sorted({role for row in rows for role in roles_of(row)})
    return [(role, *series(rows, lambda row, role=role: of_role(row, role, what))) for role in roles]


def held_out_curves(evaluations: Sequence[Row]) -> list[Curve]:
    """Held-out pass@1 per game, over the steps that were evaluated."""
    names = sorted({key for row in evaluations for key in row if key.endswith("/pass@1") and not key.startswith("all/")})
    return [(f"held-out {short_game(name.removesuffix('/pass@1'))}", *series(evaluations, _column(name))) for name in names]


def _column(name: str) -> Callable[[Row], Any]:
    return lambda row: row.get(name)


def trailing_mean(values: Sequence[float], width: int) -> np.ndarray:
    """Mean of each value and up to `width - 1` before it, float (len(values),)."""
    sums = np.cumsum([0.0, *values])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _draw(axis: Any, title: str, curves: Sequence[Curve], limits: tuple[float, float] | None) -> None:
    """Points faint, their trailing mean as a line; empty curves are left out."""
    for index, (name, steps, values) in enumerate(curves):
        if steps:
            colour = f"C{index}"
            axis.plot(steps, values, ".", color=colour, alpha=0.3)
            axis.plot(steps, trailing_mean(values, SMOOTHING), color=colour, label=name)
    axis.set_title(title, fontsize=10)
    axis.set_xlabel("step")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(alpha=0.3)
    if limits is not None:
        axis.set_ylim(limits[0] - 0.02, limits[1] + 0.02)
    if any(steps for _, steps, _ in curves):
        axis.legend(fontsize=8)
