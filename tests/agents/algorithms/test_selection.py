from __future__ import annotations

import torch

from agents.algorithms.selection import accepted, pairs

GROUPS = torch.tensor([0, 1, 0, 1, 2, 0, 0])


def test_positive_returns_are_accepted() -> None:
    assert accepted(torch.tensor([1.0, 0.0, -1.0, 1e-6, float("-inf"), 2.0, 0.0]), GROUPS) == [0, 3, 5]


def test_best_meets_worst() -> None:
    returns = torch.tensor([1.0, 3.0, 4.0, 3.0, 9.0, 2.0, 3.0])
    # group 0: 4 (row 2), 3 (6), 2 (5), 1 (0); group 1 is equal; group 2 is alone
    assert pairs(returns, GROUPS) == [2, 0, 6, 5]


def test_the_middle_of_an_odd_group_and_equals_stay_out() -> None:
    assert pairs(torch.tensor([2.0, 1.0, 3.0]), torch.zeros(3, dtype=torch.long)) == [2, 1]
    # 1 1 1 0: the best with the worst; the two in the middle are equal
    assert pairs(torch.tensor([1.0, 1.0, 1.0, 0.0]), torch.zeros(4, dtype=torch.long)) == [0, 3]
    # ties in order of appearance: 1 (row 0), 1 (row 1), 0 (row 2), 0 (row 3)
    assert pairs(torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.zeros(4, dtype=torch.long)) == [0, 3, 1, 2]
