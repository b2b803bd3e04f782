"""What is proposed along the runs: validity, length, difficulty and diversity, and a sample of it solved anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...analysis.curriculum.proposals import lengths_by_solve_rate
from ...analysis.curriculum.quantities import ALL
from ...analysis.curriculum.solved import SOLVED
from ...analysis.curriculum.study import ArmCurriculum, curricula_by_arm, shown_quantities
from ...analysis.curriculum.trends import Trend
from ...experiments.findings.findings import Findings
from ..curriculum import TITLES, draw_histogram, draw_lines
from ..page import Picture, Section, Table
from ..style import Looks, add_legend, labelled, new_figure
from .published import published
from .words import NONE, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("proposal-difficulty", ("solve_rate", "score"), "Difficulty of valid proposals over steps, by the panel of their step."),
    ("proposal-difficulty-anew", tuple(SOLVED), "Difficulty of a sample by the step it was proposed in, solved anew."),
    ("proposal-validity-length", ("valid", "tokens", "characters", "answer_tokens"), "Validity and lengths over steps."),
    (
        "proposal-diversity",
        ("distinct", "known", "shapes", "operations", "operation_entropy"),
        "Diversity of valid proposals over steps.",
    ),
    ("proposal-code", ("code", "answers_code"), "Share of requests and of answers that look like code, over steps."),
)
"""Name, quantities and what it says, of every picture of lines."""
COLUMNS = 3
DEFINITION = (
    "Of all messages of proposing roles in recorded episodes. Difficulty is the share of the panel's answers that are right, "
    "where the panel is the model of that step; of the sample, evenly drawn over the steps, it is that of the base and of the "
    "run's last model, with the same seeds. Shape: the syntax tree of a program without names and constants, or the kinds of "
    "an instruction's clauses. Operations: operators, calls, methods and statements of programs, kinds of clauses, or words. "
    "Known: proposed in an earlier recorded step. Change: along the least-squares line from the first to the last recorded "
    "step, Student's t over seeds, or with one run the interval of its line."
)
CAVEAT = (
    "The panel of a step learns while proposals change: only the sample that is solved anew tells them apart. Shares of "
    "distinct and numbers of different ones depend on how many valid proposals a step has."
)


def curriculum_section(findings: Findings, looks: Looks) -> Section | None:
    """What is proposed over training; None where nothing was proposed."""
    arms = curricula_by_arm([run for runs in findings.curricula.values() for run in runs.values()])
    if not arms:
        return None
    shown = shown_quantities(arms)
    pictures = [
        _picture(name, [one for one in names if one in shown], says, arms, looks)
        for name, names, says in PICTURES
        if any(one in shown for one in names)
    ]
    return Section(
        name="curriculum",
        title="What is proposed: validity, length, difficulty and diversity",
        pictures=[*pictures, _histograms(arms)],
        tables=[_trends(arms, shown), *_lengths(arms)],
        definition=DEFINITION,
        caveat=CAVEAT,
        published=published(findings, "curriculum"),
    )


def _picture(name: str, quantities: Sequence[str], says: str, arms: Sequence[ArmCurriculum], looks: Looks) -> Picture:
    figure, panels = _grid(len(quantities))
    for axes, quantity in zip(panels, quantities, strict=True):
        draw_lines(axes, arms, quantity, looks)
    named = {label: handle for handle, label in zip(*labelled(*panels), strict=True)}
    add_legend(figure, handles=[*named.values()], labels=[*named], loc="outside lower center", ncols=2 * min(2, len(panels)))
    data = [
        (arm.arm, quantity, step, one.mean, *("" if end is None else end for end in (one.low, one.high)))
        for arm in arms
        for quantity in quantities
        if (curve := arm.curves[ALL].get(quantity)) is not None
        for step, one in zip(curve.steps, curve.means, strict=True)
    ]
    columns = ("arm", "what", "step", "mean", "low", "high")
    return Picture(name=name, figure=figure, says=says, columns=columns, data=data)


def _histograms(arms: Sequence[ArmCurriculum]) -> Picture:
    """Solve rates at some recorded steps from the first to the last, a panel per arm."""
    figure, panels = _grid(len(arms))
    data = [
        (arm.arm, *row) for axes, arm in zip(panels, arms, strict=True) for row in draw_histogram(axes, arm.arm, arm.proposals)
    ]
    says = "Histograms of solve rates from early to late, by arm."
    return Picture(name="solve-rates", figure=figure, says=says, columns=("arm", "step", "bin", "share"), data=data)


def _trends(arms: Sequence[ArmCurriculum], shown: Sequence[str]) -> Table:
    rows = [
        (arm.arm, TITLES[name], plain(trend.first), plain(trend.last), _change(trend), trend.direction)
        for name in shown
        for arm in arms
        if (trend := arm.trends[ALL].get(name)) is not None
    ]
    return Table(
        columns=("arm", "what", "first step", "last step", "change, 95 %", "trend"),
        rows=rows,
        prose=(1, 5),
        caption="Ends of the least-squares line, means over seeds.",
    )


def _change(trend: Trend) -> str:
    if trend.low is None or trend.high is None:
        return f"{trend.change:+.3g}"
    return f"{trend.change:+.3g} [{trend.low:+.3g}, {trend.high:+.3g}]"


def _lengths(arms: Sequence[ArmCurriculum]) -> list[Table]:
    """Length of answers by difficulty; nothing where records hold no tokens."""
    bins = {arm.arm: lengths_by_solve_rate(arm.proposals) for arm in arms}
    names = sorted({name for of_arm in bins.values() for name in of_arm})
    if not names:
        return []
    rows = [(arm, *(plain(of_arm[name]) if name in of_arm else NONE for name in names)) for arm, of_arm in bins.items()]
    return [Table(columns=("arm", *names), rows=rows, caption="Tokens per answer by the solve rate of its task.")]


def _grid(count: int) -> tuple[Figure, Sequence[Axes]]:
    columns = min(COLUMNS, count)
    figure, axes = new_figure(-(-count // columns), columns, width=4.2, height=3.2)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]
