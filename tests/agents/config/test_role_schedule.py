from __future__ import annotations

import pytest

from agents.config.role_schedule import Schedule, check_roles

ROLES = ("proposer", "solver")


def trained(text: str, steps: int) -> list[str]:
    schedule = Schedule.parse(text)
    return ["".join(sorted(role[0] for role in schedule.trained(step, ROLES))) for step in range(1, steps + 1)]


@pytest.mark.parametrize(
    ("text", "roles_by_step"),
    [
        ("joint", "ps ps ps ps"),
        ("alternate:proposer=1,solver=5", "p s s s s s p s"),
        ("alternate:solver=2,proposer=1,solver=1", "s s p s s s p s"),
        ("alternate:proposer+solver=1,solver=1", "ps s ps s"),
        ("every:proposer=3", "s s ps s s ps"),
        ("every:proposer=2,solver=3", " p s p  ps "),
        ("frozen:proposer", "s s s"),
        ("frozen:proposer,solver", "  "),
    ],
)
def test_who_trains_at_which_step(text: str, roles_by_step: str) -> None:
    expected = roles_by_step.split(" ")
    assert trained(text, len(expected)) == expected


def test_only_frozen_roles_are_frozen() -> None:
    assert Schedule.parse("frozen:proposer").frozen == {"proposer"}
    assert Schedule.parse("every:proposer=5").frozen == set()
    assert Schedule.parse("every:proposer=5").named == {"proposer"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sometimes",
        "joint:solver=1",
        "alternate",
        "alternate:proposer",
        "alternate:a+=1",
        "every:proposer=0",
        "every:proposer=-1",
        "every:=5",
        "every:proposer=5,proposer=2",
        "frozen:",
        "frozen:proposer=1",
    ],
)
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"TrainConfig\.schedule="):
        Schedule.parse(text)


def test_a_role_that_is_not_in_the_games_is_named() -> None:
    with pytest.raises(ValueError, match="names 'prober', but the roles of these games are proposer, solver"):
        Schedule.parse("every:prober=5").trained(1, ROLES)


def test_a_misspelt_role_or_nobody_to_train_stops_a_run() -> None:
    roles = ("challenger", "solver")
    assert check_roles(Schedule.parse("frozen:challenger"), roles, (), {"role_weights": {"solver": 0.5}}, 1) == {"solver"}
    with pytest.raises(ValueError, match="train_roles names 'proposer', but the roles of these games are challenger, solver"):
        check_roles(Schedule(), roles, ("solver", "proposer"), {}, 1)
    with pytest.raises(ValueError, match="options role_shares names 'bob'"):
        check_roles(Schedule(), roles, (), {"role_weights": {}, "role_shares": {"challenger": 0.5, "bob": 0.5}}, 1)
    with pytest.raises(ValueError, match="names 'teacher'"):
        check_roles(Schedule.parse("every:teacher=2"), roles, (), {}, 1)


@pytest.mark.parametrize(
    ("schedule", "train_roles", "steps"),
    [
        ("frozen:proposer", ("proposer",), 9),
        ("frozen:proposer,solver", (), 9),
        ("alternate:proposer=1", ("solver",), 9),
        ("alternate:proposer=5,solver=1", ("solver",), 5),
        ("every:proposer=10,solver=20", (), 9),
    ],
)
def test_a_run_in_which_nobody_would_ever_train_is_refused(schedule: str, train_roles: tuple[str, ...], steps: int) -> None:
    with pytest.raises(
        ValueError, match=rf"nobody would train at any of the {steps} steps: .*TrainConfig.schedule='{schedule}'"
    ) as raised:
        check_roles(Schedule.parse(schedule), ROLES, train_roles, {}, steps)
    assert str(raised.value).endswith("change either.")


def test_who_ever_trains() -> None:
    assert check_roles(Schedule.parse("every:proposer=10"), ROLES, (), {}, 9) == {"solver"}
    assert check_roles(Schedule.parse("every:proposer=10"), ROLES, ("proposer",), {}, 10) == {"proposer"}
