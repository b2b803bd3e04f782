from __future__ import annotations

import torch

from agents.algorithms import advantages, gae
from agents.algorithms.gae import generalised, lambda_returns
from tests.helpers.masks import mask_of

ONE_GROUP = torch.zeros(2, dtype=torch.long)
RETURNS = torch.tensor([1.0, 2.0])
REWARDS = torch.tensor([[9.0, -1.0], [0.5, -1.0]])
"""Of the tokens of two messages, one of one token and one of two; nobody earns the 9. With returns 1 and 2, what is still to
come is 0 for the token of the first, 1.5 and 1 for those of the second."""


def test_generalised_advantages_by_hand() -> None:
    values = torch.tensor([[9.0, 9.0, 0.5], [1.0, 2.0, 4.0]])
    mask = mask_of(1, 3)
    found = generalised(torch.tensor([2.0, 3.0]), ONE_GROUP, mask, values_BT=values, gae_lambda=0.5, whitened=False)
    # message 1, from the end: 3 - 4 = -1; 4 - 2 - 0.5 = 1.5; 2 - 1 + 0.75 = 1.75
    assert found.advantage_BT.tolist() == [[0.0, 0.0, 1.5], [1.75, 1.5, -1.0]]
    # targets: these and the values, whitened or not
    targets = [[0.0, 0.0, 2.0], [2.75, 3.5, 3.0]]
    assert found.target_BT is not None
    assert found.target_BT.tolist() == targets
    assert lambda_returns(torch.tensor([2.0, 3.0]), mask, values, 0.5).tolist() == targets
    # lambda 1: R - V; lambda 0: the one-step error
    ends = {1.0: [2.0, 1.0, -1.0], 0.0: [1.0, 2.0, -1.0]}
    for gae_lambda, expected in ends.items():
        own = generalised(torch.tensor([2.0, 3.0]), ONE_GROUP, mask, values_BT=values, gae_lambda=gae_lambda, whitened=False)
        assert own.advantage_BT[1].tolist() == expected
    whitened = generalised(torch.tensor([2.0, 3.0]), ONE_GROUP, mask, values_BT=values, gae_lambda=0.5)
    # 1.5, 1.75, 1.5, -1: mean 0.9375, variance (2 0.5625^2 + 0.8125^2 + 1.9375^2) / 3
    root = ((2 * 0.5625**2 + 0.8125**2 + 1.9375**2) / 3 + 1e-8) ** 0.5
    expected_BT = torch.tensor([[0.0, 0.0, 0.5625], [0.8125, 0.5625, -1.9375]]) / root
    torch.testing.assert_close(whitened.advantage_BT, expected_BT)
    assert whitened.target_BT is not None
    assert whitened.target_BT.tolist() == targets


def test_generalised_advantages_with_token_rewards_by_hand() -> None:
    values = torch.tensor([[9.0, 0.5], [1.0, 2.0]])
    given = {"values_BT": values, "gae_lambda": 0.5, "reward_BT": REWARDS}
    found = generalised(RETURNS, ONE_GROUP, mask_of(1, 2), whitened=False, **given)
    # 1 - 1 - 0.5; 2 - 1 - 2 = -1 and, before it, 0.5 + 2 - 1 - 0.5
    assert found.advantage_BT.tolist() == [[0.0, -0.5], [1.0, -1.0]]
    # mean -1/6, squares 0.25 + 1 + 1: variance (2.25 - 0.25 / 3) / 2 = 13/12
    expected = torch.tensor([[0.0, -2.0], [7.0, -5.0]]) / 6 / (13 / 12 + 1e-8) ** 0.5
    torch.testing.assert_close(generalised(RETURNS, ONE_GROUP, mask_of(1, 2), **given).advantage_BT, expected)


def test_advantages_of_ones_own_find_them_where_all_advantages_are() -> None:
    for name in ("Estimate", "generalised", "lambda_returns"):
        assert getattr(advantages, name) is getattr(gae, name)
