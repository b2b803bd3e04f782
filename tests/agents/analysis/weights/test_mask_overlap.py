from __future__ import annotations

import pytest
import torch
from torch import Tensor

from agents.analysis.weights.mask_overlap import measure_overlap
from agents.analysis.weights.pairing import Unmatched
from agents.analysis.weights.sparsity import OUTSIDE
from tests.helpers.checkpoints import in_memory

Q, DOWN = "layers.0.self_attn.q_proj.weight", "layers.1.mlp.down_proj.weight"


def masks(*changed: tuple[int, ...], size: int = 8) -> list[Tensor]:
    """Tensors of zeros, with ones at the places of each."""
    return [torch.zeros(size).index_fill(0, torch.tensor(places, dtype=torch.int64), 1.0) for places in changed]


def test_shares_and_chance_by_hand() -> None:
    (a_q, b_q), (a_d, b_d) = masks((0, 1, 2, 3), (2, 3, 4, 5)), masks((0,), (0, 1))
    start = in_memory({Q: torch.zeros(8), DOWN: torch.zeros(8)})
    found = measure_overlap(start, in_memory({Q: a_q, DOWN: a_d}, "a"), in_memory({Q: b_q, DOWN: b_d}, "b"), slice_weights=3)
    whole, q = found.whole, found.kinds[0]
    assert (whole.weights, whole.changed_a, whole.changed_b, whole.changed_both) == (16, 5, 6, 3)
    assert whole.chance == pytest.approx(5 / 16 * 6 / 16)
    assert whole.ratio == pytest.approx(3 / 16 / (5 / 16 * 6 / 16))
    assert whole.expected_within == pytest.approx(4 * 4 / 8 + 1 * 2 / 8)
    assert whole.ratio_within == pytest.approx(3 / 2.25)
    assert whole.jaccard == pytest.approx(3 / 8)
    assert whole.coefficient == pytest.approx(3 / 5)
    assert (q.name, q.changed_both, q.ratio, q.ratio_within) == ("q", 2, 1, 1)
    assert [one.name for one in found.layers] == ["layer 0", "layer 1"]
    assert [one.name for one in found.tensors] == [Q, DOWN]


def test_agreement_on_tensors_alone_is_above_the_first_chance_and_at_the_second() -> None:
    """Both runs change half of one tensor, nothing of the other, and know nothing of each other within it."""
    rng = torch.Generator().manual_seed(0)
    a, b = ((torch.rand(100_000, generator=rng) < 0.5).float() for _ in range(2))
    zeros = torch.zeros(100_000)
    start = in_memory({Q: zeros, DOWN: zeros})
    whole = measure_overlap(start, in_memory({Q: a, DOWN: zeros}), in_memory({Q: b, DOWN: zeros})).whole
    assert whole.ratio == pytest.approx(2, abs=0.03)
    assert whole.ratio_within == pytest.approx(1, abs=0.015)
    assert whole.jaccard == pytest.approx(1 / 3, abs=0.01)


def test_one_mask_inside_the_other_and_a_mask_of_nothing() -> None:
    inside, outside, nothing = masks((1, 2), (1, 2, 3, 4), ())
    start = in_memory({"norm.weight": nothing})
    found = measure_overlap(start, in_memory({"norm.weight": inside}), in_memory({"norm.weight": outside}))
    assert found.whole.coefficient == 1
    assert found.whole.jaccard == 0.5
    assert [one.name for one in found.layers] == [OUTSIDE]
    empty = measure_overlap(start, start, in_memory({"norm.weight": outside})).whole
    assert (empty.ratio, empty.ratio_within, empty.coefficient, empty.jaccard) == (None, None, None, 0)
    assert measure_overlap(start, start, start).whole.jaccard is None


def test_tolerance_and_rounding_decide_what_a_change_is() -> None:
    """From 1 on, bfloat16 numbers are 2^-7 apart: 0.001 is lost, 0.01 is a change of one place."""
    start = in_memory({Q: torch.ones(3)})
    end = in_memory({Q: torch.tensor([1.0, 1.001, 1.01])})
    for settings, changed in (
        ({}, 1),
        ({"bfloat16": False}, 2),
        ({"bfloat16": False, "tolerance": 0.005}, 1),
        ({"tolerance": 0.009}, 0),
    ):
        assert measure_overlap(start, end, end, **settings).whole.changed_a == changed


def test_what_is_infinite_in_both_has_not_changed() -> None:
    start = in_memory({Q: torch.tensor([float("inf"), 1.0, float("inf")])})
    end = in_memory({Q: torch.tensor([float("inf"), 1.0, 1.0])})
    assert measure_overlap(start, end, end).whole.changed_a == 1


@pytest.mark.parametrize("bfloat16", [True, False])
def test_what_is_no_number_in_both_has_not_changed(bfloat16: bool) -> None:
    start = in_memory({Q: torch.tensor([float("nan"), 1.0, float("nan"), 1.0])})
    end = in_memory({Q: torch.tensor([float("nan"), float("nan"), 1.0, 1.0])})
    assert measure_overlap(start, end, end, bfloat16=bfloat16).whole.changed_a == 2


def test_progress_and_what_is_not_compared() -> None:
    seen: list[int] = []
    start = in_memory({Q: torch.ones(5), "odd": torch.ones(1)}, "start")
    end = in_memory({Q: torch.ones(5)})
    found = measure_overlap(start, end, end, slice_weights=3, on_progress=seen.append)
    assert seen == [3, 2]
    assert found.unmatched == (Unmatched("odd", "only in start"),)
    with pytest.raises(ValueError, match=r"^tolerances=-1 must be numbers from 0 on"):
        measure_overlap(start, end, end, tolerance=-1)
