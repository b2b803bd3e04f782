"""Claims that an experiment decides: what is claimed, by how much, and whether the interval of the statistic says so.

A claim is one sentence about one number: it lies above a margin, or below it. The rule is fixed before the first run:

    reproduced   the whole 95 % interval lies beyond the margin, on the claim's side
    refuted      the whole interval lies on the other side of it
    undecided    the margin is inside

"Not better than by more than a point" is the claim `below` with the margin 0.01, "above the base" is `above` with 0. That an
effect is exactly 0 cannot be shown, only that it is smaller than a margin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .intervals import Estimate
from .power import detectable_effect, seeds_for

Verdict = Literal["reproduced", "refuted", "undecided"]
Estimates = Mapping[str, Estimate | None]
"""Of statistics, by the name of the claim or of a part of one; None: not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A number lies above a margin, or below it."""

    name: str
    sentence: str
    """What is claimed, in words."""
    source: str
    """Who claims it."""
    statistic: str
    """What is estimated, in words: `pass@1 of self-play less base`."""
    direction: Literal["above", "below"] = "above"
    margin: float = 0.0
    """In units of the statistic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conjunction:
    """Several claims in one sentence, such as an order of three arms."""

    name: str
    sentence: str
    source: str
    parts: tuple[Claim, ...]

    def __post_init__(self) -> None:
        """Refuses parts that are not there or share a name."""
        names = [part.name for part in self.parts]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"parts={names} of claim {self.name!r} must be one or more, each with a name of its own.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an experiment says of a claim."""

    claim: Claim
    verdict: Verdict
    estimate: Estimate | None
    """Of its statistic; None where it was not measured."""
    detectable: float | None
    """Of an undecided claim: the smallest distance from the margin that would have been found with a chance of 80 %."""
    seeds_needed: int | None
    """Of an undecided claim: seeds with which the observed distance from the margin would be found with that chance; None where
    no number of seeds does on these problems, or nothing is known of how seeds vary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDecision:
    """What an experiment says of a conjunction."""

    claim: Conjunction
    verdict: Verdict
    parts: tuple[Decision, ...]


def decide(claim: Claim, estimate: Estimate | None) -> Decision:
    """The verdict on a claim; a statistic that was not measured decides nothing.

    Args:
        claim: It.
        estimate: Of its statistic.
    """
    if estimate is None:
        return Decision(claim=claim, verdict="undecided", estimate=None, detectable=None, seeds_needed=None)
    above, below = estimate.low > claim.margin, estimate.high < claim.margin
    if above or below:
        verdict: Verdict = "reproduced" if above == (claim.direction == "above") else "refuted"
        return Decision(claim=claim, verdict=verdict, estimate=estimate, detectable=None, seeds_needed=None)
    return Decision(
        claim=claim,
        verdict="undecided",
        estimate=estimate,
        detectable=detectable_effect(estimate),
        seeds_needed=seeds_for(estimate, estimate.mean - claim.margin),
    )


def decide_all(claim: Conjunction, estimates: Estimates) -> JointDecision:
    """Reproduced if all parts are, refuted if any is, else undecided.

    That all of several true statements are reproduced is rarer than that each is; and where every part holds, each adds its
    2.5 % to the chance that one is refuted by chance.

    Args:
        claim: It.
        estimates: By the name of the part; one that is missing was not measured.
    """
    parts = tuple(decide(part, estimates.get(part.name)) for part in claim.parts)
    verdicts = {part.verdict for part in parts}
    verdict: Verdict = "refuted" if "refuted" in verdicts else "undecided" if "undecided" in verdicts else "reproduced"
    return JointDecision(claim=claim, verdict=verdict, parts=parts)


def rising_order(
    name: str, sentence: str, source: str, *, arms: Sequence[str], quantity: str, margin: float = 0.0
) -> Conjunction:
    """The claim that a quantity rises from arm to arm: each next one is above the one before by more than a margin.

    Its parts are named `LOWER < HIGHER`; the estimate of each is of the higher less the lower.

    Args:
        name: Of the claim.
        sentence: In words.
        source: Who claims it.
        arms: Two or more, the lowest first.
        quantity: What is compared.
        margin: In its units.
    """
    parts = tuple(
        Claim(
            name=f"{lower} < {higher}",
            sentence=f"{quantity} of {higher} is above that of {lower}",
            source=source,
            statistic=f"{quantity}: {higher} less {lower}",
            margin=margin,
        )
        for lower, higher in pairwise(arms)
    )
    return Conjunction(name=name, sentence=sentence, source=source, parts=parts)
