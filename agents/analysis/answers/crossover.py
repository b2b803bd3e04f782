"""The number of samples at which a trained arm falls behind its base: where the difference of two pass@k curves turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..intervals import Estimate


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where a difference goes from above 0 to below it."""

    k: float
    """By straight lines over log2 k between the k that were computed."""
    low: float | None
    """Where the interval begins; None: no smaller k that was computed has a difference surely above 0."""
    high: float | None
    """Where it ends; None: no larger k that was computed has a difference surely below 0."""


def find_crossover(ks: Sequence[int], differences: Sequence[Estimate]) -> Crossover | None:
    """The first change of sign from + to -, and the k around it at which the difference may well be 0.

    The interval holds the k whose 95 % interval of the difference has 0 in it, its bounds taken as straight lines over log2 k
    as well. It leaves out the k at which the true difference is 0 no more often than those intervals miss, and like them it
    takes account of seeds and problems, which a bootstrap of 3 seeds would not.

    Args:
        ks: From 1, rising.
        differences: Of trained less base at each.

    Returns:
        None where the difference does not turn from above 0 to below.

    See: Fieller, Some problems in interval estimation, J. R. Statist. Soc. B 16 (1954): sets of roots by inverted tests.
    """
    places = [math.log2(k) for k in ks]
    means = [one.mean for one in differences]
    last = next((index for index in range(len(means)) if means[index] > 0 and _falls_below(means[index + 1 :])), None)
    if last is None:
        return None
    turn = _root(places, means, last)
    low, high = [one.low for one in differences], [one.high for one in differences]
    left = next((index for index in range(last, -1, -1) if low[index] > 0), None)
    right = next((index for index in range(last + 1, len(high)) if high[index] < 0), None)
    return Crossover(
        2**turn,
        None if left is None else 2 ** _root(places, low, left),
        None if right is None else 2 ** _root(places, high, right - 1),
    )


def _falls_below(means: Sequence[float]) -> bool:
    """Whether the next of them that is not 0 is below it."""
    return next((mean for mean in means if mean), 0.0) < 0


def _root(places: Sequence[float], values: Sequence[float], index: int) -> float:
    """Where the straight line between a point and the next, the one not below 0 and the other not above, is 0."""
    start, end = values[index], values[index + 1]
    return places[index] + (places[index + 1] - places[index]) * start / (start - end)
