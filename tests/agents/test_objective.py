from __future__ import annotations

import pytest

from agents.objective import Objective


def test_role_weights_are_read() -> None:
    assert Objective(aggregate="role", role_weights="challenger=0.5, solver=1").weights() == {"challenger": 0.5, "solver": 1.0}
    assert Objective().weights() == {}


@pytest.mark.parametrize("text", ["challenger", "challenger=", "challenger=x", "=", "0.5"])
def test_role_weights_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=f"role_weights='{text}' is not of the form challenger=0.5,solver=1"):
        Objective(role_weights=text)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("kl_coef", -0.1, "negative; 0 switches it off"),
        ("kl_coef", float("nan"), "negative"),
        ("tis_cap", -1.0, "negative"),
        ("entropy_share", 1.5, "not a share from 0 to 1"),
        ("overlong_share", -0.1, "not a share"),
        ("aggregate", "sentence", "choose one of token, sequence, message, role, constant"),
        ("kl_in", "advantage", "choose one of loss, reward"),
    ],
)
def test_an_objective_checks_its_fields(field: str, value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Objective(**{field: value})  # type: ignore[arg-type]


def test_a_reference_is_wanted_for_a_kl_term_only() -> None:
    assert not Objective(kl_coef=0.0, kl_in="reward").wants_reference
    assert Objective(kl_coef=1e-3).wants_reference


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role_weights": "solver=1"}, "aggregate=role"),
        ({"role_weights": "solver=-1", "aggregate": "role"}, "negative"),
        ({"refills": -1}, "refills=-1"),
    ],
)
def test_settings_that_would_do_nothing_or_harm_are_refused(changes: dict[str, str | int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Objective(**changes)  # type: ignore[arg-type]
