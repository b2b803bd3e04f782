"""The verdicts on the claims of an experiment, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ...analysis.claims import Claim, Conjunction, Decision, Estimates, JointDecision, decide, decide_all
from . import azr_claims, azr_estimates, lsp_claims, lsp_estimates
from .findings import Findings

CLAIMS: Mapping[str, tuple[Sequence[Claim | Conjunction], Mapping[str, Callable[[Findings], Estimates]]]] = {
    "azr": (azr_claims.CLAIMS, azr_estimates.ESTIMATES),
    "lsp": (lsp_claims.CLAIMS, lsp_estimates.ESTIMATES),
}
"""By the experiment's name its claims, and how the statistic of each is computed, by the claim's name."""


def decide_claims(findings: Findings) -> list[Decision | JointDecision]:
    """The verdict on every claim; what was not measured leaves a claim undecided."""
    claims, estimates_of = CLAIMS[findings.results.experiment.name]
    decided: list[Decision | JointDecision] = []
    for claim in claims:
        estimates = estimates_of[claim.name](findings)
        if isinstance(claim, Claim):
            decided.append(decide(claim, estimates.get(claim.name)))
        else:
            decided.append(decide_all(claim, estimates))
    return decided
