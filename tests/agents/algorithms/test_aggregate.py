from __future__ import annotations

import pytest
import torch

from agents.algorithms.aggregate import denominators

MASK = torch.tensor([[False, False, True], [True, True, True], [False, True, True]])  # 1, 3, 2 tokens
ROLES = ("proposer", "solver", "solver")


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [("token", [6, 6, 6]), ("sequence", [3, 9, 6]), ("message", [3, 3, 3]), ("role", [1, 2, 2]), ("constant", [15, 15, 15])],
)
def test_denominators_by_hand(aggregate: str, expected: list[float]) -> None:
    found = denominators(aggregate, MASK, ROLES, reply_limit=5)
    assert found.shape == (3, 1)
    assert found[:, 0].tolist() == expected


def test_what_ones_add_up_to() -> None:
    """A loss of 1 per token becomes: 1; 1; tokens per message; their sum over roles; the share of the room that is used."""
    expected = {"token": 1.0, "sequence": 1.0, "message": 2.0, "role": 1.0 + 2.5, "constant": 6 / 15}
    for aggregate, total in expected.items():
        found = denominators(aggregate, MASK, ROLES, reply_limit=5)
        assert float((MASK / found).sum()) == pytest.approx(total)


def test_a_weight_scales_a_roles_loss_and_zero_stops_it() -> None:
    found = denominators("role", MASK, ROLES, weights={"proposer": 0.5, "solver": 4.0})
    assert found[:, 0].tolist() == [2.0, 0.5, 0.5]
    assert denominators("role", MASK, ROLES, weights={"solver": 0.0})[:, 0].tolist() == [1.0, float("inf"), float("inf")]


def test_constant_needs_the_longest_reply() -> None:
    with pytest.raises(ValueError, match="aggregate='constant' divides by the longest reply allowed"):
        denominators("constant", MASK, ROLES)


def test_shares_by_hand_and_the_weight_of_the_step_stays() -> None:
    # token: 1/6 each, of which the proposer has 1 and the solvers 5: 1/2 and 1/2 make 1 (1/2) and 5 (1/10)
    found = denominators("token", MASK, ROLES, shares={"proposer": 0.5, "solver": 0.5})
    assert found[:, 0].tolist() == pytest.approx([2, 10, 10])
    # message: 1/3 each, together 2 over the tokens: 2/4 = 1 (1/2) and 2 3/4 = 5 (3/10)
    found = denominators("message", MASK, ROLES, shares={"proposer": 0.25})
    assert found[:, 0].tolist() == pytest.approx([2, 10 / 3, 10 / 3])
    # constant: 1/15 each, together 6/15
    found = denominators("constant", MASK, ROLES, reply_limit=5, shares={"proposer": 0.5, "solver": 0.5})
    assert float((MASK / found).sum()) == pytest.approx(6 / 15)
    assert float(1 / found[0]) == pytest.approx(3 / 15)
