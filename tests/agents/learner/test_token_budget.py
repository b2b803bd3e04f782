from __future__ import annotations

import pytest

from agents.learner.token_budget import TokenBudget


@pytest.mark.parametrize(("settings", "tokens"), [({"device": "cpu"}, 25), ({"device": "cuda"}, 100)])
def test_a_halved_budget_is_taken_over_with_the_same_settings_alone(settings: dict[str, str], tokens: int) -> None:
    halved = TokenBudget(25, {"device": "cpu"})
    assert halved.state_dict() == {"device": "cpu", "tokens": 25}
    budget = TokenBudget(100, settings)
    budget.load_state_dict(halved.state_dict())
    assert budget.tokens == tokens


def test_a_state_without_a_budget_leaves_it_alone() -> None:
    budget = TokenBudget(100)
    budget.load_state_dict({})
    assert budget.tokens == 100
