from __future__ import annotations

import math

import pytest
import torch

from agents.analysis.weights.equal_size import (
    AtSize,
    SizePoint,
    common_sizes,
    compare_at_equal_size,
    size_point,
    unchanged_at,
    unchanged_if_scaled,
)
from agents.analysis.weights.sparsity import measure_sparsity
from tests.helpers.checkpoints import in_memory, random_tensors


def points(*pairs: tuple[float, float]) -> list[SizePoint]:
    return [SizePoint(str(place), rms, share) for place, (rms, share) in enumerate(pairs)]


def test_the_share_is_linear_in_the_log_of_the_size() -> None:
    run = points((1e-4, 0.5), (1e-6, 0.9), (1e-5, 0.8))
    assert unchanged_at(run, math.sqrt(1e-4 * 1e-5)) == pytest.approx(0.65)
    assert unchanged_at(run, math.sqrt(1e-6 * 1e-5)) == pytest.approx(0.85)
    assert unchanged_at(run, 1e-5) == 0.8


def test_nothing_is_extrapolated_and_no_change_has_no_log() -> None:
    run = points((0.0, 1.0), (1e-5, 0.8), (1e-4, 0.5))
    assert unchanged_at(run, 0.99e-5) is None
    assert unchanged_at(run, 1.01e-4) is None
    assert unchanged_at(points((0.0, 1.0)), 1e-5) is None
    assert unchanged_at([], 1e-5) is None


def test_points_of_one_size_are_averaged() -> None:
    assert unchanged_at(points((1.0, 0.2), (1.0, 0.4)), 1.0) == pytest.approx(0.3)


def test_common_sizes() -> None:
    runs = {"a": points((1e-6, 1), (1e-3, 0)), "b": points((1e-5, 1), (1e-2, 0))}
    assert common_sizes(runs, 3) == pytest.approx((1e-5, 1e-4, 1e-3))
    assert common_sizes(runs, 3)[0] == 1e-5  # the ends are points, not rounded away from them
    assert common_sizes(runs, 3)[-1] == 1e-3
    assert common_sizes(runs, 1) == pytest.approx((1e-4,))
    assert common_sizes({"a": points((1, 1), (2, 0)), "b": points((3, 1), (4, 0))}) == ()
    assert common_sizes({"a": points((1, 1)), "b": points((1, 0), (2, 0))}) == (1,)
    assert common_sizes({}) == common_sizes({"a": points((0, 1))}) == ()


def test_two_runs_at_equal_size() -> None:
    """b is denser at every size, though its last checkpoint has more unchanged weights than a's: it moved less."""
    runs = {"a": points((1e-4, 0.8), (1e-2, 0.2)), "b": points((1e-5, 0.85), (1e-3, 0.4))}
    assert compare_at_equal_size(runs, [1e-3, 1e-4, 1e-2]) == (
        AtSize(1e-3, {"a": pytest.approx(0.5), "b": 0.4}),
        AtSize(1e-4, {"a": 0.8, "b": pytest.approx(0.625)}),
        AtSize(1e-2, {"a": 0.2}),
    )
    assert [row.rms for row in compare_at_equal_size(runs)] == pytest.approx([10 ** (-4 + place / 4) for place in range(5)])


def test_the_point_of_a_comparison() -> None:
    result = measure_sparsity(in_memory({"a": torch.ones(4)}), in_memory({"a": torch.tensor([1.0, 1, 1, 3])}, "later"))
    assert size_point(result) == SizePoint("later", 1.0, 0.75)


def test_a_scaled_update_by_hand() -> None:
    """Changes of 1 and 3 have RMS sqrt(5). From 1 on, bfloat16 rounds away what is at most half of 2^-7."""
    start, end = in_memory({"a": torch.ones(2)}), in_memory({"a": torch.tensor([2.0, 4.0])})
    unit = math.sqrt(5) * 2.0**-7
    sizes = [0.5 / 3 * unit * 0.99, 0.5 / 3 * unit * 1.01, 0.5 * unit * 0.99, 0.5 * unit * 1.01]
    assert [point.unchanged for point in unchanged_if_scaled(start, end, sizes)] == [1, 0.5, 0.5, 0]
    assert [point.rms for point in unchanged_if_scaled(start, end, sizes)] == sizes


def test_at_its_own_size_the_scaled_update_is_the_update() -> None:
    start = random_tensors(0)
    end = {name: tensor + 1e-3 * torch.sin(1e4 * tensor) for name, tensor in start.items()}
    before, after = in_memory(start), in_memory(end)
    changes = measure_sparsity(before, after).whole.changes
    seen: list[int] = []
    [same] = unchanged_if_scaled(before, after, [changes.rms], on_progress=seen.append)
    assert same.unchanged == pytest.approx(changes.bfloat16_share(), abs=1 / changes.weights)
    assert sum(seen) == 2 * changes.weights


def test_smaller_updates_leave_more_unchanged() -> None:
    sizes = [1e-6, 1e-4, 1e-2, 1.0]
    found = unchanged_if_scaled(in_memory(random_tensors(0)), in_memory(random_tensors(1)), sizes)
    shares = [point.unchanged for point in found]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.99
    assert shares[-1] < 0.05


def test_weights_that_are_not_finite_change_no_size() -> None:
    start = in_memory({"a": torch.tensor([1.0, 1.0, math.inf, math.nan])})
    end = in_memory({"a": torch.tensor([2.0, 1.0, math.inf, math.nan])})
    [point] = unchanged_if_scaled(start, end, [0.5])  # RMS of the four is 0.5: the scale is 1
    assert point.unchanged == 0.75


def test_weights_that_become_infinite_or_no_number_count_as_changed_as_in_the_comparison() -> None:
    start = in_memory({"a": torch.tensor([1.0, 1.0, 1.0, math.inf, math.nan, math.nan])})
    end = in_memory({"a": torch.tensor([2.0, 1.0, math.nan, 1.0, 5.0, math.nan])})
    changes = measure_sparsity(start, end).whole.changes
    assert changes.rms == pytest.approx(math.sqrt(1 / 3))
    own, less = unchanged_if_scaled(start, end, [changes.rms, 2.0**-10])
    assert own.unchanged == changes.bfloat16_share() == pytest.approx(2 / 6)
    assert less.unchanged == pytest.approx(3 / 6)  # 2^-10 * sqrt(3) is below half of the last place of 1


def test_numbers_that_round_to_infinity_are_unchanged_as_in_the_comparison() -> None:
    top = float(torch.finfo(torch.float32).max)
    start = in_memory({"a": torch.tensor([top, 1.0])})
    end = in_memory({"a": torch.tensor([top, 2.0])})
    [point] = unchanged_if_scaled(start, end, [math.sqrt(0.5)])
    assert point.unchanged == measure_sparsity(start, end).whole.changes.bfloat16_share() == 0.5


def test_what_cannot_be_scaled_is_one_sentence() -> None:
    same = in_memory(random_tensors())
    with pytest.raises(ValueError, match=r"^sizes=0 must be above 0; it is the root mean square of a change, such as 1e-6\.$"):
        unchanged_if_scaled(same, same, [0])
    with pytest.raises(ValueError, match=r"^'end' holds the same weights as 'end': there is no change to scale\.$"):
        unchanged_if_scaled(same, same, [1.0])
    broken = in_memory({"a": torch.tensor([1.0, math.nan])}, "broken")
    with pytest.raises(
        ValueError, match=r"^all that 'broken' changed of 'end' is infinite or no number: it cannot be scaled\.$"
    ):
        unchanged_if_scaled(in_memory({"a": torch.ones(2)}), broken, [1.0])
