"""pass@k of every arm beside the base, on each set of problems."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.answers.pass_at_k import PassAtK
from ...analysis.answers.trials import left_out
from ...analysis.intervals import Estimate
from ...experiments.findings.findings import BASE, Findings
from ..page import Picture, Section, Table
from ..pass_at_k import draw_pass_at_k
from ..style import Looks
from .published import published
from .words import NONE, between, gained, p_text, points

TINY = (
    " The tiny model's warm start held deliberately wrong answers, so that a lower temperature alone gains: the arm "
    "base-tempered shows how much."
)


def answers_sections(findings: Findings, looks: Looks) -> list[Section]:
    """A section per set of problems that the base and another arm were measured on."""
    return [
        _section(findings, name, list(comparisons.values()), looks)
        for name, comparisons in findings.beside_base.items()
        if comparisons
    ]


def _section(findings: Findings, name: str, comparisons: Sequence[PassAtK], looks: Looks) -> Section:
    first, temperature = comparisons[0], findings.results.experiment.measure.temperature
    asked = (
        f"{first.problems} problems about {first.programs} programs, {first.samples} answers each, temperature {temperature:g}."
    )
    return Section(
        name=f"pass-at-k-{name}",
        title=f"pass@k on {name.replace('-', ' ')} problems",
        text=[asked, *dict.fromkeys(filter(None, (_left_out(findings, name, one.trained) for one in comparisons)))],
        pictures=[
            Picture(
                name=f"pass-at-k-{name}",
                figure=draw_pass_at_k(comparisons, looks),
                says=f"Curves of pass@k over k for {len(comparisons) + 1} arms, and their differences to the base.",
                columns=("arm", "k", "pass@k", "low", "high", "difference", "difference low", "difference high", "adjusted p"),
                data=[row for one in comparisons for row in _data(one)],
            )
        ],
        tables=[_gains(comparisons), _solved(comparisons)],
        definition="pass@k = 1 - C(n - c, k) / C(n, k) per problem, with c of n answers right, and the mean over problems; "
        "differences are paired by problem. Intervals: variance components of seeds and programs, Student's t with one degree "
        "of freedom fewer than there are seeds; of an arm with one seed over programs alone. p: two-sided, adjusted over the k "
        "after Holm. Crossover: where the difference turns from above the base to below, and the range of k in which it may be "
        "0.",
        caveat="The last checkpoint of every run is measured, none is chosen."
        + (TINY if findings.results.experiment.model == "tiny" and findings.results.experiment.name == "azr" else ""),
        published=published(findings, "pass-at-k") if name in ("held-out", "benchmark") else "",
    )


def _left_out(findings: Findings, name: str, arm: str) -> str:
    """What was not answered by all seeds of an arm, or not by both."""
    of_set = findings.trials[name]
    return left_out(of_set[BASE], of_set[arm])


def _data(one: PassAtK) -> list[tuple[str | int | float, ...]]:
    return [
        (
            one.trained,
            point.k,
            point.trained.mean,
            point.trained.low,
            point.trained.high,
            point.difference.mean,
            point.difference.low,
            point.difference.high,
            point.adjusted_p,
        )
        for point in one.points
    ]


def _gains(comparisons: Sequence[PassAtK]) -> Table:
    """Gain at the smallest and the largest k, and where it turns."""
    rows: list[tuple[str, ...]] = []
    for one in comparisons:
        cells = [one.trained, str(len(one.trained_seeds))]
        for point in (one.points[0], one.points[-1]):
            cells += [
                points(point.trained.mean),
                gained(point.difference.mean),
                between(point.difference),
                p_text(point.adjusted_p),
            ]
        rows.append((*cells, _turn(one)))
    first, last = comparisons[0].points[0], comparisons[0].points[-1]
    heads = [
        f"{what} @{point.k}" if what == "pass" else what for point in (first, last) for what in ("pass", "gain", "95 %", "p")
    ]
    base = f"Base: {points(first.base.mean)} % at k = {first.k}, {points(last.base.mean)} % at k = {last.k}; gains in points."
    return Table(columns=("arm", "seeds", *heads, "crossover k"), rows=rows, caption=base)


def _turn(one: PassAtK) -> str:
    if one.crossover is None:
        return NONE
    low, high = ("" if bound is None else f"{bound:.0f}" for bound in (one.crossover.low, one.crossover.high))
    return f"{one.crossover.k:.0f} ({low or 'below'} to {high or 'above'})"


def _solved(comparisons: Sequence[PassAtK]) -> Table:
    """Problems solved by both, by one alone, by neither."""
    rows = [
        (
            one.trained,
            *(f"{value:.1f}" for value in (one.solved.both, one.solved.base_only, one.solved.trained_only, one.solved.neither)),
            *map(_rate, (one.solved.retention, one.solved.discovery, one.solved.net_change)),
        )
        for one in comparisons
    ]
    samples = comparisons[0].solved.samples
    columns = ("arm", "both", "base only", "arm only", "neither", "retention %", "discovery %", "net change %")
    return Table(columns=columns, rows=rows, caption=f"Problems with a right answer among {samples}, mean over seeds.")


def _rate(one: Estimate | None) -> str:
    return NONE if one is None else f"{points(one.mean)} [{points(one.low)}, {points(one.high)}]"
