"""Alarms on planted runs: each at its step and no other; none in good health; and what cannot be watched."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from agents.analysis.stability.alarms import alarms_of, stability_of
from agents.analysis.stability.quantities import QUANTITIES, WHOLE
from agents.analysis.stability.rules import RULES
from agents.analysis.stability.watched import watch
from tests.helpers.planted_runs import Change, Plant, planted_run, run_of

HEALTHY_RUNS, MOST_WRONG = 200, 2
"""At most 1 % of healthy runs may have an alarm; of these 200, one has."""


def after(step: int, change: Callable[[float, int], float]) -> Change:
    """Health before a step, and a change of it from then on that is told how many steps it has lasted."""
    return lambda level, now: level if now < step else change(level, now - step + 1)


CASES: dict[str, tuple[str, str, str, Change, int, int]] = {
    "distinct share falls": ("proposals repeat", "distinct", "proposer", after(40, lambda *_: 0.2), 40, 1),
    "distinct share slides": (
        "proposals repeat",
        "distinct",
        "proposer",
        after(40, lambda a, t: max(0.1, a - 0.04 * t)),
        40,
        5,
    ),
    "validity": ("validity is lost", "valid", "proposer", after(70, lambda *_: 0.3), 70, 1),
    "cut off": ("replies do not end", "stopped", "solver", after(45, lambda *_: 0.3), 45, 1),
    "length": ("length explodes", "length", "solver", after(30, lambda a, t: a + 3 * t), 30, 2),
    "length of nothing": ("length shrinks", "length", "proposer", after(30, lambda *_: 2.0), 30, 1),
    "entropy": ("entropy collapses", "entropy", "solver", after(50, lambda *_: 0.02), 50, 1),
    "entropy decays": ("entropy collapses", "entropy", "proposer", after(50, lambda a, t: a * 0.8**t), 50, 4),
    "gibberish": ("entropy explodes", "entropy", "proposer", after(30, lambda a, _: 4 * a), 30, 1),
    "KL": ("KL runs away", "KL", "solver", after(45, lambda a, t: a + 0.08 * t), 45, 2),
    "reward": ("reward collapses", "solved", "solver", after(35, lambda *_: 0.06), 35, 1),
    "all solved": ("everything is solved", "solved", "solver", after(35, lambda *_: 0.99), 35, 1),
    "no signal": ("no signal", "no signal", "", after(80, lambda *_: 1.0), 80, 0),
}
"""Alarm, planted quantity, role, change, its step, and by how many steps the found one may differ."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_alarm_at_its_step_and_no_other(case: tuple[str, str, str, Change, int, int]) -> None:
    name, quantity, role, change, step, within = case
    changes = {(quantity, role): change}
    if name == "everything is solved":  # held-out results follow, or that would be a drift too
        changes["held-out", ""] = after(35, lambda *_: 0.9)
    for seed in range(5):
        alarms, _ = alarms_of(watch(planted_run(Plant(changes=changes, seed=seed))))
        assert [(alarm.name, alarm.role) for alarm in alarms] == [(name, role or WHOLE)], seed
        assert abs(alarms[0].step - step) <= within, seed


def test_a_score_that_drifts_from_flat_results() -> None:
    changes = {
        ("solved", "solver"): lambda _, now: 0.45 if now < 60 else min(0.9, 0.45 + 0.02 * (now - 59)),
        ("held-out", ""): lambda *_: 0.35,
    }
    for seed in range(5):
        alarms, _ = alarms_of(watch(planted_run(Plant(changes=changes, seed=seed))))
        assert [alarm.name for alarm in alarms] == ["reward drifts"], seed
        assert abs(alarms[0].step - 60) <= 6, seed
        assert alarms[0].reference == pytest.approx(0.45, abs=0.08)  # the highest of noisy levels


def test_nothing_solved_is_said_beside_the_reward_that_it_costs() -> None:
    alarms, _ = alarms_of(watch(planted_run(Plant(changes={("solved", "solver"): after(35, lambda *_: 0.0)}))))
    assert {(alarm.name, alarm.step) for alarm in alarms} == {("reward collapses", 35), ("nothing is solved", 35)}


def test_healthy_runs_raise_none() -> None:
    alarms = [alarms_of(watch(planted_run(Plant(seed=seed)))) for seed in range(1_000, 1_000 + HEALTHY_RUNS)]
    assert sum(bool(found) for found, _ in alarms) <= MOST_WRONG
    assert all(not missing for _, missing in alarms)


def test_a_reason_has_the_numbers() -> None:
    plant = Plant(changes={("length", "solver"): lambda level, now: 20.0 if now < 30 else 90.0 if now < 50 else level})
    [alarm], _ = alarms_of(watch(planted_run(plant)))
    assert (alarm.run, alarm.arm, alarm.quantity, alarm.step) == ("planted-0", "planted", "length", 30)
    assert f"length is {alarm.value:.3g}, {alarm.reference:.3g} at first, above " in alarm.reason
    assert "until step 50: replies get longer" in alarm.reason


def test_what_rows_do_not_hold_is_not_watched() -> None:
    run = planted_run()
    rows = [{key: value for key, value in row.items() if "kl_" not in key and "proposals" not in key} for row in run.rows]
    _, missing = alarms_of(watch(run_of(rows)))
    assert {(one.name, one.role): one.reason for one in missing} == {
        ("KL runs away", WHOLE): "no row has it",
        ("proposals repeat", "proposer"): "no row has it",
        ("reward drifts", "solver"): "evaluations on held-out problems: 0; 2 are needed, not all of them 0",
    }
    given = [{**row, "solver/deduction/given": 3} for row in run.rows]
    _, missing = alarms_of(watch(run_of(given, run.evaluations)))
    assert {one.role for one in missing if one.reason == "its replies were given"} == {"proposer", "solver"}


def test_answers_that_can_be_partly_right_are_watched_by_their_score() -> None:
    rows = [
        {**row, **{f"solver/{game}/solve_rate": 0.0 for game in ("deduction", "abduction", "induction")}}
        for row in planted_run().rows
    ]
    alarms, missing = alarms_of(watch(run_of(rows, planted_run().evaluations)))
    assert not alarms
    assert [one.name for one in missing] == ["everything is solved", "nothing is solved"]


def test_short_runs_and_damage_are_said() -> None:
    short = planted_run(Plant(steps=10))
    alarms, missing = alarms_of(watch(short))
    assert not alarms
    assert "fewer than 16 rows have it" in {one.reason for one in missing}
    rows: list[dict[str, Any]] = [dict(row) for row in planted_run().rows]
    rows[11]["loss"] = math.nan
    rows[19]["grad_norm"] = math.inf
    [alarm], _ = alarms_of(watch(run_of(rows, planted_run().evaluations)))
    assert (alarm.name, alarm.step, alarm.role) == ("damaged numbers", 12, WHOLE)
    assert alarm.reason.startswith("2 keys hold what is no finite number, loss the first")
    assert not stability_of([run_of([{"step": 1}])]).alarms


def test_every_rule_has_its_quantity_and_no_two_a_name() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {rule.quantity for rule in RULES} <= {quantity.name for quantity in QUANTITIES}
