"""The statistics of the claims about self-play, computed from what an experiment found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

import numpy as np
from scipy.special import stdtr

from ...analysis.answers.trials import Trials, on_common_problems
from ...analysis.claims import Estimates
from ...analysis.curriculum.proposals import last_solve_rate
from ...analysis.dynamics import ALL_ARMS
from ...analysis.entropy.curves import WHOLE, entropy_curves
from ...analysis.exponential_fit import ExponentialFit
from ...analysis.intervals import GAIN as GAIN_BOUNDS
from ...analysis.intervals import Estimate, crossed_difference, crossed_mean, difference_over_seeds, mean_over_seeds
from ...analysis.seed_curves import ENDS
from ...analysis.weights.equal_size import common_sizes, unchanged_at
from ...evaluation.statistics import powers_of_two
from . import azr_claims as claims
from .findings import BASE, Findings

HELD_OUT = "held-out"
ORDER = ("sft", "self-play", "rlvr")
"""Arms of the claim about unchanged weights."""


def problem_set(findings: Findings) -> str:
    """The set that claims are about: held-out problems, or the first of those that were measured."""
    return HELD_OUT if HELD_OUT in findings.trials else next(iter(findings.trials), HELD_OUT)


def equal_size(findings: Findings) -> float | None:
    """The size of updates at which arms are compared, root mean square; None where there is none that all runs passed.

    It is in the middle of what the runs share of the arms that the claim is about, or of all arms where those are not there.
    """
    arms = [arm for arm in ORDER if arm in findings.changes] or list(findings.changes)
    runs = {f"{arm}/{seed}": [one.point for one in kept] for arm in arms for seed, kept in findings.changes[arm].items()}
    sizes = common_sizes(runs, 1)
    return sizes[0] if sizes else None


def shares_at_size(findings: Findings) -> dict[str, dict[str, float]]:
    """Share of weights unchanged in bfloat16 at `equal_size`, by arm and seed; without runs that never passed that size."""
    size = equal_size(findings)
    if size is None:
        return {}
    return {
        arm: {
            str(seed): share
            for seed, kept in runs.items()
            if (share := unchanged_at([one.point for one in kept], size)) is not None
        }
        for arm, runs in findings.changes.items()
    }


def _gain(findings: Findings, first: str, second: str = BASE) -> Estimate | None:
    """pass@1 of one arm less another's; None where an arm that trains has one seed, which says nothing of others."""
    pair = _pair(findings, first, second)
    if pair is None:
        return None
    minuend, subtrahend = pair
    common = [seed for seed in minuend.seeds if seed in subtrahend.seeds]
    if len(common) > 1:
        minuend, subtrahend = minuend.of_seeds(common), subtrahend.of_seeds(common)
    first_SP, second_SP, programs = _counted(minuend, subtrahend, [1])
    if len(common) > 1:
        return crossed_mean(first_SP[..., 0] - second_SP[..., 0], programs, GAIN_BOUNDS)
    return crossed_difference(first_SP[..., 0], second_SP[..., 0], programs, GAIN_BOUNDS)


def _closing(findings: Findings) -> Estimates:
    """The gain at k = 1 less that at the largest k of which there are twice as many samples."""
    pair = _pair(findings, "self-play", BASE)
    ks = powers_of_two(min(one.samples for one in pair) // 2) if pair is not None else []
    if pair is None or len(ks) < 2:
        return {}
    first_SPK, second_SPK, programs = _counted(*pair, [1, ks[-1]])
    first_SP, second_SP = (rates_SPK[..., 0] - rates_SPK[..., 1] for rates_SPK in (first_SPK, second_SPK))
    return {claims.CLOSING_GAP.name: crossed_difference(first_SP, second_SP, programs, (-2.0, 2.0))}


def _pair(findings: Findings, first: str, second: str) -> tuple[Trials, Trials] | None:
    """Two arms on their common problems; None where one is missing, or one that trains has fewer than two seeds."""
    arms = findings.trials.get(problem_set(findings), {})
    if any(name not in arms or (name != BASE and len(arms[name].seeds) < 2) for name in (first, second)):
        return None
    base, trained = on_common_problems(arms[second], arms[first])
    return trained, base


def _counted(first: Trials, second: Trials, ks: Sequence[int]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """pass@k of both, (seeds, problems, k), on the problems of which enough answers of every seed count; and their programs."""
    rates = [one.rates(ks) for one in (first, second)]
    kept = np.flatnonzero(~np.isnan(np.concatenate(rates)).any(axis=(0, 2)))
    return rates[0][:, kept], rates[1][:, kept], [first.programs[place] for place in kept]


def _entropies(findings: Findings, arm: str, role: str) -> dict[str, tuple[float, float, float]]:
    """Entropy of a role in the runs of an arm, by seed: mean over the run, in the first tenth of the steps, in the last."""
    found: dict[str, tuple[float, float, float]] = {}
    for run in findings.runs.get(arm, ()):
        curve = entropy_curves(run.rows, "exact").get(role)
        if curve is not None:
            count = max(1, round(ENDS * len(curve.values)))
            found[str(run.config.seed)] = (fmean(curve.values), fmean(curve.values[:count]), fmean(curve.values[-count:]))
    return found


def _of_roles(findings: Findings) -> Estimates:
    proposer, solver = (_entropies(findings, "self-play", role) for role in ("proposer", "solver"))
    names = [part.name for part in claims.ENTROPIES.parts]
    return {
        names[0]: _difference({seed: one[0] for seed, one in proposer.items()}, {seed: one[0] for seed, one in solver.items()}),
        names[1]: _mean([last - first for _, first, last in proposer.values()]),
        names[2]: _mean([last - first for _, first, last in solver.values()]),
    }


def _frozen(findings: Findings) -> Estimates:
    entropies = [
        {seed: last for seed, (_, _, last) in _entropies(findings, arm, "solver").items()} for arm in ("frozen", "self-play")
    ]
    rates = [
        {
            str(seed): rate
            for seed, run in findings.curricula.get(arm, {}).items()
            if (rate := last_solve_rate(run.proposals)) is not None
        }
        for arm in ("frozen", "self-play")
    ]
    names = [part.name for part in claims.FROZEN.parts]
    return {names[0]: _difference(*entropies), names[1]: _difference(*rates)}


def _sparsity(findings: Findings) -> Estimates:
    """Every step of the order; an arm that is missing leaves its parts unmeasured."""
    shares = shares_at_size(findings)
    order = {part.name: part.name.split(" < ") for part in claims.SPARSITY.parts}
    return {name: _difference(shares.get(higher, {}), shares.get(lower, {})) for name, (lower, higher) in order.items()}


def _law(findings: Findings) -> Estimates:
    """A of the fit over all arms, as an estimate over runs."""
    for law in findings.laws:
        if (law.score, law.entropy, law.arm) == ("pass@1", WHOLE, ALL_ARMS) and law.fit is not None:
            return {claims.LAW.name: _slope(law.fit)}
    return {}


def _slope(fit: ExponentialFit) -> Estimate:
    """The fit's a; where its interval is over runs, they are its seeds."""
    error = math.sqrt(fit.covariance[1][1])
    return Estimate(
        mean=fit.a.value,
        low=fit.a.low,
        high=fit.a.high,
        standard_error=error,
        df=float(fit.freedom),
        p_value=float(2 * stdtr(fit.freedom, -abs(fit.a.value) / error)) if error else float(fit.a.value == 0),
        seeds=fit.runs,
        clusters=0,
        variance_of_problems=0.0,
        variance_of_a_seed=math.nan,  # runs are of several arms, so that nothing says how many seeds it would take
    )


def _mean(values: Sequence[float]) -> Estimate | None:
    return mean_over_seeds(values) if len(values) > 1 else None


def _difference(first: Mapping[str, float], second: Mapping[str, float]) -> Estimate | None:
    return difference_over_seeds(first, second) if min(len(first), len(second)) > 1 else None


ESTIMATES: Mapping[str, Callable[[Findings], Estimates]] = {
    claims.GAIN.name: lambda findings: {claims.GAIN.name: _gain(findings, "self-play")},
    claims.CLOSING_GAP.name: _closing,
    claims.ENTROPIES.name: _of_roles,
    claims.FROZEN.name: _frozen,
    claims.HALF_PEAK.name: lambda findings: {claims.HALF_PEAK.name: _gain(findings, "half-peak", "self-play")},
    claims.SPARSITY.name: _sparsity,
    claims.LAW.name: _law,
    claims.RANDOM.name: lambda findings: {claims.RANDOM.name: _gain(findings, "random-reward")},
}
"""How the statistic of each claim is computed, by the claim's name."""
