from __future__ import annotations

import pytest
import torch

from agents.algorithms.masked import group_mean, group_var, masked_sum


def test_masked_sum_ignores_what_is_off_the_mask() -> None:
    values = torch.tensor([[1.0, 2.0, float("nan")], [4.0, float("inf"), 6.0]])
    mask = torch.tensor([[True, True, False], [True, False, True]])
    assert masked_sum(values, mask).item() == 13.0


def test_group_statistics_by_hand() -> None:
    values, weights, groups = torch.tensor([1.0, 4.0, 5.0]), torch.tensor([2, 1, 3]), torch.tensor([0, 0, 1])
    # group 0: tokens 1, 1, 4: mean 2, variance ((1 + 1 + 4) / 2) = 3; group 1: all tokens 5
    assert group_mean(values, weights, groups).tolist() == [2.0, 2.0, 5.0]
    assert group_var(values, weights, groups).tolist() == [3.0, 3.0, 0.0]


def test_group_of_equal_values_has_exactly_zero_variance() -> None:
    values = torch.full((7,), 0.1)
    assert group_var(values, torch.arange(1, 8), torch.zeros(7, dtype=torch.long)).tolist() == [0.0] * 7


def test_no_rows_no_groups() -> None:
    none = torch.zeros(0)
    assert group_mean(none, none, torch.zeros(0, dtype=torch.long)).shape == (0,)


@pytest.mark.parametrize("weight", [0, 1])
def test_a_group_of_one_token_has_variance_zero(weight: int) -> None:
    assert group_var(torch.tensor([3.0]), torch.tensor([weight]), torch.tensor([0])).tolist() == [0.0]
