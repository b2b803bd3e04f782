"""The first table: what is claimed, and what the experiment says of it."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.claims import Decision, JointDecision
from ..page import Section, Table
from .words import NONE, plain

_COLUMNS = ("claim", "verdict", "statistic", "margin", "value", "95 % interval", "detectable", "seeds")


def claims_section(decisions: Sequence[Decision | JointDecision]) -> Section:
    """A row per claim, and below a claim of several parts one for each."""
    rows = [row for decision in decisions for row in _rows(decision)]
    counts = {verdict: sum(one.verdict == verdict for one in decisions) for verdict in ("reproduced", "refuted", "undecided")}
    return Section(
        name="claims",
        title="What the paper claims, and what these runs say",
        text=[f"Of {len(decisions)} claims: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + "."],
        tables=[Table(columns=_COLUMNS, rows=rows, prose=(0, 1, 2))],
        definition="Statistic, direction and margin of every claim stood in the code before the first run. A claim is "
        "reproduced where the whole 95 % interval lies beyond its margin, refuted where it lies on the other side, else "
        "undecided; a claim of several parts is reproduced where all are, and refuted where one is.",
        caveat="Intervals are over seeds and, where there are problems, over problems too. Of an undecided claim, detectable "
        "is the smallest distance from the margin that as many seeds would find in four of five experiments, and seeds how "
        "many it would take to find the distance that was observed; a dash: nothing is known of that, or no number does.",
    )


def _rows(decision: Decision | JointDecision) -> list[tuple[str, ...]]:
    if isinstance(decision, Decision):
        return [_row(decision, decision.claim.sentence)]
    joint = (decision.claim.sentence, decision.verdict, "", "", "", "", "", "")
    return [joint, *(_row(part, f"· {part.claim.sentence}") for part in decision.parts)]


def _row(decision: Decision, sentence: str) -> tuple[str, ...]:
    claim, one = decision.claim, decision.estimate
    if one is None:
        return (sentence, decision.verdict, f"{claim.statistic} (not measured)", *[NONE] * 5)
    return (
        sentence,
        decision.verdict,
        claim.statistic,
        f"{'>' if claim.direction == 'above' else '<'} {plain(claim.margin)}",
        plain(one.mean),
        f"[{plain(one.low)}, {plain(one.high)}]",
        NONE if decision.detectable is None else plain(decision.detectable),
        NONE if decision.seeds_needed is None else f"{decision.seeds_needed:,}",
    )
