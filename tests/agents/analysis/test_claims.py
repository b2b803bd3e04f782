"""Verdicts on claims: the rule, conjunctions, and simulated experiments whose effects are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from agents.analysis.claims import Claim, Conjunction, decide, decide_all, rising_order
from agents.analysis.intervals import GAIN, Estimate, crossed_mean, difference_over_seeds, mean_over_seeds
from agents.analysis.power import detectable_effect, seeds_for
from tests.helpers.simulated_arms import Mix, draw_answers

CLAIM = Claim(name="gain", sentence="self-play is above base", source="a paper", statistic="pass@1 less base")
SPREAD = mean_over_seeds([-1.0, 0.0, 1.0])


def between(low: float, high: float) -> Estimate:
    return replace(SPREAD, mean=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(
    ("direction", "margin", "low", "high", "verdict"),
    [
        ("above", 0.0, 0.01, 0.2, "reproduced"),
        ("above", 0.0, -0.2, -0.01, "refuted"),
        ("above", 0.0, -0.01, 0.2, "undecided"),
        ("above", 0.05, 0.01, 0.2, "undecided"),
        ("above", 0.05, 0.01, 0.04, "refuted"),
        ("below", 0.01, -0.2, 0.009, "reproduced"),
        ("below", 0.01, 0.02, 0.2, "refuted"),
        ("below", 0.01, -0.2, 0.02, "undecided"),
        ("above", 0.0, 0.0, 0.2, "undecided"),
    ],
)
def test_the_whole_interval_decides(
    direction: Literal["above", "below"], margin: float, low: float, high: float, verdict: str
) -> None:
    decision = decide(replace(CLAIM, direction=direction, margin=margin), between(low, high))
    assert decision.verdict == verdict
    assert (decision.detectable is None) == (verdict != "undecided")


def test_an_undecided_claim_says_what_it_would_take() -> None:
    estimate = difference_over_seeds({"1": 0.5, "2": 0.9, "3": 0.2}, {"1": 0.4, "2": 0.2, "3": 0.5})
    decision = decide(replace(CLAIM, margin=0.05), estimate)
    assert decision.verdict == "undecided"
    assert decision.detectable == detectable_effect(estimate)
    assert decision.detectable is not None
    assert decision.detectable > estimate.mean - 0.05
    assert decision.seeds_needed == seeds_for(estimate, estimate.mean - 0.05)
    assert decision.seeds_needed is not None
    assert decision.seeds_needed > 3


def test_what_was_not_measured_is_undecided() -> None:
    decision = decide(CLAIM, None)
    assert (decision.verdict, decision.estimate, decision.detectable, decision.seeds_needed) == ("undecided", None, None, None)


def test_a_conjunction_needs_all_its_parts_and_one_refutes_it() -> None:
    parts = tuple(replace(CLAIM, name=name) for name in ("both fall", "one above"))
    claim = Conjunction(name="entropy", sentence="both fall, one above the other", source="a paper", parts=parts)
    yes, no, perhaps = between(0.1, 0.2), between(-0.2, -0.1), between(-0.1, 0.1)

    def verdict(*estimates: Estimate) -> str:
        return decide_all(claim, dict(zip(("both fall", "one above"), estimates, strict=False))).verdict

    assert verdict(yes, yes) == "reproduced"
    assert verdict(yes, perhaps) == verdict(yes) == verdict() == "undecided"
    assert verdict(yes, no) == verdict(perhaps, no) == "refuted"
    assert [part.verdict for part in decide_all(claim, {"one above": no}).parts] == ["undecided", "refuted"]
    with pytest.raises(ValueError, match="must be one or more, each with a name of its own"):
        Conjunction(name="twice", sentence="", source="", parts=(CLAIM, CLAIM))


def test_an_order_of_three_arms() -> None:
    claim = rising_order(
        "sparsity", "SFT < self-play < RLVR", "a paper", arms=["sft", "self-play", "rlvr"], quantity="unchanged"
    )
    assert [part.name for part in claim.parts] == ["sft < self-play", "self-play < rlvr"]
    arms = {"sft": [0.1, 0.12, 0.11], "self-play": [0.4, 0.45, 0.5], "rlvr": [0.9, 0.95, 0.92]}

    def decided(order: dict[str, list[float]]) -> str:
        values = {arm: dict(zip("123", own, strict=True)) for arm, own in order.items()}
        pairs = [part.name.split(" < ") for part in claim.parts]
        return decide_all(
            claim, {f"{low} < {high}": difference_over_seeds(values[high], values[low]) for low, high in pairs}
        ).verdict

    assert decided(arms) == "reproduced"
    assert decided({**arms, "rlvr": [0.2, 0.22, 0.19]}) == "refuted"
    assert decided({**arms, "rlvr": [0.2, 0.9, 0.5]}) == "undecided"


PLANTED = {
    "present": (Mix(seeds=0.1, clusters=0.3, both=0.1, gain=1.5), {"reproduced"}),
    "reversed": (Mix(seeds=0.1, clusters=0.3, both=0.1, gain=-1.5), {"refuted"}),
    "absent": (Mix(seeds=0.1, clusters=0.3, both=0.1, gain=0.0), {"refuted", "undecided"}),
    "too noisy": (Mix(seeds=3.0, clusters=0.3, both=0.1, gain=0.3), {"undecided"}),
}


@pytest.mark.parametrize("effect", PLANTED)
def test_planted_effects(effect: str) -> None:
    mix, allowed = PLANTED[effect]
    rng, decided = np.random.default_rng(5), []
    for _ in range(40):
        answers = draw_answers(mix, 3, 60, 32, rng)
        gain_SP = answers.trained_SP / 32 - answers.base_P / 32
        decided.append(decide(CLAIM, crossed_mean(gain_SP, answers.clusters, GAIN)).verdict)
    assert sum(verdict in allowed for verdict in decided) >= 36  # an interval of 95 % errs in 2 of 40
