"""The sample of proposals: the same twice, spread over the steps, and never more than there is."""

from __future__ import annotations

from collections import Counter

from agents.analysis.curriculum.proposals import proposals_in
from agents.analysis.curriculum.sample import draw_sample, shares_of, spread
from tests.helpers.planted_proposals import code_task, planted

PROPOSALS = [
    one
    for step in range(1, 11)
    for one in proposals_in([planted(code_task(100 * step + place) if place % 4 else None) for place in range(20)], step)
]


def test_it_is_the_same_twice_and_of_another_seed_another() -> None:
    assert draw_sample(PROPOSALS, 30) == draw_sample(PROPOSALS, 30)
    assert draw_sample(PROPOSALS, 30) != draw_sample(PROPOSALS, 30, seed=1)


def test_it_is_spread_over_the_steps_without_repeats_and_of_valid_ones() -> None:
    drawn = draw_sample(PROPOSALS, 30)
    assert Counter(one.step for one in drawn) == dict.fromkeys(range(1, 11), 3)
    assert len({one.key for one in drawn}) == 30
    assert all(one.valid for one in drawn)
    assert [one.step for one in drawn] == sorted(one.step for one in drawn)


def test_a_larger_one_holds_a_smaller_one() -> None:
    small, large = ({one.key for one in draw_sample(PROPOSALS, count)} for count in (20, 50))
    assert small < large


def test_all_of_them_where_more_are_asked_for() -> None:
    assert draw_sample(PROPOSALS, 999) == [one for one in PROPOSALS if one.valid]
    assert draw_sample(PROPOSALS, 0) == []
    assert draw_sample([], 5) == []


def test_shares_by_hand() -> None:
    assert shares_of({1: 1, 2: 9, 3: 9}, 9) == {1: 1, 2: 4, 3: 4}
    assert shares_of({1: 5, 2: 5, 3: 5, 4: 5}, 6) == {1: 2, 2: 1, 3: 1, 4: 2}
    assert shares_of({1: 5, 2: 5, 3: 5}, 1) == {1: 0, 2: 0, 3: 1}
    assert shares_of({1: 2, 2: 1}, 9) == {1: 2, 2: 1}
    assert shares_of({}, 3) == {}


def test_steps_are_spread_evenly() -> None:
    assert spread([10, 20, 30], 4) == [10, 20, 30]
    assert spread(list(range(10, 101, 10)), 4) == [10, 40, 70, 100]
    assert spread([1, 2, 3], 1) == [3]
    assert spread([1, 2, 3], 0) == []
