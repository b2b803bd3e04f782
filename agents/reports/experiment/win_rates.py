"""Win rates of every arm against the base, scores of answers that can be partly right, and how many are in a style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...analysis.answers.scores import Scores, Wins, on_known_problems
from ...analysis.intervals import GAIN, RATE, Estimate, crossed_difference, crossed_mean
from ...experiments.findings.findings import BASE, Findings
from ..page import Picture, Section, Table
from ..style import INK, Looks, new_figure
from .published import published
from .words import NONE, between, gained, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Bars = Mapping[str, Estimate]
"""What is drawn, by arm."""


def win_rate_sections(findings: Findings, looks: Looks) -> list[Section]:
    """A section per set of problems with win rates."""
    sections = (_section(findings, name, wins, looks) for name, wins in findings.wins.items())
    return [section for section in sections if section is not None]


def style_section(findings: Findings, looks: Looks) -> Section | None:
    """The share of answers in the style that the experiment asks about, by arm; None where it asks about none."""
    style = findings.results.experiment.measure.style
    if style is None or not findings.styles:
        return None
    shares = _means({arm: (scores.means(), scores.programs) for arm, scores in findings.styles.items()})
    rows = [(arm, str(one.seeds), points(one.mean), _range(one)) for arm, one in shares.items()]
    return Section(
        name="style",
        title="Answers in a style",
        text=[f"Answers to the problems {style.tasks} as the judge {style.judge} scores them: 1 in the style, 0 not."],
        pictures=[_picture("style", {"": shares}, looks, "share of answers in the style", None)],
        tables=[Table(columns=("arm", "seeds", "in the style %", "95 %"), rows=rows)],
        definition="Repetition: a word of the answer stands in it twice; capitals: it has letters, and none of them is a small "
        "one. What the instruction demands does not count. Intervals as of pass@k.",
        caveat="Style and judge are planted: the picture says what self-play makes of such a judge, not how many are so.",
        published=published(findings, "style"),
    )


def _section(findings: Findings, name: str, wins: Mapping[str, Wins], looks: Looks) -> Section | None:
    """None where no arm's win rate is known."""
    rates = _means({arm: (one.value_SP, one.programs) for arm, one in wins.items() if arm != BASE})
    won = _means({arm: (one.won_SP, one.programs) for arm, one in wins.items()})
    if not rates:
        return None
    scores = findings.scores.get(name, {})
    rows = [
        (
            arm,
            str(one.seeds),
            points(one.mean),
            _range(one),
            points(won[arm].mean),
            _range(won[arm]),
            *_scored(scores, arm),
        )
        for arm, one in rates.items()
    ]
    base = ""
    if BASE in won:
        value = float(np.nanmean(wins[BASE].value_SP))
        base = f" The base has {points(value)} and {points(won[BASE].mean)} against itself."
    own = f" Its answers score {points(float(np.nanmean(scores[BASE].means())))} %." if BASE in scores else ""
    problems = next(one for one in findings.results.experiment.measure.sets if one.name == name)
    columns = ("arm", "seeds", "win rate %", "95 %", "won %", "95 %", "score %", "over base", "95 %")
    return Section(
        name=f"win-rate-{name}",
        title=f"Win rates on {name.replace('-', ' ')} problems",
        text=[f"Problems {problems.tasks}, {problems.samples} answers each, judged by {problems.judge}."],
        pictures=[_picture(f"win-rate-{name}", _by_subset(wins), looks, "win rate against the base", 0.5)],
        tables=[Table(columns=columns, rows=rows, caption=f"In percent and points.{base}{own}")],
        definition="Win rate: an answer that is better than the base's counts 1, one as good 1/2; won: ties count nothing, as "
        "in the paper's numbers. Where answers are scored one by one, over all pairs of an arm's and the base's answers to a "
        "problem. Score: the mean of the verdicts, such as the share of an instruction's clauses that are met. Intervals as "
        "of pass@k.",
        caveat="What a judge does not see, no win rate tells.",
        published=published(findings, "win-rate"),
    )


def _by_subset(wins: Mapping[str, Wins]) -> dict[str, Bars]:
    """Win rates of all problems, then of each subset where there are several; without the base's, which is 1/2."""
    others = {arm: one for arm, one in wins.items() if arm != BASE}
    subsets = sorted({subset for one in others.values() for subset in one.subsets})
    found: dict[str, Bars] = {"all": _means({arm: (one.value_SP, one.programs) for arm, one in others.items()})}
    if len(subsets) > 1:
        for subset in subsets:
            parts = {arm: one.of_subset(subset) for arm, one in others.items()}
            found[subset] = _means({arm: (one.value_SP, one.programs) for arm, one in parts.items()})
    return {subset: bars for subset, bars in found.items() if bars}


def _scored(scores: Mapping[str, Scores], arm: str) -> tuple[str, ...]:
    """An arm's mean score, and how far it lies above the base's."""
    if arm not in scores or BASE not in scores:
        return (NONE,) * 3
    own, base = scores[arm].means(), scores[BASE].means()
    programs, (own, base) = on_known_problems(scores[arm].programs, own, base)
    gain = crossed_difference(own, base, programs, GAIN)
    return (points(float(own.mean())), gained(gain.mean), between(gain))


def _means(tables: Mapping[str, tuple[np.ndarray, Sequence[str]]]) -> dict[str, Estimate]:
    """Means over seeds and problems by arm, of problems that every seed has a number of; without arms that have fewer than two.

    Args:
        tables: By arm a table (seeds, problems) and the names of the problems' programs.
    """
    found: dict[str, Estimate] = {}
    for arm, (table_SP, programs) in tables.items():
        names, [known_SP] = on_known_problems(programs, table_SP)
        if len(set(names)) > 1:
            found[arm] = crossed_mean(known_SP, names, RATE)
    return found


def _range(one: Estimate) -> str:
    return f"[{points(one.low)}, {points(one.high)}]"


def _picture(name: str, groups: Mapping[str, Bars], looks: Looks, label: str, null: float | None) -> Picture:
    """A panel per group of problems, a bar with its interval per arm."""
    columns = min(3, len(groups))
    most = max(len(bars) for bars in groups.values())
    figure, axes = new_figure(-(-len(groups) // columns), columns, width=7.5 / columns + 1, height=1.2 + 0.32 * most)
    for axis, (group, bars) in zip(axes, groups.items(), strict=False):
        _draw(axis, bars, looks, null)
        axis.set(title=group if len(groups) > 1 else "", xlabel=f"{label} (0 to 1)")
    for axis in axes[len(groups) :]:
        axis.set_axis_off()
    data = [(arm, group, one.mean, one.low, one.high) for group, bars in groups.items() for arm, one in bars.items()]
    return Picture(
        name=name,
        figure=figure,
        says=f"Bars by arm: {label}, with 95 % intervals.",
        columns=("arm", "problems", label, "low", "high"),
        data=data,
    )


def _draw(axis: Axes, bars: Bars, looks: Looks, null: float | None) -> None:
    places = range(len(bars))
    means = [one.mean for one in bars.values()]
    reach = [[one.mean - one.low for one in bars.values()], [one.high - one.mean for one in bars.values()]]
    axis.barh(places, means, xerr=reach, color=[looks(arm)["color"] for arm in bars], ecolor=INK, capsize=3, alpha=0.85)
    axis.set_yticks(places, labels=list(bars))
    axis.invert_yaxis()
    if null is not None:
        axis.axvline(null, color=INK, linewidth=1.0, linestyle=":")
