"""The picture of a run: solve rate, validity and distinctness, entropy, credit over steps. matplotlib is loaded late."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import AgentError
from ..runs.columns import Row, distinct_share, groups_of, of_role, roles_of, series, short_game
from ..runs.rows import read_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = tuple[str, list[int], list[float]]
SMOOTHING = 5
"""Steps of the trailing mean that is drawn over the raw points."""
HELD_OUT = "held-out "
DISTINCT = "different tasks among valid proposals"


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the picture's axes."""

    title: str
    unit: str
    """Along the vertical axis."""
    curves: Sequence[Curve]
    share: bool = False
    """From 0 to 1."""
    held_out: Sequence[Curve] = ()


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
    path = run_dir / "plot.png"
    figure_of(title_of(run_dir), panels_of(rows, read_rows(run_dir / "eval.jsonl"))).savefig(path, dpi=110)
    return path


def figure_of(title: str, panels: Sequence[Panel]) -> Figure:
    """The picture of up to four panels, with a legend of its marks below; every panel's own legend lies below its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = (len(panels) + 1) // 2
    figure = Figure(figsize=(11, 4 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    for place, panel in enumerate(panels, 1):
        _draw(figure.add_subplot(lines, 2, place), panel)
    _explain(figure, held_out=any(panel.held_out for panel in panels))
    figure.suptitle(title, fontsize=12)
    return figure


def title_of(run_dir: Path) -> str:
    """`azr-tiny: model tiny, algorithm trr++, seed 0`; the folder's name alone where it holds no config."""
    path, name = run_dir / "config.json", run_dir.resolve().name
    if not path.is_file():
        return name
    config = json.loads(path.read_text(encoding="utf-8"))
    model = config["model"] if config["model"].count("/") < 2 else Path(config["model"]).name
    return f"{name}: model {model}, algorithm {config['algorithm']}, seed {config['seed']}"


def panels_of(rows: Sequence[Row], evaluations: Sequence[Row]) -> tuple[Panel, ...]:
    """The panels of the picture, from the rows of `metrics.jsonl` and `eval.jsonl`; none without a curve.

    Where nothing was sampled, as in supervised fine-tuning, the game says nothing of the model and the loss is shown.
    """
    held_out = held_out_curves(evaluations)
    solved = solve_curves(rows)
    first = Panel("right answers, by task type", "share of right answers (0 to 1)", solved, share=True, held_out=held_out)
    if not solved and not held_out:  # a game without right answers
        first = Panel("score, by role", "mean score per message", role_curves(rows, "score_mean"))
    valid = validity_curves(rows)
    distinct = ", distinct proposals" if any(name == DISTINCT and steps for name, steps, _ in valid) else ""
    last = Panel("credit from the game", "credit per message", role_curves(rows, "credit_mean"))
    if not _shows(last):
        last = Panel("loss", "what the optimiser descends", [("loss", *series(rows, _column("loss")))])
    panels = (
        first,
        Panel(f"valid messages{distinct}", "share (0 to 1)", valid, share=True),
        Panel("entropy of the next token in replies", "nats per token", role_curves(rows, "entropy")),
        last,
    )
    return tuple(filter(_shows, panels)) or panels


def _shows(panel: Panel) -> bool:
    """Whether there is anything to draw."""
    return any(steps for _, steps, _ in (*panel.curves, *panel.held_out))


def solve_curves(rows: Sequence[Row]) -> list[Curve]:
    """Solve rate per task type of the roles that answer, named with the role where there are several roles."""
    groups = sorted({group for row in rows for group in groups_of(row)})
    answering = [group for group in groups if any(f"{group}/solve_rate" in row for row in rows)]
    several = len({group.partition("/")[0] for group in answering}) > 1
    names = {group: group.replace("/", " ") if several else group.partition("/")[2] or group for group in answering}
    return [(name, *series(rows, _column(f"{group}/solve_rate"))) for group, name in names.items()]


def validity_curves(rows: Sequence[Row]) -> list[Curve]:
    """Share of valid messages per role, and of distinct proposals among the valid ones."""
    curves = [(f"{role} valid", steps, values) for role, steps, values in role_curves(rows, "valid_rate")]
    return [*curves, (DISTINCT, *series(rows, distinct_share))]


def role_curves(rows: Sequence[Row], metric: str) -> list[Curve]:
    """A metric per role."""
    roles = sorted({role for row in rows for role in roles_of(row)})
    return [(role, *series(rows, lambda row, role=role: of_role(row, role, metric))) for role in roles]


def held_out_curves(evaluations: Sequence[Row]) -> list[Curve]:
    """Held-out pass@1 per game, over the steps that were evaluated."""
    names = sorted({key for row in evaluations for key in row if key.endswith("/pass@1") and not key.startswith("all/")})
    return [(HELD_OUT + short_game(name.removesuffix("/pass@1")), *series(evaluations, _column(name))) for name in names]


def _column(name: str) -> Callable[[Row], Any]:
    return lambda row: row.get(name)


def trailing_mean(values: Sequence[float], width: int) -> np.ndarray:
    """Mean of each value and up to `width - 1` before it, float (len(values),)."""
    sums = np.cumsum([0.0, *values])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - width, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _draw(axis: Any, panel: Panel) -> None:
    """Points faint, their trailing mean as a line, held-out scores as diamonds in the colour of their task type."""
    colours: dict[str, str] = {}
    for name, steps, values in panel.curves:
        if steps:
            colour = colours.setdefault(name, f"C{len(colours)}")
            axis.plot(steps, values, ".", color=colour, alpha=0.35)
            axis.plot(steps, trailing_mean(values, SMOOTHING), color=colour, label=name)
    for name, steps, values in panel.held_out:
        colour = colours.setdefault(name.removeprefix(HELD_OUT), f"C{len(colours)}")
        axis.plot(steps, values, "D--", color=colour, markersize=5, linewidth=1, label=name)
    axis.set_title(panel.title, fontsize=10)
    axis.set_xlabel("step (updates of the weights)")
    axis.set_ylabel(panel.unit)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(alpha=0.3)
    if panel.share:
        axis.set_ylim(-0.02, 1.02)
    if colours:  # below the axes, where it covers nothing
        axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, frameon=False)


def _explain(figure: Any, *, held_out: bool) -> None:
    """The legend of all panels: dots, lines and diamonds."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color="grey", marker=".", linestyle="", alpha=0.5, label="one step"),
        Line2D([], [], color="grey", label=f"mean of the last {SMOOTHING} steps"),
    ]
    if held_out:
        label = "held-out problems: sampled pass@1"
        marks.append(Line2D([], [], color="grey", marker="D", linestyle="--", markersize=5, linewidth=1, label=label))
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), fontsize=9)
