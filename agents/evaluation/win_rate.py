"""Win rates from pairwise judgements: both orders of every pair, ties and unknown ones apart, raw and at equal length.

Every instruction is judged twice, with the model's answer shown first and shown second. Its value is the mean of both: a win
counts 1, a tie 1/2, a loss 0; above 1/2 the instruction is won, at 1/2 tied. An instruction counts only where both judgements
are known, as one order alone would measure the judge's liking for a place as well. Whatever is not known is counted apart and
never as a loss.

`wins_only` is the convention in which ties are no wins, as Language Self-Play's AlpacaEval numbers must have been computed:
their base scores 26.5 % against itself there, and 50 % by the value above. What a base scores against itself is the null of
either; it has to stand beside every such number.

See: Dubois et al., Length-Controlled AlpacaEval, arXiv 2404.04475; Zheng et al., Judging LLM-as-a-Judge, arXiv 2306.05685, for
the judge's liking for a place; Kuba et al., Language Self-Play, arXiv 2509.07414, table 2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core.seeding import generator_of
from .length_control import fit_length
from .statistics import bounds_without_spread, cluster_weights

Outcome = Literal["win", "tie", "loss", ""]
VALUES: Mapping[str, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}
ALL = "all"
"""Name of the row of all subsets together."""
RESAMPLES = 2_000
FITS = 500
"""Resamples that a length is fitted to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """Both judgements of a model's answer and another's to one instruction, from the model's side."""

    instruction: str
    """Rows of the same one are resampled together."""
    subset: str = ""
    shown_first: Outcome
    """The judgement with the model's answer first; empty: not known."""
    shown_second: Outcome
    reasons: tuple[str, ...] = ()
    """Why judgements are not known, one each."""
    length: int = 0
    """Of the model's answer, characters."""
    other_length: int = 0

    @property
    def value(self) -> float:
        """Mean of both judgements; NaN where one is not known."""
        return (VALUES.get(self.shown_first, np.nan) + VALUES.get(self.shown_second, np.nan)) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """What the duels of one subset add up to; shares lie in [0, 1], intervals are at 95 % and over instructions."""

    subset: str
    counted: int
    """Instructions with both judgements."""
    left_out: int
    """The others."""
    wins: int
    ties: int
    losses: int
    rate: float
    """(wins + ties / 2) / counted, with a judgement as the unit; NaN where nothing is counted."""
    low: float
    high: float
    wins_only: float
    """wins / counted."""
    position_bias: float
    """2 s - 1, with s the share of decided judgements that are for the answer shown first: 0 no liking for a place, 1 always
    the first, -1 always the second; NaN where every judgement is a tie."""
    agreement: float
    """Share of instructions judged alike in both orders."""
    controlled: float
    """The rate at equal lengths, see `length_control`; NaN where it cannot be told."""
    controlled_low: float
    controlled_high: float
    length_effect: float
    """Its phi, in logits: above 0 longer answers win more."""
    mean_length: float
    """Of the model's answers, characters."""
    mean_other_length: float
    unknown: Mapping[str, int]
    """Judgements that are not known, by reason."""


def win_rates(duels: Sequence[Duel]) -> list[WinRate]:
    """The rate of all duels, then, where there are several subsets, of each in the order of their names."""
    subsets = sorted({duel.subset for duel in duels})
    rows = [win_rate(ALL, duels)]
    if len(subsets) > 1:
        rows += [win_rate(name, [duel for duel in duels if duel.subset == name]) for name in subsets]
    return rows


def win_rate(subset: str, duels: Sequence[Duel]) -> WinRate:
    """What these duels add up to."""
    known = [duel for duel in duels if not np.isnan(duel.value)]
    value_N = np.array([duel.value for duel in known])
    rate, low, high = mean_interval(value_N, [duel.instruction for duel in known], subset)
    gap_N = np.array([duel.length - duel.other_length for duel in known], dtype=float)
    weight_RN = _weights(known, subset)
    fitted = fit_length(value_N, gap_N, weight_RN)
    return WinRate(
        subset=subset,
        counted=len(known),
        left_out=len(duels) - len(known),
        wins=int((value_N > 0.5).sum()),
        ties=int((value_N == 0.5).sum()),
        losses=int((value_N < 0.5).sum()),
        rate=rate,
        low=low,
        high=high,
        wins_only=_mean(value_N > 0.5),
        position_bias=position_bias(duels),
        agreement=_mean(np.array([duel.shown_first == duel.shown_second for duel in known])),
        controlled=fitted.rate,
        controlled_low=fitted.low,
        controlled_high=fitted.high,
        length_effect=fitted.phi,
        mean_length=_mean(np.array([duel.length for duel in known])),
        mean_other_length=_mean(np.array([duel.other_length for duel in known])),
        unknown=dict(Counter(reason for duel in duels for reason in duel.reasons).most_common()),
    )


def over_null(duels: Sequence[Duel], null: Sequence[Duel]) -> tuple[float, float, float]:
    """How far a rate lies above what the other model scores against itself, with an interval over the instructions of both.

    Args:
        duels: Of the model.
        null: Of the other model against itself, the same instructions in the same order.

    Returns:
        (difference, low, high); NaN where no instruction counts in both.

    Raises:
        ValueError: The instructions differ.
    """
    if [duel.instruction for duel in duels] != [duel.instruction for duel in null]:
        raise ValueError("the duels and those of the null are not of the same instructions; judge both on the same rows.")
    gain_N = np.array([duel.value - other.value for duel, other in zip(duels, null, strict=True)])
    kept = ~np.isnan(gain_N)
    names = [duel.instruction for duel, keep in zip(duels, kept, strict=True) if keep]
    return mean_interval(gain_N[kept], names, "over null", least=-1.0)


def mean_interval(value_N: np.ndarray, names: Sequence[str], subset: str, *, least: float = 0.0) -> tuple[float, float, float]:
    """Mean of values up to 1, and its interval over clusters of equal names; exact bounds where all values are alike.

    Args:
        value_N: Float (N,).
        names: N names.
        subset: Names the random numbers.
        least: Lowest value that there could be.

    Returns:
        (mean, low, high), NaN without values.
    """
    if not len(value_N):
        return np.nan, np.nan, np.nan
    mean = float(value_N.mean())
    if np.ptp(value_N) == 0:
        return mean, *bounds_without_spread(mean, len(set(names)), least)
    weight_RN = cluster_weights(names, generator_of("win rate", subset), RESAMPLES)
    low, high = np.quantile(weight_RN @ value_N / weight_RN.sum(axis=1), [0.025, 0.975])
    return mean, float(low), float(high)


def position_bias(duels: Sequence[Duel]) -> float:
    """`WinRate.position_bias`, over the instructions of which both judgements are known: a lost one would tilt it."""
    known = [duel for duel in duels if not np.isnan(duel.value)]
    first = sum((duel.shown_first == "win") + (duel.shown_second == "loss") for duel in known)
    second = sum((duel.shown_first == "loss") + (duel.shown_second == "win") for duel in known)
    return (first - second) / (first + second) if first + second else np.nan


def _weights(known: Sequence[Duel], subset: str) -> np.ndarray:
    names = [duel.instruction for duel in known]
    return cluster_weights(names, generator_of("length control", subset), FITS) if names else np.empty((0, 0))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
