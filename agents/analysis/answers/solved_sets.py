"""What a base and a trained arm solve with many samples: what is kept, found and lost.

A seed solves a problem if at least one of its n samples is right. With P problems solved by both, E by the trained arm alone, S
by the base alone:

    support retention  P / (P + S)            of what the base solves, how much is kept
    discovery          E / (P + E)            of what is solved after training, how much is new
    net change         (E - S) / (P + E + S)  of what either solves, how much is gained less lost

See: Wu et al., The Invisible Leash, arXiv 2507.14843 (SRR, NDR and NSCR, of the answers that n samples find); the table of four
is that of Yue et al., arXiv 2504.13837.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation.statistics import pass_at_ks
from ..intervals import GAIN, RATE, Bounds, Estimate, crossed_mean
from .trials import Trials


@dataclass(frozen=True, slots=True)
class SolvedSets:
    """Numbers of problems, means over the trained arm's seeds, and rates with intervals over seeds and problems."""

    samples: int
    problems: int
    """With an answer that counts from every seed."""
    both: float
    base_only: float
    trained_only: float
    neither: float
    retention: Estimate | None
    """None where the base solves nothing, or problems about one program alone; so the two below."""
    discovery: Estimate | None
    net_change: Estimate | None


def solved_sets(base: Trials, trained: Trials, samples: int, *, paired: bool = False) -> SolvedSets:
    """Compares what two arms solve with n samples, on the same problems.

    Of a seed with more samples it is the chance that n of them, drawn without replacement, hold a right one (pass@n), so that
    arms with different numbers of samples are compared fairly; of a problem with void samples, those count that are left. Of
    a base with several seeds that are not paired, it is the mean over them.

    Args:
        base: Its problems are those of `trained`, in the same order.
        trained: Its seeds make the means and intervals.
        samples: n.
        paired: Whether both have the same seeds, in the same order, and are compared seed by seed.
    """
    kept = np.flatnonzero(np.concatenate([base.counted_SP, trained.counted_SP]).all(axis=0))
    before_SP, after_SP = (_solves(arm, samples)[:, kept] for arm in (base, trained))
    if not paired:
        before_SP = np.broadcast_to(before_SP.mean(axis=0), after_SP.shape)
    programs = [base.programs[place] for place in kept]
    both_SP, lost_SP, found_SP = before_SP * after_SP, before_SP * (1 - after_SP), (1 - before_SP) * after_SP
    both, lost, found = (float(one_SP.sum(axis=1).mean()) for one_SP in (both_SP, lost_SP, found_SP))
    either_SP = both_SP + lost_SP + found_SP
    return SolvedSets(
        samples,
        len(kept),
        both,
        lost,
        found,
        len(kept) - both - lost - found,
        retention=_rate(both_SP, before_SP, programs, RATE),
        discovery=_rate(found_SP, after_SP, programs, RATE),
        net_change=_rate(found_SP - lost_SP, either_SP, programs, GAIN),
    )


def _solves(arm: Trials, samples: int) -> np.ndarray:
    """Chance that n samples solve each problem, float64 (seeds, problems)."""
    chance_SP = pass_at_ks(arm.right_SP, arm.counted_SP, [samples])[..., 0]
    return np.where(np.isnan(chance_SP), arm.right_SP > 0, chance_SP)


def _rate(part_SP: np.ndarray, whole_SP: np.ndarray, programs: Sequence[str], bounds: Bounds) -> Estimate | None:
    """Sum of the part over sum of the whole; None where the whole lies in fewer than two programs."""
    with_weight = {program for program, whole in zip(programs, whole_SP.sum(axis=0), strict=True) if whole > 0}
    if len(with_weight) < 2:
        return None
    share_SP = np.divide(part_SP, whole_SP, out=np.zeros(whole_SP.shape), where=whole_SP > 0)
    return crossed_mean(share_SP, programs, bounds, whole_SP)
