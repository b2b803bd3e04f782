"""The statistics of the claims about Language Self-Play, computed from what an experiment found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ...analysis.answers.scores import Wins, on_known_problems
from ...analysis.claims import Estimates
from ...analysis.intervals import GAIN, RATE, Estimate, crossed_difference, crossed_mean
from . import lsp_claims as claims
from .findings import BASE, Findings


def over_base(findings: Findings, arm: str) -> Estimate | None:
    """An arm's win rate less what the base has against itself."""
    wins, null = _wins(findings, arm), next(iter(findings.wins.values()), {}).get(BASE)
    if wins is None or null is None or null.programs != wins.programs:
        return None
    return _estimate(wins.value_SP - null.value_SP, wins)


def over_arm(findings: Findings, first: str, second: str) -> Estimate | None:
    """The win rate of one arm less that of another, paired by seed where two or more are common."""
    one, other = _wins(findings, first), _wins(findings, second)
    if one is None or other is None:
        return None
    common = [seed for seed in one.seeds if seed in other.seeds]
    first_SP, second_SP = one.value_SP, other.value_SP
    if len(common) > 1:
        first_SP, second_SP = (wins.value_SP[[wins.seeds.index(seed) for seed in common]] for wins in (one, other))
        return _estimate(first_SP - second_SP, one)
    programs, (first_SP, second_SP) = on_known_problems(one.programs, first_SP, second_SP)
    return crossed_difference(first_SP, second_SP, programs) if len(set(programs)) > 1 else None


def share_in_style(findings: Findings, arm: str) -> Estimate | None:
    """The share of an arm's answers that are in the style of the weak judge; None where it was not measured or has one seed."""
    scores = findings.styles.get(arm)
    if scores is None or len(scores.seeds) < 2:
        return None
    programs, [known_SP] = on_known_problems(scores.programs, scores.means())
    return crossed_mean(known_SP, programs, RATE) if len(set(programs)) > 1 else None


def _wins(findings: Findings, arm: str) -> Wins | None:
    """The wins of an arm of several seeds on the first set of problems that has some."""
    found = next(iter(findings.wins.values()), {}).get(arm)
    return found if found is not None and len(found.seeds) > 1 else None


def _estimate(table_SP: np.ndarray, wins: Wins) -> Estimate | None:
    """Over the problems of which every seed has a number; None where those are fewer than two."""
    programs, [known_SP] = on_known_problems(wins.programs, table_SP)
    return crossed_mean(known_SP, programs, GAIN) if len(set(programs)) > 1 else None


def _between(findings: Findings) -> Estimates:
    names = [part.name for part in claims.BETWEEN.parts]
    return {names[0]: over_base(findings, "lsp"), names[1]: over_arm(findings, "lsp", "grpo-data")}


def _style(findings: Findings) -> Estimates:
    names = [part.name for part in claims.STYLE.parts]
    return {names[0]: share_in_style(findings, "lsp-zero-weak"), names[1]: share_in_style(findings, "lsp-weak")}


ESTIMATES: Mapping[str, Callable[[Findings], Estimates]] = {
    claims.BETWEEN.name: _between,
    claims.ZERO.name: lambda findings: {claims.ZERO.name: over_base(findings, "lsp-zero")},
    claims.QUALITY.name: lambda findings: {claims.QUALITY.name: over_arm(findings, "lsp", "lsp-zero")},
    claims.THEN_RL.name: lambda findings: {claims.THEN_RL.name: over_arm(findings, "lsp-then-rl", "grpo-data")},
    claims.STYLE.name: _style,
}
"""How the statistic of each claim is computed, by the claim's name."""
