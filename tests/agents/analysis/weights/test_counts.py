from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.analysis.weights.counts import TOLERANCES, Changes, SliceCounter, Tally

INFINITY, NAN = math.inf, math.nan


def count(start: list[float] | np.ndarray, end: list[float] | np.ndarray, *, piece: int = 100) -> Changes:
    tally = Tally(TOLERANCES)
    counter = SliceCounter(piece)
    a, b = (np.array(values, dtype=np.float32) for values in (start, end))
    for place in range(0, len(a), piece):
        counter.count(tally, a[place : place + piece], b[place : place + piece])
    return tally.changes()


def test_shares_by_hand_over_the_grid() -> None:
    """Starts at 0, so that changes are exact: one in each gap of the grid, one at each tolerance, and one that is 0."""
    between = [5e-9, 5e-8, 5e-7, 5e-6, 5e-5, 5e-4]
    at = [float(np.float32(tolerance)) for tolerance in TOLERANCES]
    found = count([0.0] * 12, [*between, *(-value for value in at)])
    assert found.unchanged_float32 == (1, 3, 5, 7, 9, 11)
    assert found.weights == 12
    assert found.largest == pytest.approx(5e-4)
    assert found.rms == pytest.approx(math.sqrt(sum(value**2 for value in (*between, *at)) / 12), rel=1e-6)
    assert found.start_rms == 0


def test_a_weight_changes_in_bfloat16_where_rounding_sees_it() -> None:
    """Between 1 and 2 bfloat16 numbers are 2^-7 apart: below half of that nothing is left, a tie goes to the even one."""
    place = 2.0**-7
    end = [1 + 0.49 * place, 1 + 0.5 * place, 1 + 0.51 * place, 1 + place, 1 + place + 0.5 * place]
    start = [1.0, 1.0, 1.0, 1.0, 1 + place]
    found = count(start, end)
    assert found.unchanged_float32 == (0, 0, 0, 0, 0, 0)
    assert found.unchanged_bfloat16[0] == 2  # the first, and the tie at 1 to the even 1; that at 1 + place is odd and moves
    assert found.below_half_last_place == 1
    assert found.below_last_place == 4  # all but the one that is a whole place


def test_the_last_place_is_that_of_the_start() -> None:
    """2^-7 below 1 is two places of the numbers there, and one of those from 1 on; 0 and numbers near it have the least one."""
    start = [1.0, 0.99, 2.0**-126, 0.0, 2.0**-133, 0.0]
    least = 2.0**-133
    change = [2.0**-7 * 0.9, 2.0**-7 * 0.9, least, least / 2, least / 2, least / 4]
    found = count(start, [a + b for a, b in zip(start, change, strict=True)])
    assert found.below_last_place == 4
    assert found.below_half_last_place == 1


def test_the_last_place_is_that_of_the_start_once_it_is_rounded() -> None:
    """1.9999 is 2 in bfloat16, whose last place is 2^-6, not the 2^-7 below it; 1.99 stays below 2."""
    found = count([1.9999, 1.99], [1.9999 + 2.0**-7, 1.99 + 2.0**-7])
    assert (found.below_last_place, found.below_half_last_place) == (1, 0)
    found = count([1.9999, 1.99], [1.9999 + 0.9 * 2.0**-7, 1.99 + 0.9 * 2.0**-7])
    assert (found.below_last_place, found.below_half_last_place) == (2, 1)


def test_numbers_that_round_to_infinity_in_bfloat16_are_the_same_there() -> None:
    """The largest bfloat16 number is 2^128 - 2^120; its last place is 2^120."""
    top = float(np.finfo(np.float32).max)
    found = count([-top, top, top, top, 1.0], [-top, top, top - 2.0**110, 2.0**126, 1.0])
    assert found.unchanged_float32 == (3,) * 6
    assert found.unchanged_bfloat16 == (4,) * 6
    assert (found.below_last_place, found.below_half_last_place, found.not_finite) == (4, 4, 0)


def test_changes_of_denormal_numbers_are_seen() -> None:
    smallest = 2.0**-149
    found = count([0.0, 0.0, smallest], [smallest, 0.0, smallest])
    assert found.unchanged_float32 == (2, 3, 3, 3, 3, 3)
    assert found.unchanged_bfloat16[0] == 3
    assert found.largest == smallest
    assert found.rms == pytest.approx(smallest / math.sqrt(3))


def test_both_zeros_are_the_same() -> None:
    assert count([0.0, -0.0], [-0.0, 0.0]).unchanged_float32[0] == 2


def test_below_a_tenth_of_the_rms() -> None:
    """RMS 1: nine hundredths are below a tenth of it, eleven are not."""
    rest = math.sqrt((4 - 0.09**2 - 0.11**2) / 2)
    found = count([0.0] * 4, [0.09, 0.11, rest, rest])
    assert found.rms == pytest.approx(1)
    assert found.below_tenth == 1


def test_below_a_tenth_does_not_depend_on_the_size_of_the_update() -> None:
    changes = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    shares = [count(np.zeros(200_000), scale * changes, piece=1000).below_tenth / 200_000 for scale in (1.0, 1e-6, 3e-3)]
    assert shares == pytest.approx([0.0797] * 3, abs=0.0025)  # P(|z| < 0.1) = 0.0797


def test_what_is_not_finite_counts_as_changed_and_for_nothing_else() -> None:
    start = [INFINITY, NAN, 1.0, INFINITY, -INFINITY, 2.0]
    end = [INFINITY, NAN, NAN, 1.0, INFINITY, 2.5]
    found = count(start, end)
    assert (found.weights, found.not_finite) == (6, 3)
    assert found.unchanged_float32 == (2,) * 6  # the first two are the same bits
    assert found.unchanged_bfloat16 == (2,) * 6
    assert found.largest == 0.5
    assert found.rms == pytest.approx(0.5 / math.sqrt(3))
    assert found.start_rms == pytest.approx(2 / math.sqrt(3))


@pytest.mark.parametrize("piece", [1, 7, 64, 5000])
def test_slices_of_any_size_give_the_same_counts(piece: int) -> None:
    rng = np.random.default_rng(1)
    start = rng.normal(size=5000).astype(np.float32)
    end = start + (rng.random(5000) < 0.4) * rng.normal(scale=1e-3, size=5000).astype(np.float32)
    whole, cut = count(start, end, piece=6000), count(start, end, piece=piece)
    assert cut.rms == pytest.approx(whole.rms, rel=1e-12)
    for field in (
        "weights",
        "unchanged_float32",
        "unchanged_bfloat16",
        "below_half_last_place",
        "below_last_place",
        "below_tenth",
    ):
        assert getattr(cut, field) == getattr(whole, field), field


def test_counts_equal_torch_done_plainly() -> None:
    """All numbers at once against the definitions, written without slices, views and masks, in float64 where it matters."""
    rng = torch.Generator().manual_seed(2)
    start = torch.randn(20_000, generator=rng) * torch.tensor(10.0) ** torch.randint(-6, 3, (20_000,), generator=rng)
    end = start + start * torch.randn(20_000, generator=rng) * 0.01 * (torch.rand(20_000, generator=rng) < 0.7)
    found = count(start.numpy(), end.numpy(), piece=999)
    change = (end - start).abs()
    rounded = (end.bfloat16().float() - start.bfloat16().float()).abs()
    place = 2.0 ** (start.bfloat16().double().abs().log2().floor() - 7)
    assert found.unchanged_float32 == tuple(int((change <= tolerance).sum()) for tolerance in TOLERANCES)
    assert found.unchanged_bfloat16 == tuple(int((rounded <= tolerance).sum()) for tolerance in TOLERANCES)
    assert found.below_last_place == int((change.double() < place).sum())
    assert found.below_half_last_place == int((change.double() < place / 2).sum())
    assert found.rms == pytest.approx(float(change.double().square().mean().sqrt()), rel=1e-12)


def test_pieces_that_are_bfloat16_already_need_no_rounding() -> None:
    rng = torch.Generator().manual_seed(3)
    start, end = (torch.randn(1000, generator=rng).bfloat16().float().numpy() for _ in range(2))
    tallies = [Tally(TOLERANCES), Tally(TOLERANCES)]
    for tally, rounded in zip(tallies, (False, True), strict=True):
        SliceCounter(1000).count(tally, start, end, rounded=rounded)
    assert tallies[0].changes() == tallies[1].changes()


def test_sums_over_tensors_are_those_of_all_their_weights() -> None:
    rng = np.random.default_rng(4)
    start = rng.normal(size=4000).astype(np.float32)
    end = start + rng.normal(scale=1e-2, size=4000).astype(np.float32)
    start[5], end[3000], end[7] = np.inf, np.nan, start[7] + 1  # the largest change is in the first part
    total, counter = Tally(TOLERANCES), SliceCounter(4000)
    for first, stop in ((0, 2500), (2500, 2600), (2600, 4000)):
        part = Tally(TOLERANCES)
        counter.count(part, start[first:stop], end[first:stop])
        total.add(part)
    summed, whole = total.changes(), count(start, end, piece=4000)
    assert summed.not_finite == 2
    for field in ("rms", "start_rms"):
        assert getattr(summed, field) == pytest.approx(getattr(whole, field), rel=1e-12)
    assert replace(summed, rms=0, start_rms=0) == replace(whole, rms=0, start_rms=0)
