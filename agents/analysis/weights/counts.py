"""Counts of unchanged weights of one slice, all tolerances in one pass, and their sums over slices, tensors and groups.

Legend: W weights of a slice. Every array is the slice's, and used again for the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch

TOLERANCES = (0.0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
"""Largest |change| that counts as unchanged; rounded to float32, as torch compares. Mukherjee et al. use 1e-5 in bfloat16."""
BINS = 1 << 15
"""Of |change|, one per bfloat16 number from 0 on: the upper half of a float32's bits, cut off."""
SMALLEST_BINADE, LARGEST_BINADE, LAST_PLACE = np.float32(2.0**-126), np.float32(2.0**127), np.float32(2.0**-7)
"""bfloat16 has 8 bits of precision: a number of the binade from 2^e on has a last place of 2^(e - 7)."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How the weights of a tensor, or of a group of tensors, changed. All shares are of unchanged weights, 0 to 1."""

    weights: int
    unchanged_float32: tuple[int, ...]
    """Weights with |end - start| <= tolerance, per tolerance; both are made float32 before they are subtracted."""
    unchanged_bfloat16: tuple[int, ...]
    """The same after both were rounded to bfloat16, to nearest, ties to even."""
    below_half_last_place: int
    """Weights with |end - start| (float32) below half of the last place that the start, rounded to bfloat16, has there."""
    below_last_place: int
    """Weights with |end - start| (float32) below that last place."""
    below_tenth: int
    """Weights with |end - start| below a tenth of `rms`; the tenth is cut off to a bfloat16 number, at most 0.8 % smaller. Of
    normally distributed changes that is a share of 0.0797, whatever their size."""
    rms: float
    """Root of the mean square of end - start: the size of the update."""
    largest: float
    """Of |end - start|."""
    start_rms: float
    """Root of the mean square of the start."""
    not_finite: int
    """Weights whose change is no number and that are not the same bits; they count as changed, and for nothing else."""

    def float32_share(self, place: int = 0) -> float:
        """Share of unchanged weights in float32 at the tolerance in that place; the first is 0."""
        return self.unchanged_float32[place] / self.weights

    def bfloat16_share(self, place: int = 0) -> float:
        """Share of unchanged weights in bfloat16 at the tolerance in that place; the first is 0."""
        return self.unchanged_bfloat16[place] / self.weights


class Tally:
    """Sums that `Changes` are made of; adds up over slices and tensors.

    Args:
        tolerances: See `TOLERANCES`.
    """

    def __init__(self, tolerances: Sequence[float]) -> None:
        self.tolerances = tuple(np.float32(tolerance) for tolerance in tolerances)
        self.float32, self.bfloat16 = (np.zeros(len(tolerances), np.int64) for _ in range(2))
        self.weights = self.half_last_place = self.last_place = self.not_finite = 0
        self.squares = self.start_squares = self.largest = 0.0
        self.bins = np.zeros(BINS, np.int64)

    def add(self, other: Tally) -> None:
        """Adds the sums of other weights."""
        self.float32 += other.float32
        self.bfloat16 += other.bfloat16
        self.weights += other.weights
        self.half_last_place += other.half_last_place
        self.last_place += other.last_place
        self.not_finite += other.not_finite
        self.squares += other.squares
        self.start_squares += other.start_squares
        self.largest = max(self.largest, other.largest)
        self.bins += other.bins

    def changes(self) -> Changes:
        """What the sums say."""
        rms = sqrt(self.squares / max(self.weights - self.not_finite, 1))
        tenth = int(np.float32(rms / 10).view(np.int32)) >> 16  # rounds towards 0, so that its bin is not below it
        return Changes(
            weights=self.weights,
            unchanged_float32=tuple(map(int, self.float32)),
            unchanged_bfloat16=tuple(map(int, self.bfloat16)),
            below_half_last_place=self.half_last_place,
            below_last_place=self.last_place,
            below_tenth=int(self.bins[:tenth].sum()),
            rms=rms,
            largest=self.largest,
            start_rms=sqrt(self.start_squares / max(self.weights - self.not_finite, 1)),
            not_finite=self.not_finite,
        )


class SliceCounter:
    """Counts the changes of slices of at most `size` weights into tallies; its arrays are made once.

    Args:
        size: Weights of the longest slice.
    """

    def __init__(self, size: int) -> None:
        self._change, self._other = np.empty(size, np.float32), np.empty(size, np.float32)
        self._mask = np.empty(size, np.bool_)

    def count(self, tally: Tally, start_W: np.ndarray, end_W: np.ndarray, *, rounded: bool = False) -> None:
        """Adds one slice to `tally`.

        Args:
            tally: Gets the counts.
            start_W: float32.
            end_W: float32.
            rounded: Both are bfloat16 numbers already, so that rounding would change nothing.
        """
        size = len(start_W)
        if not size:
            return
        change_W, other_W, mask_W = self._change[:size], self._other[:size], self._mask[:size]
        with np.errstate(invalid="ignore", over="ignore"):
            np.abs(np.subtract(end_W, start_W, out=change_W), out=change_W)
        largest = float(change_W.max())
        if not np.isfinite(largest):  # also where it is NaN
            self.count(tally, *_finite(tally, change_W, start_W, end_W), rounded=rounded)
            return
        counts = self._unchanged(tally, change_W, mask_W)
        tally.float32 += counts
        if rounded:
            tally.bfloat16 += counts
            other_W[:] = start_W
        else:
            start = _subtract_rounded(start_W, end_W, other_W)
            tally.bfloat16 += self._unchanged(tally, other_W, mask_W)
            torch.from_numpy(other_W).copy_(start)
        if largest:
            tally.squares += sum_of_squares(change_W)
            tally.bins += torch.bincount(torch.from_numpy(change_W.view(np.int32)) >> 16, minlength=BINS).numpy()
        else:
            tally.bins[0] += size
        self._count_last_places(tally, change_W, other_W, mask_W)
        tally.start_squares += sum_of_squares(start_W)
        tally.largest = max(tally.largest, largest)
        tally.weights += size

    @staticmethod
    def _unchanged(tally: Tally, change_W: np.ndarray, mask_W: np.ndarray) -> np.ndarray:
        """Weights within each tolerance."""
        return np.array([np.count_nonzero(np.less_equal(change_W, most, out=mask_W)) for most in tally.tolerances])

    @staticmethod
    def _count_last_places(tally: Tally, change_W: np.ndarray, start_W: np.ndarray, mask_W: np.ndarray) -> None:
        """Changes below one last place of the start, rounded to bfloat16, and below half of one; `start_W` is overwritten.

        The last place of 0 is the least there is, that of a start which rounds to infinity the largest.
        """
        place_W = start_W
        np.bitwise_and(start_W.view(np.int32), 0x7F800000, out=place_W.view(np.int32))  # 2^e
        np.clip(place_W, SMALLEST_BINADE, LARGEST_BINADE, out=place_W)
        np.multiply(place_W, LAST_PLACE, out=place_W)
        tally.last_place += int(np.count_nonzero(np.less(change_W, place_W, out=mask_W)))
        np.multiply(place_W, np.float32(0.5), out=place_W)
        tally.half_last_place += int(np.count_nonzero(np.less(change_W, place_W, out=mask_W)))


def _finite(tally: Tally, change_W: np.ndarray, start_W: np.ndarray, end_W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The slice without changes that are no number, which are counted; what is infinite or NaN in both alike becomes 0."""
    odd_W = ~np.isfinite(change_W)
    same_W = odd_W & (start_W.view(np.int32) == end_W.view(np.int32))
    kept_W = ~odd_W | same_W
    tally.weights += len(kept_W) - int(np.count_nonzero(kept_W))
    tally.not_finite += len(kept_W) - int(np.count_nonzero(kept_W))
    start, end = (np.where(same_W, np.float32(0), array)[kept_W] for array in (start_W, end_W))
    return start, end


def _subtract_rounded(start_W: np.ndarray, end_W: np.ndarray, out_W: np.ndarray) -> torch.Tensor:
    """|end - start| of the two in bfloat16, as float32, and the start in bfloat16.

    Numbers from 2^128 - 2^119 on round to infinity: where both do, the two are the same, and their difference is 0.
    """
    start, end = (torch.from_numpy(array).to(torch.bfloat16) for array in (start_W, end_W))
    change = torch.sub(end.float(), start.float(), out=torch.from_numpy(out_W)).abs_()
    change.nan_to_num_(nan=0.0, posinf=float("inf"))
    return start


def sum_of_squares(values_W: np.ndarray) -> float:
    """In float64."""
    return float(torch.linalg.vector_norm(torch.from_numpy(values_W), dtype=torch.float64)) ** 2
