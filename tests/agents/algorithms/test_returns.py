from __future__ import annotations

import pytest
import torch

from agents.algorithms.returns import overlong_penalty, reward_to_go

MASK = torch.tensor([[False, True], [True, True]])


def test_what_a_token_still_earns_by_hand() -> None:
    rewards = torch.tensor([[7.0, 0.25], [-0.5, 2.0]])
    assert reward_to_go(torch.tensor([1.0, -1.0]), rewards, MASK).tolist() == [[0.0, 1.25], [0.5, 1.0]]
    # nothing is earned between two sampled tokens
    gap = torch.tensor([[True, False, True]])
    assert reward_to_go(torch.tensor([1.0]), torch.tensor([[4.0, 9.0, 0.25]]), gap).tolist() == [[5.25, 0.0, 1.25]]


def test_overlong_penalty_by_hand() -> None:
    # limit 10, share 0.4: free up to 6, then 1/4 per token
    lengths = torch.tensor([1, 6, 7, 8, 10])
    mask = torch.arange(10).flip(0)[None] < lengths[:, None]
    assert overlong_penalty(mask, 10, 0.4).tolist() == [0.0, 0.0, -0.25, -0.5, -1.0]
    assert overlong_penalty(mask, 8, 0.5).tolist() == [0.0, -0.5, -0.75, -1.0, -1.0]


def test_overlong_penalty_needs_a_limit() -> None:
    with pytest.raises(ValueError, match=r"overlong_share=0.2 needs the longest reply allowed"):
        overlong_penalty(MASK, 0, 0.2)
