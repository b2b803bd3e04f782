"""The share of unchanged weights at equal size of the update, so that neither learning rate nor steps decide an order.

Rounded to bfloat16, a weight is unchanged where its change is small beside its last place: whoever moves further changes more.
Two ways to compare at one size, the root mean square (RMS) of end - start:

- along trajectories: each run has a point (RMS, unchanged share) per checkpoint, between which the share is linear in log RMS;
- of a single pair, exactly: the change is scaled to the size before it is added to the start and rounded. That asks what a run
  in the same direction and of that size would have kept, which no run may have done; and a checkpoint that was stored in
  bfloat16 has lost the small changes that the question is about, so that it wants checkpoints in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt

import torch

from .checkpoint import Checkpoint
from .counts import sum_of_squares
from .pairing import pair
from .sources import one_thread
from .sparsity import SLICE, Progress, Sparsity, slices


@dataclass(frozen=True, slots=True)
class SizePoint:
    """One checkpoint of a run beside the run's start."""

    name: str
    rms: float
    """Size of the update."""
    unchanged: float
    """Share of weights that are the same in bfloat16."""


@dataclass(frozen=True, slots=True)
class AtSize:
    """Several runs at one size of the update."""

    rms: float
    unchanged: Mapping[str, float]
    """By the runs' names."""


def size_point(result: Sparsity) -> SizePoint:
    """The point of one comparison."""
    return SizePoint(result.end, result.whole.changes.rms, result.whole.changes.bfloat16_share())


def unchanged_at(points: Sequence[SizePoint], rms: float) -> float | None:
    """The share of unchanged weights at a size, linear in log RMS between the two points around it.

    Args:
        points: Of one run, in any order; those without any change have no log and are left out. Of several points of one size
            the mean counts.
        rms: The size.

    Returns:
        None outside the points' range: nothing is extrapolated.
    """
    by_size: dict[float, list[float]] = {}
    for point in points:
        if point.rms > 0 and isfinite(point.rms):
            by_size.setdefault(point.rms, []).append(point.unchanged)
    sizes = sorted(by_size)
    shares = {size: sum(values) / len(values) for size, values in by_size.items()}
    if rms in shares:
        return shares[rms]
    below, above = (max((s for s in sizes if s < rms), default=None), min((s for s in sizes if s > rms), default=None))
    if below is None or above is None:
        return None
    part = (log(rms) - log(below)) / (log(above) - log(below))
    return shares[below] + part * (shares[above] - shares[below])


def common_sizes(runs: Mapping[str, Sequence[SizePoint]], count: int = 5) -> tuple[float, ...]:
    """Sizes that every run's points span, equally far apart in log RMS; none where there is no such size.

    Args:
        runs: Points by the run's name.
        count: How many sizes, at least 1; a single one is the middle of the range.
    """
    spans = [[point.rms for point in points if point.rms > 0] for points in runs.values()]
    if not spans or not all(spans):
        return ()
    low, high = max(map(min, spans)), min(map(max, spans))
    if low > high:
        return ()
    if count == 1 or low == high:
        return (low if low == high else sqrt(low * high),)
    inner = (exp(log(low) + (log(high) - log(low)) * place / (count - 1)) for place in range(1, count - 1))
    return (low, *inner, high)


def compare_at_equal_size(runs: Mapping[str, Sequence[SizePoint]], sizes: Sequence[float] | None = None) -> tuple[AtSize, ...]:
    """All runs at the same sizes.

    Args:
        runs: Points by the run's name.
        sizes: By default those of `common_sizes`; a run whose points do not reach a size is not in its row.
    """
    rows: list[AtSize] = []
    for rms in common_sizes(runs) if sizes is None else sizes:
        shares = {name: unchanged_at(points, rms) for name, points in runs.items()}
        rows.append(AtSize(rms, {name: share for name, share in shares.items() if share is not None}))
    return tuple(rows)


@one_thread()
def unchanged_if_scaled(
    start: Checkpoint, end: Checkpoint, sizes: Sequence[float], *, on_progress: Progress | None = None
) -> tuple[SizePoint, ...]:
    """Per size, the share of weights with bfloat16(start + (end - start) * size / RMS) = bfloat16(start): a counterfactual.

    Reads both checkpoints twice. Products and sums are float32. Weights whose change is no number count as `Changes` has them:
    as unchanged where they are the same bits; else as changed, and not among those that the size is the mean of.

    Args:
        start: Before training.
        end: After it.
        sizes: RMS of the scaled change, above 0.
        on_progress: Told of every weight twice.

    Raises:
        ValueError: A size is not above 0, or nothing differs.
    """
    wrong = next((size for size in sizes if not 0 < size < float("inf")), None)
    if wrong is not None:
        raise ValueError(f"sizes={wrong} must be above 0; it is the root mean square of a change, such as 1e-6.")
    squares, weights, not_finite = 0.0, 0, 0

    def add(start_W: torch.Tensor, end_W: torch.Tensor) -> None:
        nonlocal squares, weights, not_finite
        change_W, _, odd_W = _change(start_W, end_W)
        squares += sum_of_squares(change_W.numpy())
        weights += len(change_W)
        not_finite += int(torch.count_nonzero(odd_W))

    _over(start, end, add, on_progress)
    if not squares and not not_finite:
        raise ValueError(f"{end.name!r} holds the same weights as {start.name!r}: there is no change to scale.")
    if not squares:
        raise ValueError(f"all that {end.name!r} changed of {start.name!r} is infinite or no number: it cannot be scaled.")
    factors = [size / sqrt(squares / (weights - not_finite)) for size in sizes]
    kept = [0] * len(sizes)

    def count(start_W: torch.Tensor, end_W: torch.Tensor) -> None:
        (change_W, same_W, odd_W), before_W = _change(start_W, end_W), start_W.to(torch.bfloat16)
        for place, factor in enumerate(factors):
            after_W = torch.add(start_W, change_W, alpha=factor).to(torch.bfloat16)
            kept[place] += int(torch.count_nonzero((after_W == before_W).logical_or_(same_W).logical_and_(~odd_W)))

    _over(start, end, count, on_progress)
    return tuple(SizePoint(end.name, size, share / weights) for size, share in zip(sizes, kept, strict=True))


def _change(start_W: torch.Tensor, end_W: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """End - start, 0 where it is no number; where both are the same bits; and where it is no number, though they differ."""
    change_W, same_W = torch.sub(end_W, start_W), start_W.view(torch.int32) == end_W.view(torch.int32)
    odd_W = ~(torch.isfinite(change_W) | same_W)
    return change_W.nan_to_num_(0.0, 0.0, 0.0), same_W, odd_W


def _over(
    start: Checkpoint, end: Checkpoint, visit: Callable[[torch.Tensor, torch.Tensor], None], on_progress: Progress | None
) -> None:
    """Shows every slice of both to `visit`."""
    for shared in pair([start, end]).shared:
        for start_W, end_W in slices(shared, SLICE):
            visit(start_W, end_W)
            if on_progress is not None:
                on_progress(len(start_W))
