"""Scores of answers that can be partly right, and win rates made of them: each answer of a model beside each of another's.

A judge that scores each answer for itself, as rules do, needs no duels: of two answers the one with the higher score wins, of
equal ones neither does. With n answers of the model and m of the base to a problem, the mean over all n m pairs is what duels
of single answers would give in the long run, with less noise. Of the base against itself, pairs of an answer with itself are
left out: the value of its win rate, in which a tie counts half, is 1/2 by symmetry, and its share of wins is what ties leave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from selfplay_envs import UsageError

from ...evaluation.win_rate import Duel

BY_ANSWER = "by_answer"
"""Key of the scores of every answer, per problem, in rows of evaluations."""
DUELS, NULL_DUELS = "requests", "null_requests"
"""Keys of the duels of a model, and of the other model against itself, in rows of win rates."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The scores of one arm's answers: S seeds, P problems, N answers."""

    seeds: tuple[str, ...]
    programs: tuple[str, ...]
    """Per problem the name of what it shares with others: those are no independent evidence."""
    values_SPN: np.ndarray
    """Float64; NaN where an answer is void, or a seed has fewer than N."""

    def means(self) -> np.ndarray:
        """Mean score of every seed and problem, float64 (S, P); NaN where all answers are void."""
        counted_SP = (~np.isnan(self.values_SPN)).sum(axis=2)
        with np.errstate(invalid="ignore"):
            return np.nansum(self.values_SPN, axis=2) / counted_SP


@dataclass(frozen=True, slots=True, eq=False)
class Wins:
    """Win rates of one arm against the base, per problem: S seeds, P problems."""

    seeds: tuple[str, ...]
    programs: tuple[str, ...]
    value_SP: np.ndarray
    """A win counts 1, a tie 1/2; float64, NaN where nothing is known."""
    won_SP: np.ndarray
    """A win counts 1, a tie nothing."""
    subsets: tuple[str, ...] = ()
    """Per problem the part of a benchmark that it is of; empty where problems are of one."""

    def of_subset(self, name: str) -> Wins:
        """The same on the problems of one subset."""
        places = [place for place, subset in enumerate(self.subsets) if subset == name]
        programs = tuple(self.programs[place] for place in places)
        return Wins(self.seeds, programs, self.value_SP[:, places], self.won_SP[:, places], (name,) * len(places))


def scores_of_rows(rows: Mapping[str, Mapping[str, Any]]) -> Scores | None:
    """The scores of an arm; None where a row has none, as those of problems whose answers are right or wrong.

    Args:
        rows: By the name of the seed, as `selfplay eval --json` writes them.

    Raises:
        UsageError: Seeds answered different problems.
    """
    entries = {seed: [one for one in row.get("problems", {}).values() if BY_ANSWER in one] for seed, row in rows.items()}
    if not entries or not all(entries.values()):
        return None
    programs = {seed: tuple(_programs(row["problems"])) for seed, row in rows.items()}
    if len(set(programs.values())) > 1:
        raise UsageError(f"seeds {', '.join(programs)} answered different problems; measure all on the same.")
    tables = [[scores for entry in of_seed for scores in entry[BY_ANSWER]] for of_seed in entries.values()]
    most = max(len(scores) for table in tables for scores in table)
    values_SPN = np.full((len(tables), len(tables[0]), most), np.nan)
    for place, table in enumerate(tables):
        for problem, scores in enumerate(table):
            values_SPN[place, problem, : len(scores)] = [np.nan if score is None else score for score in scores]
    return Scores(tuple(entries), next(iter(programs.values())), values_SPN)


def on_known_problems(programs: Sequence[str], *tables_SP: np.ndarray) -> tuple[list[str], list[np.ndarray]]:
    """The problems of which every seed of every table has a number.

    Args:
        programs: A name per problem.
        tables_SP: Floats (seeds of that table, problems), NaN where there is none.

    Returns:
        Their names, and the tables on them.
    """
    kept = np.flatnonzero(~np.isnan(np.concatenate(tables_SP)).any(axis=0)).tolist()
    return [programs[place] for place in kept], [table_SP[:, kept] for table_SP in tables_SP]


def wins_against(arm: Scores, base: Scores) -> Wins:
    """Every answer of an arm beside every answer of the base's one seed, problem by problem.

    Raises:
        ValueError: The base has several seeds, or the problems differ.
    """
    if len(base.seeds) != 1 or arm.programs != base.programs:
        raise ValueError(f"the base has seeds {base.seeds}: one, on the problems of the arm, is what arms are compared with.")
    return _compared(arm, base.values_SPN[:1], np.zeros(0, dtype=int))


def wins_against_itself(base: Scores) -> Wins:
    """The null: every answer of the base beside every other one of its own."""
    return _compared(base, base.values_SPN[:1], np.arange(base.values_SPN.shape[2]))


def _compared(arm: Scores, base_1PN: np.ndarray, same_N: np.ndarray) -> Wins:
    """Means over pairs whose scores are both known; answers of places `same_N` are not compared with themselves."""
    first_SPNM, second_SPNM = arm.values_SPN[..., :, None], base_1PN[..., None, :]
    known_SPNM = ~(np.isnan(first_SPNM) | np.isnan(second_SPNM))
    known_SPNM[..., same_N, same_N] = False
    won_SPNM, tied_SPNM = (first_SPNM > second_SPNM) & known_SPNM, (first_SPNM == second_SPNM) & known_SPNM
    pairs_SP = known_SPNM.sum(axis=(2, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        won_SP, tied_SP = won_SPNM.sum(axis=(2, 3)) / pairs_SP, tied_SPNM.sum(axis=(2, 3)) / pairs_SP
    return Wins(arm.seeds, arm.programs, won_SP + tied_SP / 2, won_SP)


def wins_of_duels(rows: Mapping[str, Mapping[str, Any]], key: str = DUELS) -> Wins | None:
    """Win rates that a judge of pairs gave, as `selfplay eval --against` writes them; None where rows are not of that kind.

    Args:
        rows: By the name of the seed.
        key: `DUELS`, or `NULL_DUELS` of the other model against itself.

    Raises:
        UsageError: Seeds answered different requests.
    """
    duels = {seed: row.get(key) for seed, row in rows.items()}
    if not duels or not all(duels.values()):
        return None
    requests = {seed: tuple(str(duel["instruction"]) for duel in of_seed or ()) for seed, of_seed in duels.items()}
    if len(set(requests.values())) > 1:
        raise UsageError(f"seeds {', '.join(requests)} answered different requests; measure all on the same.")
    value_SP = np.array([[_duel(duel).value for duel in of_seed or ()] for of_seed in duels.values()])
    won_SP = np.where(np.isnan(value_SP), np.nan, value_SP > 1 / 2)
    subsets = tuple(str(duel.get("subset", "")) for duel in next(iter(duels.values())) or ())
    return Wins(tuple(duels), next(iter(requests.values())), value_SP, won_SP, subsets)


def _duel(data: Mapping[str, Any]) -> Duel:
    """Both judgements of a record, all that counts here."""
    return Duel(instruction=data["instruction"], shown_first=data["shown_first"], shown_second=data["shown_second"])


def _programs(problems: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Names of the programs of all problems that have scores, or of their places."""
    found: list[str] = []
    for game, entry in problems.items():
        if BY_ANSWER in entry:
            found += entry.get("programs") or [f"{game}/{place}" for place in range(len(entry[BY_ANSWER]))]
    return found
