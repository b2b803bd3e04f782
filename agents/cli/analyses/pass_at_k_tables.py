"""Tables of `selfplay analyze pass-at-k`, and the sentences that say how to read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape

from ...analysis.answers.crossover import Crossover
from ...analysis.answers.pass_at_k import PassAtK, Point
from ...analysis.intervals import Estimate
from ...display.tables import print_table, say

CERTAIN = 0.001
"""P values below it are shown as such."""


def print_comparison(console: Console, one: PassAtK) -> None:
    """Both curves, their difference and its test at every k; where the difference turns."""
    about = f" about {one.programs} programs" if one.names_programs else ""
    title = f"{one.trained} against {one.base}: {one.problems} problems{about}, {one.samples} samples each, {_seeds(one)}"
    columns = ("k", "base", "trained", "difference", "95 % interval", "p (Holm)")
    print_table(console, title, columns, [_cells(point) for point in one.points])
    if one.left_out:
        say(console, one.left_out)
    short = [point for point in one.points if point.problems < one.problems]
    if short:
        say(
            console, f"At k={short[-1].k}, {one.problems - short[-1].problems} problems have too few samples that are not void."
        )
    say(console, _crossover(one))


def print_solved(console: Console, comparisons: Sequence[PassAtK]) -> None:
    """What the arms solve with all their samples, and the three rates of it."""
    cells: list[list[str]] = []
    for one in comparisons:
        solved = one.solved
        counts = (solved.both, solved.base_only, solved.trained_only, solved.neither)
        cells.append([escape(one.trained), *(f"{count:.1f} ({count / solved.problems:.0%})" for count in counts)])
    columns = ("solved by", "both", "base only", "trained only", "neither")
    title = (
        f"Problems with a right answer among {' or '.join(_distinct(str(one.solved.samples) for one in comparisons))} samples"
    )
    print_table(console, f"{title}, mean over seeds", columns, cells)
    rates: list[list[str]] = []
    for one in comparisons:
        solved = one.solved
        rates.append([escape(one.trained), *map(_rate, (solved.retention, solved.discovery, solved.net_change))])
    print_table(console, "Of these", ("arm", "kept", "new", "net change"), rates)
    say(
        console,
        "kept: of what the base solves, the share that is still solved. new: of what is solved after training, the share that "
        "the base does not solve. net change: of what either solves, new less lost.",
    )


def print_notes(console: Console, comparisons: Sequence[PassAtK]) -> None:
    """How the intervals were calculated, and what they do not know."""
    if any(_varies(one) for one in comparisons):
        say(
            console,
            "Intervals: 95 %, over seeds and problems: t with one degree of freedom fewer than there are seeds (Welch's where "
            "two arms of several seeds are not paired). They are wider than need be where problems vary more than seeds do.",
        )
    if not all(_varies(one) for one in comparisons):
        say(
            console,
            "Where there is one seed, the interval is over problems alone and speaks of that one model; how much another seed "
            "would differ is not known. Name several seeds of an arm to learn it.",
        )
    if not all(one.names_programs for one in comparisons):
        say(
            console,
            "The files do not say which problems share a program, so all count as independent: where some do, intervals are "
            'too narrow. Give samples a "program".',
        )


def _varies(one: PassAtK) -> bool:
    """Whether the interval knows anything of seeds."""
    return len(one.trained_seeds) > 1 or len(one.base_seeds) > 1


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _seeds(one: PassAtK) -> str:
    if one.paired_seeds:
        return f"{len(one.base_seeds)} seeds in pairs"
    trained, base = len(one.trained_seeds), len(one.base_seeds)
    return f"{trained} {'seed' if trained == 1 else 'seeds'}" + (f" against {base}" if base > 1 else "")


def _cells(point: Point) -> list[str]:
    """A row of the comparison; the difference green where its interval is above 0, red where it is below."""
    one = point.difference
    colour = "green" if one.low > 0 else "red" if one.high < 0 else "yellow"
    p_value = f"<{CERTAIN}" if point.adjusted_p < CERTAIN else f"{point.adjusted_p:.3f}"
    return [
        str(point.k),
        f"{point.base.mean:.3f}",
        f"{point.trained.mean:.3f}",
        f"[{colour}]{one.mean:+.3f}[/]",
        f"{one.low:+.3f} to {one.high:+.3f}",
        p_value,
    ]


def _rate(estimate: Estimate | None) -> str:
    return "-" if estimate is None else f"{estimate.mean:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _crossover(one: PassAtK) -> str:
    ks = [point.k for point in one.points]
    if one.crossover is None:
        return f"{one.trained} does not fall from above {one.base} to below it between k={ks[0]} and k={ks[-1]}."
    return f"{one.trained} falls behind {one.base} at k = {one.crossover.k:.1f} ({_span(one.crossover, ks)})."


def _span(crossover: Crossover, ks: Sequence[int]) -> str:
    """Its interval in words; an end that no k bounds is open."""
    low = f"below {ks[0]}" if crossover.low is None else f"{crossover.low:.1f}"
    high = f"beyond {ks[-1]}" if crossover.high is None else f"{crossover.high:.1f}"
    return f"95 % interval: {low} to {high}"
