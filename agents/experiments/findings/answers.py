"""Answers that can be partly right: their scores, win rates against the base, and whether they are in a style."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...analysis.answers.scores import (
    NULL_DUELS,
    Scores,
    Wins,
    scores_of_rows,
    wins_against,
    wins_against_itself,
    wins_of_duels,
)
from ..results import Results

BASE = "base"


def scores_of(results: Results) -> dict[str, dict[str, Scores]]:
    """Scores of the last models' answers, by set of problems and arm; without those that are right or wrong."""
    found = {problems.name: _scores(results, problems.name) for problems in results.experiment.measure.sets}
    return {name: by_arm for name, by_arm in found.items() if by_arm}


def styles_of(results: Results) -> dict[str, Scores]:
    """Whether answers are in the style that the experiment asks about, by arm; empty where it asks about none."""
    style = results.experiment.measure.style
    return {} if style is None else _scores(results, style.name)


def wins_of(results: Results, scores: Mapping[str, Mapping[str, Scores]]) -> dict[str, dict[str, Wins]]:
    """Win rates against the base, by set of problems and arm.

    Args:
        results: Of the experiment, with those duels that a judge of pairs decided.
        scores: As `scores_of`, of which all others are made.
    """
    found: dict[str, dict[str, Wins]] = {}
    for problems in results.experiment.measure.sets:
        if problems.against_start:
            rows = {arm.name: _rows(results, arm.name, problems.name) for arm in results.experiment.arms}
            first = next(({seed: row} for of_arm in rows.values() for seed, row in of_arm.items()), {})
            by_arm = {
                BASE: wins_of_duels(first, NULL_DUELS),
                **{name: wins_of_duels(rows[name]) for name in rows if rows[name]},
            }
            found[problems.name] = {name: wins for name, wins in by_arm.items() if wins is not None}
        elif BASE in (by_arm := scores.get(problems.name, {})):
            base = by_arm[BASE]
            others = {name: wins_against(of_arm, base) for name, of_arm in by_arm.items() if name != BASE}
            found[problems.name] = {BASE: wins_against_itself(base), **others}
    return {name: by_arm for name, by_arm in found.items() if by_arm}


def _scores(results: Results, name: str) -> dict[str, Scores]:
    rows = {arm.name: _rows(results, arm.name, name) for arm in results.experiment.arms}
    found = {arm: scores_of_rows(of_arm) for arm, of_arm in rows.items() if of_arm}
    return {arm: scores for arm, scores in found.items() if scores is not None}


def _rows(results: Results, arm: str, name: str) -> dict[str, Mapping[str, Any]]:
    """What was measured of an arm's last models, by the name of the seed."""
    return {f"seed {cell.seed}": cell.measured[name] for cell in results.arm(arm) if name in cell.measured}
