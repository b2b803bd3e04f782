"""What happens along the runs: entropy, validation, proposals, and entropy against what is solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from ...analysis.dynamics import ALL_ARMS
from ...analysis.entropy.curves import WHOLE, SeedCurve
from ...analysis.exponential_fit import ExponentialFit
from ...analysis.proposals import Proposal, lengths_by_solve_rate, mean_by_step, solve_rate_histogram
from ...experiments.findings.findings import Findings
from ..dynamics import draw_dynamics
from ..entropy import draw_curves
from ..page import Picture, Section, Table
from ..style import Looks, add_legend, look_of, new_figure
from .words import NONE, plain, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEP = "step (updates of the weights)"


def entropy_section(findings: Findings, looks: Looks) -> Section | None:
    """Entropy by role and by task type over training; None where no arm samples."""
    curves = findings.entropies
    if not curves:
        return None
    by_role = [curve for curve in curves if "/" not in curve.group]
    by_type = [curve for curve in curves if "/" in curve.group]
    pictures = [_entropy_picture("entropy-by-role", by_role, looks, "Entropy over steps, of the whole model and by role.")]
    if by_type:
        pictures.append(_entropy_picture("entropy-by-type", by_type, looks, "Entropy over steps, by role and task type."))
    rows = [
        (curve.arm, curve.group, str(curve.seeds), plain(curve.first.mean), plain(curve.last.mean), _change(curve))
        for curve in by_role
    ]
    return Section(
        name="entropy",
        title="Entropy over training",
        pictures=pictures,
        tables=[
            Table(
                columns=("arm", "of", "seeds", "first tenth", "last tenth", "change, 95 %"),
                rows=rows,
                prose=(1,),
                caption="Nats per token.",
            )
        ],
        definition="H = -sum p log p over the whole vocabulary at the sampling temperature, mean over the response tokens that "
        "trained, by the step before whose update it was; bands: Student's t over seeds.",
        caveat="Arms that imitate given replies have no entropy here: on replies that are not the policy's own it would be "
        "another number. A proposer that does not train has none either.",
        published="Both roles collapse, and the proposer's entropy stays above the solver's throughout (the paper's figure 4; "
        "no values could be read).",
    )


def validation_section(findings: Findings, looks: Looks) -> Section | None:
    """pass@1 on the validation problems over steps, by arm; None where it was not measured."""
    series = {
        arm: _mean_series([[(int(row["step"]), float(row["all/pass@1"])) for row in run.evaluations] for run in runs])
        for arm, runs in findings.runs.items()
    }
    series = {arm: points_of_arm for arm, points_of_arm in series.items() if points_of_arm}
    if not series:
        return None
    rows = [(arm, *(points(value) for _, value in (of_arm[0], of_arm[-1]))) for arm, of_arm in series.items()]
    return Section(
        name="validation",
        title="Validation over training, and the proposer's reward",
        pictures=[
            _lines_picture(
                "validation",
                series,
                looks,
                "validation problems",
                "pass@1 (mean of games and seeds)",
                "Validation pass@1 over steps by arm.",
            )
        ],
        tables=[Table(columns=("arm", "first measured %", "last measured %"), rows=rows)],
        definition="Mean over task types of pass@1 on the validation problems, whose programs are none of the held-out ones, "
        "mean over seeds.",
        published="With the reward that peaks at one half, final validation accuracy is 2 % lower, and entropy is unchanged.",
    )


def proposals_section(findings: Findings, looks: Looks) -> Section | None:
    """Difficulty and length of proposals over training; None where nothing was proposed."""
    if not findings.proposals:
        return None
    rates = {
        arm: _mean_series([list(mean_by_step(of_run).items()) for of_run in runs.values()])
        for arm, runs in findings.proposals.items()
    }
    together = {arm: [one for of_run in runs.values() for one in of_run] for arm, runs in findings.proposals.items()}
    lengths = {arm: _mean_series([_lengths(of_run) for of_run in runs.values()]) for arm, runs in findings.proposals.items()}
    bins = {arm: lengths_by_solve_rate(of_arm) for arm, of_arm in together.items()}
    names = sorted({name for of_arm in bins.values() for name in of_arm})
    table = [(arm, *(plain(of_arm[name]) if name in of_arm else NONE for name in names)) for arm, of_arm in bins.items()]
    return Section(
        name="proposals",
        title="What is proposed: difficulty and length",
        pictures=[
            _lines_picture(
                "proposal-difficulty",
                rates,
                looks,
                "solve rate of valid proposals",
                "share of the panel (0 to 1)",
                "Mean solve rate of proposals over steps.",
            ),
            _lines_picture(
                "answer-length",
                lengths,
                looks,
                "answers to proposals",
                "tokens per answer",
                "Mean length of answers over steps.",
            ),
            _histogram_picture(together),
        ],
        tables=[Table(columns=("arm", *names), rows=table, caption="Tokens per answer by the solve rate of its task.")],
        definition="Of the valid proposals in recorded episodes: the share of the panel's answers that are right. The panel is "
        "the model of that step.",
        caveat="The paper solves proposals of all steps anew with one model; here solver and proposals change together.",
        published="Proposals get harder and answers longer over training.",
    )


def dynamics_section(findings: Findings, looks: Looks) -> Section | None:
    """Entropy against pass@k along the runs; None without points."""
    if not findings.points:
        return None
    rows = [
        (law.arm, law.entropy, law.score, *_fit_cells(law.fit), law.reason)
        for law in findings.laws
        if law.arm == ALL_ARMS or law.entropy == WHOLE
    ]
    data = [
        (p.run, p.arm, p.seed, p.step, "" if p.entropy is None else p.entropy, p.pass_1, p.pass_k, p.k) for p in findings.points
    ]
    shown = [law for law in findings.laws if law.arm == ALL_ARMS]
    picture = Picture(
        name="dynamics",
        figure=draw_dynamics(findings.points, shown, looks),
        says="pass@1 and pass@k of all evaluations against entropy, with the fitted curve.",
        columns=("run", "arm", "seed", "step", "entropy", "pass@1", "pass@k", "k"),
        data=data,
    )
    columns = ("arms", "entropy of", "score", "a", "b", "ceiling b - a", "R²", "intervals over", "why not")
    return Section(
        name="dynamics",
        title="Entropy against what is solved",
        pictures=[picture],
        tables=[Table(columns=columns, rows=rows, prose=(1, 2, 8))],
        definition="R = b - a exp(H), least squares over all evaluations on validation problems; intervals by the jackknife "
        "over runs, or with fewer than three runs of least squares, as if points were independent.",
        published="The law is that of Cui et al. (arXiv 2505.22617), for 11 models and algorithms without self-play.",
    )


def _fit_cells(fit: ExponentialFit | None) -> tuple[str, ...]:
    if fit is None:
        return (NONE,) * 5
    a, b, ceiling = (f"{plain(one.value)} [{plain(one.low)}, {plain(one.high)}]" for one in (fit.a, fit.b, fit.ceiling))
    return (a, b, ceiling, f"{fit.r2:.2f}", fit.interval_by)


def _change(curve: SeedCurve) -> str:
    one = curve.change
    if one.low is None or one.high is None:
        return f"{one.mean:+.3f}"
    return f"{one.mean:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _entropy_picture(name: str, curves: Sequence[SeedCurve], looks: Looks, says: str) -> Picture:
    data = [
        (curve.arm, curve.group, step, one.mean, *("" if end is None else end for end in (one.low, one.high)))
        for curve in curves
        for step, one in zip(curve.steps, curve.means, strict=True)
    ]
    columns = ("arm", "of", "step", "entropy", "low", "high")
    return Picture(name=name, figure=draw_curves(curves, looks), says=says, columns=columns, data=data)


def _mean_series(runs: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Mean over runs at the steps that all of them have."""
    at = [dict(run) for run in runs if run]
    steps = sorted(set(at[0]).intersection(*at[1:])) if at else []
    return [(step, fmean(of_run[step] for of_run in at)) for step in steps]


def _lengths(proposals: Sequence[Proposal]) -> list[tuple[int, float]]:
    by_step: dict[int, list[float]] = {}
    for one in proposals:
        by_step.setdefault(one.step, []).append(one.answer_tokens)
    return [(step, fmean(values)) for step, values in sorted(by_step.items())]


def _lines_picture(
    name: str, series: Mapping[str, Sequence[tuple[int, float]]], looks: Looks, title: str, y: str, says: str
) -> Picture:
    figure, [axes] = new_figure(width=7.5, height=4.0)
    for arm, of_arm in series.items():
        axes.plot([step for step, _ in of_arm], [value for _, value in of_arm], label=arm, **looks(arm))
    axes.set(title=title, xlabel=STEP, ylabel=y)
    add_legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    data = [(arm, step, value) for arm, of_arm in series.items() for step, value in of_arm]
    return Picture(name=name, figure=figure, says=says, columns=("arm", "step", y), data=data)


def _histogram_picture(arms: Mapping[str, Sequence[Proposal]], panel: int = 8) -> Picture:
    """Solve rates at the first and the last recorded step, a panel per arm."""
    figure, axes = _grid(len(arms))
    data: list[tuple[str | int | float, ...]] = []
    for axis, (arm, proposals) in zip(axes, arms.items(), strict=False):
        histograms = solve_rate_histogram(proposals, panel)
        ends = list(dict.fromkeys((min(histograms), max(histograms))))
        for place, step in enumerate(ends):
            shift = (place - (len(ends) - 1) / 2) * 0.4
            axis.bar(
                [bin_ + shift for bin_ in range(panel + 1)],
                histograms[step],
                width=0.4,
                color=look_of(place)["color"],
                label=f"step {step}",
            )
            data += [(arm, step, bin_, share) for bin_, share in enumerate(histograms[step])]
        axis.set(title=arm, xlabel=f"solved by so many of {panel}", ylabel="share of valid proposals")
        add_legend(axis)
    columns = ("arm", "step", f"solved of {panel}", "share")
    return Picture(
        name="solve-rates", figure=figure, says="Histograms of solve rates early and late, by arm.", columns=columns, data=data
    )


def _grid(count: int) -> tuple[Figure, Sequence[Axes]]:
    columns = min(3, count)
    lines = (count + columns - 1) // columns
    figure, axes = new_figure(lines, columns, width=3.8, height=3.0)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]
