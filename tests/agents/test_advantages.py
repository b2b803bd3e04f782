from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agents.advantages import centre, monte_carlo, on_tokens, standardise, whiten

ONE_GROUP = torch.zeros(3, dtype=torch.long)


def mask_of(*lengths: int) -> torch.Tensor:
    return torch.arange(max(lengths)).flip(0)[None] < torch.tensor(lengths)[:, None]


def test_monte_carlo_is_the_return_on_sampled_tokens() -> None:
    found = monte_carlo(torch.tensor([2.0, -1.0]), torch.tensor([0, 1]), mask_of(1, 2))
    assert found.tolist() == [[0.0, 2.0], [-1.0, -1.0]]


def test_whiten_by_hand_weighs_messages_by_their_tokens() -> None:
    # tokens carry 1, 1, 4: mean 2, Bessel-corrected variance 3
    found = whiten(torch.tensor([1.0, 4.0]), torch.tensor([0, 0]), mask_of(2, 1))
    root = (3 + 1e-8) ** 0.5
    torch.testing.assert_close(found, torch.tensor([[-1 / root, -1 / root], [0.0, 2 / root]]))


def test_standardise_by_hand_weighs_messages_equally() -> None:
    # returns 1, 4, 1: mean 2, Bessel-corrected standard deviation sqrt(3)
    found = standardise(torch.tensor([1.0, 4.0, 1.0]), ONE_GROUP, mask_of(3, 1, 1))[:, -1]
    std = 3**0.5 + 1e-4
    torch.testing.assert_close(found, torch.tensor([-1 / std, 2 / std, -1 / std]))


def test_centre_by_hand() -> None:
    found = centre(torch.tensor([1.0, 4.0, 7.0]), torch.tensor([0, 0, 1]), mask_of(1, 1, 1))[:, 0]
    assert found.tolist() == [-1.5, 1.5, 0.0]


@pytest.mark.parametrize("advantage", [whiten, standardise, centre])
def test_equal_returns_give_exactly_zero(advantage: object) -> None:
    found = advantage(torch.full((3,), 0.1), ONE_GROUP, mask_of(5, 2, 7))  # type: ignore[operator]
    assert (found == 0).all()


rows = st.lists(st.tuples(st.floats(-3, 3, width=32), st.integers(1, 9), st.integers(0, 2)), min_size=2, max_size=12)


@given(rows)
def test_group_advantages_sum_to_zero(drawn: list[tuple[float, int, int]]) -> None:
    returns, lengths, labels = (list(column) for column in zip(*drawn, strict=True))
    mask, groups = mask_of(*lengths), torch.tensor([sorted(set(labels)).index(label) for label in labels])
    for advantage, per_token in ((whiten, True), (standardise, False), (centre, False)):
        found = advantage(torch.tensor(returns, dtype=torch.float32), groups, mask)
        own = found.sum(-1) if per_token else found[:, -1]
        for group in range(int(groups.max()) + 1):
            assert abs(own[groups == group].sum().item()) < 1e-2


@given(rows, st.floats(0.5, 2.0), st.floats(-2, 2))
def test_whitening_one_batch_group_is_the_token_level_formula(
    drawn: list[tuple[float, int, int]], scale: float, shift: float
) -> None:
    returns, lengths, _ = (list(column) for column in zip(*drawn, strict=True))
    returns_B = (torch.tensor(returns) * scale + shift).float()
    tokens = returns_B.double().repeat_interleave(torch.tensor(lengths))
    found = whiten(returns_B, torch.zeros(len(lengths), dtype=torch.long), mask_of(*lengths))[:, -1]
    if returns_B.min() == returns_B.max():
        assert (found == 0).all()
    else:
        expected = (returns_B.double() - tokens.mean()) / (tokens.var() + 1e-8).sqrt()
        torch.testing.assert_close(found, expected.float(), rtol=1e-4, atol=1e-4)


def test_on_tokens_is_zero_off_the_mask() -> None:
    assert on_tokens(torch.tensor([3.0]), torch.tensor([[False, True]])).tolist() == [[0.0, 3.0]]
