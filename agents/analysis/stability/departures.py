"""When a noisy series leaves, for good, where it was: a lasting crossing of a limit, and the step at which it set in.

A limit is crossed where `MOST` of `LASTING` rows in a row lie beyond it, the first of them too; single bad steps, which every
run has, are no crossing. The limit is never nearer to the reference than `NOISES` standard deviations of the run's own noise.
What crosses a limit slowly left earlier: the onset is the place of the break in a broken line fitted to the rows so far.

Legend of shape suffixes: T rows of a run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

FIRST = 8
"""Rows whose median is where a run began."""
LASTING = 8
"""Rows that a departure must last, or it is not told from a bad batch or two."""
MOST = 0.75
"""Share of these rows that must lie beyond the limit."""
NOISES = 3.0
"""Standard deviations of a single row: by chance, 6 of 8 rows lie beyond 3 of them once in 1e15 rows."""
BEFORE = 4
"""Rows before a break, at least, that the line before it is fitted to."""
Since = Literal["start", "best", "zero"]
"""What is departed from: the first rows, the best median of `FIRST` rows so far, or 0 (of numbers that begin there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A lasting crossing of a limit."""

    onset: int
    """The row at which it set in."""
    value: float
    """Median of `LASTING` rows beyond the limit."""
    reference: float
    """Where the series was."""
    limit: float
    until: int | None
    """The row from which on it was back, if it was."""


def noise(value_T: np.ndarray) -> float:
    """Standard deviation of a single row around a level that moves slowly or jumps rarely.

    1.4826 median |x_t - x_(t-1)| / sqrt(2), which is that of normal noise and is not moved by a trend or by single jumps.
    """
    return float(1.4826 * np.median(np.abs(np.diff(value_T))) / np.sqrt(2)) if len(value_T) > 1 else 0.0


def departure(
    value_T: np.ndarray, sign: Literal[-1, 1], limit_of: Callable[[float, float], float], since: Since = "start"
) -> Departure | None:
    """The first lasting crossing of a limit; None where there is none, or there are too few rows to tell.

    Args:
        value_T: The series.
        sign: 1 where rising above the limit is the departure, -1 where falling below it is.
        limit_of: The limit, given the reference and the level of the first rows; an infinite one is never crossed.
        since: What the reference is.
    """
    if len(value_T) < FIRST + LASTING:
        return None
    reference_T, away = _reference(value_T, sign, since), NOISES * noise(value_T)
    start = float(np.median(value_T[:FIRST]))
    limit_T = np.array([sign * max(sign * limit_of(one, start), sign * one + away) for one in reference_T.tolist()])
    beyond_T = sign * (value_T - limit_T) > 0
    share_T = np.convolve(beyond_T, np.full(LASTING, 1 / LASTING))[LASTING - 1 :]  # of the rows from t on
    whole = len(value_T) - LASTING + 1
    crossings = np.flatnonzero(beyond_T[:whole] & (share_T[:whole] >= MOST))
    if not len(crossings):
        return None
    crossing = int(crossings[0])
    reference = float(reference_T[crossing])
    back = np.flatnonzero(~beyond_T[crossing + 1 : whole] & (share_T[crossing + 1 : whole] <= 1 - MOST))
    return Departure(
        onset=onset(
            value_T[: crossing + LASTING], sign, latest=crossing, earliest=_last_well(value_T, sign, reference, crossing)
        ),
        value=float(np.median(value_T[crossing : crossing + LASTING])),
        reference=reference,
        limit=float(limit_T[crossing]),
        until=crossing + 1 + int(back[0]) if len(back) else None,
    )


def _last_well(value_T: np.ndarray, sign: int, reference: float, crossing: int) -> int:
    """The first row of the last `FIRST` rows before a crossing whose median is no worse than the reference; else row 0."""
    medians = np.median(np.lib.stride_tricks.sliding_window_view(value_T[: max(crossing, FIRST)], FIRST), axis=1)
    well = np.flatnonzero(sign * (medians - reference) <= 0)
    return int(well[-1]) if len(well) else 0


def onset(value_T: np.ndarray, sign: Literal[-1, 1], *, latest: int, earliest: int = 0) -> int:
    """The row at which a series breaks in the direction of `sign`: where a line that jumps or bends there fits best.

    Least squares of x_t = a + b t + c g_t, g_t either [t >= break] or max(0, t - break + 1); only breaks with c in the
    direction of `sign` count. `latest` where there is none.

    Args:
        value_T: The series up to where the departure is beyond doubt.
        sign: As of `departure`.
        latest: The last row that it may be.
        earliest: The first row; `BEFORE` rows must lie before it in any case.
    """
    row_T = np.arange(len(value_T), dtype=np.float64)
    best, found = np.inf, latest
    for place in range(max(earliest, BEFORE), latest + 1):
        for shape_T in ((row_T >= place).astype(np.float64), np.maximum(0.0, row_T - place + 1)):
            design_T3 = np.stack([np.ones_like(row_T), row_T, shape_T], axis=1)
            weights, *_ = np.linalg.lstsq(design_T3, value_T, rcond=None)
            error = float(np.sum((value_T - design_T3 @ weights) ** 2))
            if sign * weights[2] > 0 and error < best:
                best, found = error, place
    return found


def _reference(value_T: np.ndarray, sign: int, since: Since) -> np.ndarray:
    """What every row is compared with, (T,)."""
    start = np.median(value_T[:FIRST])
    if since == "zero":
        return np.zeros(len(value_T))
    if since == "start":
        return np.full(len(value_T), start)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(value_T, FIRST), axis=1)[: len(value_T) - FIRST]
    best = -sign * np.maximum.accumulate(-sign * medians)  # of the rows before each
    return np.concatenate([np.full(FIRST, start), best])
