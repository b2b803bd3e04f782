"""Proposer rewards by hand."""

import pytest

from selfplay_envs.rewards.learnability import SolveStats, find_learnability


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("one_minus", [0, 0.75, 0.5, 0.25, 0]),
        ("half_peak", [0, 0.5, 1, 0.5, 0]),
        ("min_p", [0, 0.25, 0.5, 0.25, 0]),
        ("variance", [0, 0.75, 1, 0.75, 0]),
        ("band", [0, 1, 1, 1, 0]),
    ],
)
def test_learnability_by_hand(name, values):
    assert [find_learnability(name)(SolveStats(solved, 4)) for solved in range(5)] == values
