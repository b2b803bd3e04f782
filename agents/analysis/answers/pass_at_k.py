"""pass@k of a base and of a trained arm over k: curves, paired differences with intervals, and where the difference turns.

Training that only sharpens makes the first sample better and leaves many samples no better, or worse, than the base's: its
difference is above 0 at k = 1 and falls with k. Training that widens what can be solved keeps it up.

See: Chen et al., Evaluating Large Language Models Trained on Code, arXiv 2107.03374 (the estimator); Yue et al., Does
Reinforcement Learning Really Incentivize Reasoning Capacity in LLMs Beyond the Base Model?, arXiv 2504.13837 (the question).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfplay_envs import UsageError

from ...evaluation.statistics import powers_of_two
from ..intervals import GAIN, RATE, Estimate, crossed_difference, crossed_mean
from .crossover import Crossover, find_crossover
from .solved_sets import SolvedSets, solved_sets
from .trials import Trials, left_out, on_common_problems, unpaired_seeds


@dataclass(frozen=True, slots=True)
class Point:
    """One k of two curves."""

    k: int
    problems: int
    """With at least k samples that count, for every seed of both arms."""
    base: Estimate
    trained: Estimate
    difference: Estimate
    """Trained less base, paired by problem; its p value is that of no difference."""
    adjusted_p: float
    """The p value times what Holm asks for the k that are shown."""


@dataclass(frozen=True, slots=True)
class PassAtK:
    """A trained arm beside its base."""

    base: str
    trained: str
    base_seeds: tuple[str, ...]
    trained_seeds: tuple[str, ...]
    paired_seeds: bool
    """Both arms have these seeds by name, and differences are taken seed by seed."""
    problems: int
    programs: int
    """Groups of problems that are independent evidence."""
    names_programs: bool
    """Whether any of the files said which those are."""
    samples: int
    """Per problem, of the arm that has fewer."""
    points: tuple[Point, ...]
    crossover: Crossover | None
    """From above the base to below it."""
    solved: SolvedSets
    left_out: str
    """Sentences on problems that not all seeds of both arms have, and on seeds without a pair; empty where there are none."""


def compare_pass_at_k(base: Trials, trained: Trials, ks: Sequence[int] = ()) -> PassAtK:
    """The curves of two arms, their differences, the crossover and the solved sets, on the problems that both have.

    Where two or more names of seeds are common to both, those seeds alone are compared, seed by seed; else all seeds of each.

    Args:
        base: What training began with, or any arm to compare with.
        trained: The other.
        ks: Samples that one may be right among; by default powers of two up to half of those that there are.

    Raises:
        UsageError: A k is below 1 or more than half of the samples, or the arms do not fit together.
        ValueError: All problems are about one program.
    """
    sentences = [left_out(base, trained)]
    base, trained = on_common_problems(base, trained)
    common = [name for name in base.seeds if name in trained.seeds]
    paired = len(common) > 1
    if paired:
        sentences.append(unpaired_seeds(base, trained))
        base, trained = base.of_seeds(common), trained.of_seeds(common)
    samples = min(base.samples, trained.samples)
    ks = checked_ks(ks, samples)
    first_SPK, second_SPK = base.rates(ks), trained.rates(ks)
    points = _adjusted(
        [_point(k, first_SPK[..., place], second_SPK[..., place], base.programs, paired=paired) for place, k in enumerate(ks)]
    )
    return PassAtK(
        base=base.name,
        trained=trained.name,
        base_seeds=base.seeds,
        trained_seeds=trained.seeds,
        paired_seeds=paired,
        problems=len(base.problems),
        programs=len(set(base.programs)),
        names_programs=base.names_programs,
        samples=samples,
        points=points,
        crossover=find_crossover(ks, [point.difference for point in points]),
        solved=solved_sets(base, trained, samples, paired=paired),
        left_out=" ".join(filter(None, sentences)),
    )


def checked_ks(ks: Sequence[int], samples: int) -> list[int]:
    """The k to show, sorted; powers of two where none are given.

    With fewer than 2 k samples the estimate of pass@k is still unbiased, but it hangs on a handful of answers.

    Raises:
        UsageError: One is below 1, or `samples` are not twice as many as the largest.
    """
    if samples < 2:
        raise UsageError(f"samples={samples} per problem are too few for pass@1 with an interval; draw at least 2, better 128.")
    chosen = sorted(set(ks)) or powers_of_two(samples // 2)
    if chosen[0] < 1 or 2 * chosen[-1] > samples:
        wrong = chosen[0] if chosen[0] < 1 else chosen[-1]
        raise UsageError(
            f"k={wrong} must be from 1 to half of the {samples} samples per problem; choose up to {samples // 2}, or draw more."
        )
    return chosen


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusts p values so that all tests together err in 5 % of cases at most, where each counts below 0.05.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none is below one before it, or above 1.

    See: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = np.empty(len(order)), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return [float(value) for value in adjusted]


def _point(k: int, first_SP: np.ndarray, second_SP: np.ndarray, programs: Sequence[str], *, paired: bool) -> Point:
    """Levels and difference at one k, of the problems of which enough samples count."""
    kept = np.flatnonzero(~np.isnan(np.concatenate([first_SP, second_SP])).any(axis=0))
    if not len(kept):
        raise UsageError(f"k={k}: no problem has as many samples with a verdict in all files; choose a smaller k.")
    first_SP, second_SP = first_SP[:, kept], second_SP[:, kept]
    clusters = [programs[int(place)] for place in kept]
    base, trained = (crossed_mean(rates_SP, clusters, RATE) for rates_SP in (first_SP, second_SP))
    if paired:
        difference = crossed_mean(second_SP - first_SP, clusters, GAIN)
    else:
        difference = crossed_difference(second_SP, first_SP, clusters, GAIN)
    return Point(k, len(kept), base, trained, difference, difference.p_value)


def _adjusted(points: Sequence[Point]) -> tuple[Point, ...]:
    adjusted = holm([point.difference.p_value for point in points])
    return tuple(
        Point(point.k, point.problems, point.base, point.trained, point.difference, p_value)
        for point, p_value in zip(points, adjusted, strict=True)
    )
