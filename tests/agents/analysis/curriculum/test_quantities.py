"""Numbers of the proposals of a step, by hand."""

from __future__ import annotations

import math

import pytest

from agents.analysis.curriculum.proposals import proposals_in
from agents.analysis.curriculum.quantities import QUANTITIES, series_of
from tests.helpers.planted_proposals import CHALLENGE, code_task, planted

TASKS = [code_task(1), code_task(1), code_task(2), {"program": "def f(x):\n    return len(x) + len(x)", "inputs": []}]


def test_diversity_by_hand() -> None:
    proposals = proposals_in([*(planted(task) for task in TASKS), planted(None)], 5)
    of = {name: quantity.of(proposals) for name, quantity in QUANTITIES.items()}
    assert of["valid"] == 0.8
    assert of["distinct"] == 0.75
    assert of["shapes"] == 0.5
    assert of["operations"] == 2  # Add four times, len() twice
    assert of["operation_entropy"] == pytest.approx(-(4 / 6) * math.log(4 / 6) - (2 / 6) * math.log(2 / 6))
    assert of["solve_rate"] is None
    assert of["tokens"] is None
    assert of["characters"] == len("proposal")


def test_nothing_valid_has_no_diversity() -> None:
    proposals = proposals_in([planted(None)], 5)
    assert {name for name, quantity in QUANTITIES.items() if quantity.of(proposals) is not None} == {"valid", "characters"}


def test_series_by_group_and_step() -> None:
    first = proposals_in([planted(code_task(1), [1, 0]), planted({"instruction": "x"}, [0], env_id=CHALLENGE)], 1)
    second = proposals_in([planted(None)], 2)
    series = series_of([*first, *second])
    assert list(series) == ["all", "challenger/instruction", "proposer/deduction"]
    assert series["all"]["solve_rate"] == {1: 0.25}
    assert series["proposer/deduction"]["valid"] == {1: 1.0, 2: 0.0}
    assert series["challenger/instruction"]["score"] == {1: 0.0}
    assert list(series_of(second)) == ["all"]


def test_rows_tell_lengths_where_records_hold_no_tokens() -> None:
    proposals = proposals_in([planted(code_task(1)), planted({"instruction": "x"}, env_id=CHALLENGE)], 3)
    row = {
        "step": 3,
        "proposer/deduction/count": 1,
        "proposer/deduction/reply_tokens": 10.0,
        "challenger/instruction/count": 3,
        "challenger/instruction/reply_tokens": 30.0,
        "solver/deduction/count": 9,
        "solver/deduction/reply_tokens": 99.0,
    }
    series = series_of(proposals, [row])
    assert series["all"]["tokens"] == {3: 25.0}
    assert series["proposer/deduction"]["tokens"] == {3: 10.0}
    assert "tokens" not in series_of(proposals, [])["all"]
    recorded = proposals_in([planted(code_task(1), tokens=7)], 3)
    assert series_of(recorded, [row])["all"]["tokens"] == {3: 7.0}
