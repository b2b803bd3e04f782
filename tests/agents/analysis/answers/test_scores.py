"""Win rates from scores of single answers, counted by hand; what is void or missing counts for nothing."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from agents.analysis.answers.scores import (
    Scores,
    on_known_problems,
    scores_of_rows,
    wins_against,
    wins_against_itself,
    wins_of_duels,
)
from selfplay_envs import UsageError

GAME = "SelfPlay/InstructionChallenge-v0"


def row(*by_answer: list[float | None], programs: list[str] | None = None) -> dict[str, Any]:
    names = programs or [f"p{place}" for place in range(len(by_answer))]
    return {"problems": {GAME: {"by_answer": list(by_answer), "programs": names, "right": [0], "samples": 2}}}


def test_all_pairs_of_answers_are_compared() -> None:
    arm = scores_of_rows({"seed 0": row([1.0, 0.5], [0.0, 0.0]), "seed 1": row([0.0, 0.0], [1.0, 1.0])})
    base = scores_of_rows({"seed 0": row([0.5, 0.0], [0.0, 0.5])})
    assert arm is not None
    assert base is not None
    wins = wins_against(arm, base)
    # seed 0, problem 0: 1 > .5, 1 > 0, .5 = .5, .5 > 0; problem 1: 0 = 0, 0 < .5, twice
    assert wins.won_SP.tolist() == [[3 / 4, 0.0], [0.0, 1.0]]
    assert wins.value_SP.tolist() == [[3.5 / 4, 1 / 4], [1 / 4, 1.0]]
    assert (wins.seeds, wins.programs) == (("seed 0", "seed 1"), ("p0", "p1"))


def test_they_are_what_duels_of_single_answers_come_to() -> None:
    rng = np.random.default_rng(3)
    scores, others = rng.integers(0, 3, (1, 4, 5)) / 2, rng.integers(0, 3, (1, 4, 7)) / 2
    names = ("a", "b", "c", "d")
    wins = wins_against(Scores(("s",), names, scores), Scores(("s",), names, others))
    for problem in range(4):
        pairs = list(product(scores[0, problem], others[0, problem]))
        assert wins.won_SP[0, problem] == pytest.approx(np.mean([a > b for a, b in pairs]))
        assert wins.value_SP[0, problem] == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a, b in pairs]))


def test_against_itself_the_base_has_one_half_and_wins_what_ties_leave() -> None:
    base = scores_of_rows({"seed 0": row([1.0, 0.5, 0.5], [0.0, 0.0, 0.0])})
    assert base is not None
    null = wins_against_itself(base)
    assert null.value_SP.tolist() == [[0.5, 0.5]]
    assert null.won_SP.tolist() == [[2 / 6, 0.0]]  # of six ordered pairs of different answers two are won


def test_void_answers_count_for_nothing() -> None:
    arm = scores_of_rows({"seed 0": row([None, 1.0], [None, None])})
    base = scores_of_rows({"seed 0": row([0.0, None], [1.0, 1.0])})
    assert arm is not None
    assert base is not None
    wins = wins_against(arm, base)
    assert wins.value_SP[0, 0] == 1.0
    assert np.isnan(wins.value_SP[0, 1])
    means = arm.means()
    assert means[0, 0] == 1.0
    assert np.isnan(means[0, 1])


def test_rows_without_scores_have_none() -> None:
    plain = {"problems": {"SelfPlay/Deduction-v0": {"right": [1], "samples": 1}}}
    assert scores_of_rows({"seed 0": plain}) is None
    assert scores_of_rows({"seed 0": row([1.0]), "seed 1": plain}) is None
    assert scores_of_rows({}) is None
    assert wins_of_duels({"seed 0": plain}) is None


def test_seeds_on_different_problems_are_refused() -> None:
    with pytest.raises(UsageError, match="seeds seed 0, seed 1 answered different problems"):
        scores_of_rows({"seed 0": row([1.0], programs=["a"]), "seed 1": row([1.0], programs=["b"])})
    one, two = (Scores(("s",), (name,), np.zeros((1, 1, 1))) for name in "ab")
    with pytest.raises(ValueError, match="on the problems of the arm"):
        wins_against(one, two)


def test_duels_of_a_judge_of_pairs_are_won_tied_or_unknown() -> None:
    def duel(name: str, first: str, second: str) -> dict[str, str]:
        return {"instruction": name, "subset": name[0], "shown_first": first, "shown_second": second}

    duels = [duel("ka", "win", "win"), duel("kb", "win", "loss"), duel("va", "loss", "tie"), duel("vb", "win", "")]
    wins = wins_of_duels({"seed 0": {"requests": duels}})
    assert wins is not None
    assert wins.value_SP[0, :3].tolist() == [1.0, 0.5, 0.25]
    assert wins.won_SP[0, :3].tolist() == [1.0, 0.0, 0.0]
    assert np.isnan([wins.value_SP[0, 3], wins.won_SP[0, 3]]).all()
    part = wins.of_subset("k")
    assert (part.programs, part.value_SP.tolist()) == (("ka", "kb"), [[1.0, 0.5]])
    with pytest.raises(UsageError, match="answered different requests"):
        wins_of_duels({"seed 0": {"requests": duels}, "seed 1": {"requests": duels[:2]}})


def test_problems_that_a_seed_has_no_number_of_are_left_out() -> None:
    first, second = np.array([[1.0, np.nan, 3.0, 4.0]]), np.array([[5.0, 6.0, 7.0, np.nan], [8.0, 9.0, 10.0, 11.0]])
    names, (one, other) = on_known_problems(("a", "b", "c", "d"), first, second)
    assert names == ["a", "c"]
    assert (one.tolist(), other.tolist()) == ([[1.0, 3.0]], [[5.0, 7.0], [8.0, 10.0]])
