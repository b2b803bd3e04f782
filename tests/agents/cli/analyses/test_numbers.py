"""Means with their intervals as text."""

from agents.analysis.seed_curves import Interval
from agents.cli.analyses.numbers import interval


def test_with_and_without_an_interval() -> None:
    assert interval(Interval(0.3412, 0.32, 0.362)) == "0.341 (0.320 to 0.362)"
    assert interval(Interval(0.3412)) == "0.341"
    assert interval(Interval(-0.1, -0.2, 0.05), signed=True, digits=2) == "-0.10 (-0.20 to +0.05)"
