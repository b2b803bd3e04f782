from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agents.algorithms.advantages import (
    centre,
    ema_baseline,
    imitate,
    leave_one_out,
    monte_carlo,
    on_tokens,
    standardise,
    whiten,
)
from agents.algorithms.gae import generalised
from agents.batching.batch import Tag
from tests.helpers.masks import mask_of

ONE_GROUP = torch.zeros(3, dtype=torch.long)


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


@pytest.mark.parametrize("advantage", [whiten, standardise, centre, leave_one_out])
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


def test_whiten_over_messages_by_hand() -> None:
    # 1, 4, 1: mean 2, variance 3, whatever the lengths
    found = whiten(torch.tensor([1.0, 4.0, 1.0]), ONE_GROUP, mask_of(3, 1, 1), statistics="sequence")[:, -1]
    root = (3 + 1e-8) ** 0.5
    torch.testing.assert_close(found, torch.tensor([-1 / root, 2 / root, -1 / root]))
    with pytest.raises(ValueError, match="statistics='word' is not known; choose token or sequence"):
        whiten(torch.tensor([1.0]), ONE_GROUP[:1], mask_of(1), statistics="word")


def test_imitation_is_one_on_sampled_tokens() -> None:
    assert imitate(torch.tensor([-2.0, 7.0]), ONE_GROUP[:2], mask_of(1, 2)).tolist() == [[0.0, 1.0], [1.0, 1.0]]


def test_leave_one_out_by_hand() -> None:
    # 1 - (4 + 1) / 2, 4 - 1, 1 - 2.5; alone: 0
    found = leave_one_out(torch.tensor([1.0, 4.0, 1.0, 9.0]), torch.tensor([0, 0, 0, 1]), mask_of(1, 1, 1, 1))[:, 0]
    assert found.tolist() == [-1.5, 3.0, -1.5, 0.0]


def test_the_baseline_of_a_message_left_out_does_not_know_its_return() -> None:
    """That is why RLOO is unbiased: A_i - R_i is the same whatever R_i is."""
    groups, mask = torch.zeros(3, dtype=torch.long), mask_of(1, 1, 1)
    one, other = torch.tensor([1.0, 4.0, 2.0]), torch.tensor([-7.0, 4.0, 2.0])
    first, second = (leave_one_out(returns, groups, mask)[0, 0] - returns[0] for returns in (one, other))
    assert first == second == -3.0


def tags(*rows: tuple[str, str, int]) -> list[Tag]:
    return [Tag(env_id=game, role=role, episode=episode) for game, role, episode in rows]


def test_a_moving_baseline_by_hand() -> None:
    state: dict[str, float] = {}
    own = tags(("a", "x", 0), ("a", "y", 0), ("a", "x", 1), ("b", "x", 1), ("a", "x", 1))
    returns = torch.tensor([1.0, -1.0, 0.0, 8.0, 4.0])
    found = ema_baseline(returns, ONE_GROUP, mask_of(1, 1, 1, 1, 1), state=state, tags=own, ema_decay=0.5)[:, 0]
    # a x: 1 - 0, b = 0.5; episode 1: 0 - 0.5 and 4 - 0.5, b = 0.25 + 0.5 (0 + 4) / 2 = 1.25; a y and b x start at 0
    assert found.tolist() == [1.0, -1.0, -0.5, 8.0, 3.5]
    assert state == {"a x": 1.25, "a y": -0.5, "b x": 4.0}
    again = ema_baseline(returns, ONE_GROUP, mask_of(1, 1, 1, 1, 1), state=state, tags=own, ema_decay=0.5)[:, 0]
    # a x: 1 - 1.25, b = 1.125; a y: -1 + 0.5; 0 and 4 minus 1.125; b x: 8 - 4
    assert again.tolist() == [-0.25, -0.5, -1.125, 4.0, 2.875]


def test_a_moving_baseline_finds_the_mean_and_checks_its_decay() -> None:
    state: dict[str, float] = {}
    own = tags(("a", "x", 0))
    for _ in range(400):
        found = ema_baseline(torch.tensor([3.0]), ONE_GROUP, mask_of(1), state=state, tags=own)
    assert found.item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match=r"ema_decay=1.0 is outside \[0, 1\)"):
        ema_baseline(torch.tensor([3.0]), ONE_GROUP, mask_of(1), state=state, tags=own, ema_decay=1.0)


RETURNS = torch.tensor([1.0, 2.0])
REWARDS = torch.tensor([[9.0, -1.0], [0.5, -1.0]])
"""Of the tokens of two messages, one of one token and one of two; nobody earns the 9. With returns 1 and 2, what is still to
come is 0 for the token of the first, 1.5 and 1 for those of the second."""


def test_monte_carlo_with_token_rewards_by_hand() -> None:
    assert monte_carlo(RETURNS, ONE_GROUP[:2], mask_of(1, 2), reward_BT=REWARDS).tolist() == [[0.0, 0.0], [1.5, 1.0]]


def test_whiten_with_token_rewards_by_hand() -> None:
    def found(groups: list[int], statistics: str) -> torch.Tensor:
        return whiten(RETURNS, torch.tensor(groups), mask_of(1, 2), statistics=statistics, reward_BT=REWARDS)

    # 0, 1.5, 1: mean 5/6, variance (25 + 16 + 1) / 36 / 2
    expected = torch.tensor([[0.0, -5.0], [4.0, 1.0]]) / 6 / (42 / 72 + 1e-8) ** 0.5
    torch.testing.assert_close(found([0, 0], "token"), expected)
    # totals 0 and 1.5: mean 0.75, variance 1.125
    expected = torch.tensor([[0.0, -0.75], [0.75, 0.25]]) / (1.125 + 1e-8) ** 0.5
    torch.testing.assert_close(found([0, 0], "sequence"), expected)
    # each message a group of its own: one token is constant; 1.5 and 1 have mean 1.25, variance 0.125. One total is constant.
    expected = torch.tensor([[0.0, 0.0], [0.25, -0.25]]) / (0.125 + 1e-8) ** 0.5
    torch.testing.assert_close(found([0, 1], "token"), expected)
    assert (found([0, 1], "sequence") == 0).all()


def priced(drawn: list[tuple[float, int, int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Returns, groups, mask, and random token rewards also where there is no token."""
    returns, lengths, labels = (list(column) for column in zip(*drawn, strict=True))
    mask = mask_of(*lengths)
    rewards = torch.randn(mask.shape, generator=torch.Generator().manual_seed(sum(lengths)))
    return torch.tensor(returns), torch.tensor([sorted(set(labels)).index(one) for one in labels]), mask, rewards


@given(rows)
def test_a_first_token_answers_for_its_whole_message_and_a_last_one_for_itself(drawn: list[tuple[float, int, int]]) -> None:
    returns, groups, mask, rewards = priced(drawn)
    found = monte_carlo(returns, groups, mask, reward_BT=rewards)
    torch.testing.assert_close(found[:, -1], returns + rewards[:, -1])
    first = found[mask & (mask.cumsum(-1) == 1)]
    torch.testing.assert_close(first, returns + torch.where(mask, rewards, 0.0).sum(-1), rtol=1e-5, atol=1e-5)
    # steps between neighbours are the rewards themselves
    torch.testing.assert_close((found[:, :-1] - found[:, 1:])[mask[:, :-1]], rewards[:, :-1][mask[:, :-1]], atol=1e-5, rtol=0)
    without_values = generalised(
        returns, groups, mask, values_BT=torch.zeros(mask.shape), gae_lambda=1.0, whitened=False, reward_BT=rewards
    )
    torch.testing.assert_close(without_values.advantage_BT, found, rtol=1e-6, atol=1e-6)


@given(rows, st.sampled_from(["token", "sequence"]))
def test_whitening_with_token_rewards_is_the_plain_formula(drawn: list[tuple[float, int, int]], statistics: str) -> None:
    returns, groups, mask, rewards = priced(drawn)
    found = whiten(returns, groups, mask, statistics=statistics, reward_BT=rewards)
    earned = torch.where(mask, rewards, 0.0).double()
    gains = torch.stack([returns + earned[:, t:].sum(-1) for t in range(mask.shape[1])], -1)
    assert (found[~mask] == 0).all()
    for group in range(int(groups.max()) + 1):
        own = mask & (groups == group)[:, None]
        counted = gains[own if statistics == "token" else own & (mask.cumsum(-1) == 1)]
        if len(counted) == 1:
            assert (found[own] == 0).all()
        else:
            expected = (gains[own] - counted.mean()) / (counted.var() + 1e-8).sqrt()
            torch.testing.assert_close(found[own], expected.float())


@given(rows, st.sampled_from(["token", "sequence"]))
def test_token_rewards_of_zero_change_nothing(drawn: list[tuple[float, int, int]], statistics: str) -> None:
    returns, groups, mask, _ = priced(drawn)
    nothing = torch.zeros(mask.shape)
    assert torch.equal(monte_carlo(returns, groups, mask, reward_BT=nothing), monte_carlo(returns, groups, mask))
    plain = whiten(returns, groups, mask, statistics=statistics)
    torch.testing.assert_close(whiten(returns, groups, mask, statistics=statistics, reward_BT=nothing), plain)
    values = torch.randn(mask.shape, generator=torch.Generator().manual_seed(0))
    with_rewards, without = (
        generalised(returns, groups, mask, values_BT=values, reward_BT=rewards) for rewards in (nothing, None)
    )
    assert torch.equal(with_rewards.advantage_BT, without.advantage_BT)
    assert with_rewards.target_BT is not None
    assert without.target_BT is not None
    assert torch.equal(with_rewards.target_BT, without.target_BT)


@pytest.mark.parametrize("statistics", ["token", "sequence"])
def test_where_all_that_counts_is_equal_token_rewards_give_exactly_zero(statistics: str) -> None:
    mask = mask_of(5, 2, 7)
    found = whiten(torch.full((3,), 0.1), ONE_GROUP, mask, statistics=statistics, reward_BT=torch.zeros(mask.shape))
    assert (found == 0).all()
    # totals 1 and 0.5 + 0.25 + 0.25, though their tokens differ: the deviation of totals is no scale for those
    uneven = {"reward_BT": torch.tensor([[0.0, 0.0], [0.25, 0.25]]), "statistics": statistics}
    found = whiten(torch.tensor([1.0, 0.5]), ONE_GROUP[:2], mask_of(1, 2), **uneven)
    assert (found == 0).all() == (statistics == "sequence")
