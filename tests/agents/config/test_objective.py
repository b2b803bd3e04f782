from __future__ import annotations

import pytest

from agents.config.objective import Objective


def test_role_weights_are_read() -> None:
    assert Objective(aggregate="role", role_weights="challenger=0.5, solver=1").weights() == {"challenger": 0.5, "solver": 1.0}
    assert Objective().weights() == {}


@pytest.mark.parametrize("text", ["challenger", "challenger=", "challenger=x", "=", "0.5", "=0.5"])
def test_role_weights_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=f"role_weights='{text}' is not of the form proposer=0.5,solver=1"):
        Objective(role_weights=text)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("kl_coef", -0.1, r"out of its range \(0 or more\); 0 switches it off"),
        ("kl_coef", float("nan"), "is not a finite number; 0 switches it off"),
        ("tis_cap", -1.0, "out of its range"),
        ("kl_clamp", -1.0, "0 switches it off"),
        ("kl_coef", "much", "is not a number; choose one: 0 or more"),
        ("kl_metric", 1, "is not true or false"),
        ("role_shares", 0.5, "is not a text role=number,role=number"),
        ("old_logprobs", "mine", "choose one of learner, sampler"),
        ("entropy_share", 1.5, r"out of its range \(above 0 to 1\); it is a share of the whole"),
        ("entropy_share", 0, "0 would train nothing"),
        ("overlong_share", -0.1, "it is a share"),
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
    assert Objective(kl_metric=True).wants_reference


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role_weights": "solver=1"}, "aggregate=role"),
        ({"role_weights": "solver=-1", "aggregate": "role"}, "negative"),
        ({"refills": -1}, "refills=-1"),
        ({"role_shares": "proposer=0.5,solver=0.6"}, "adds up to more than the whole"),
        ({"role_shares": "proposer=nan"}, "negative or not finite"),
        ({"role_shares": "proposer"}, "is not of the form proposer=0.5,solver=1"),
        ({"role_shares": "solver=1", "aggregate": "role"}, "use role_weights"),
        ({"role_shares": "solver=0.5,solver=0.4"}, "names 'solver' twice"),
        ({"covariance": "clip", "clip_cov_low": 5.0}, "is not below clip_cov_high=5.0"),
        ({"tis_cap": 2.0, "old_logprobs": "sampler"}, "both correct for the sampler; choose one"),
    ],
)
def test_settings_that_would_do_nothing_or_harm_are_refused(changes: dict[str, str | float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Objective(**changes)  # type: ignore[arg-type]


def test_shares_that_are_used_up_must_name_who_trains() -> None:
    Objective(role_shares="proposer=0.5").check_shares({"proposer", "solver"})
    Objective(role_shares="proposer=0.5,solver=0.5").check_shares({"solver"})
    Objective().check_shares({"solver"})
    with pytest.raises(ValueError, match=r"role_shares='proposer=1' leaves nothing to the role 'solver', .* give it a share"):
        Objective(role_shares="proposer=1").check_shares({"proposer", "solver"})
