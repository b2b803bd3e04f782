"""Win rates by hand, and from a simulated judge with planted faults: what was planted is found, and nothing unknown is lost."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from agents.evaluation.win_rate import ALL, Duel, Outcome, over_null, win_rate, win_rates


def duel(first: Outcome, second: Outcome, name: str = "", subset: str = "", lengths: tuple[int, int] = (0, 0)) -> Duel:
    reasons = tuple("unreadable" for outcome in (first, second) if not outcome)
    return Duel(
        instruction=name or f"{first}{second}",
        subset=subset,
        shown_first=first,
        shown_second=second,
        reasons=reasons,
        length=lengths[0],
        other_length=lengths[1],
    )


def judged(count: int, seed: int, prefers: Callable[[np.random.Generator], float], bias: float) -> list[Duel]:
    """Duels by a judge that takes the first answer for its place with probability `bias`, else prefers the model's with a
    probability that `prefers` draws per instruction."""
    rng = np.random.default_rng(seed)
    outcome: dict[bool, Outcome] = {True: "win", False: "loss"}
    duels: list[Duel] = []
    for number in range(count):
        chance = prefers(rng)
        first = outcome[bool(rng.random() < bias or rng.random() < chance)]
        second = outcome[bool(rng.random() >= bias and rng.random() < chance)]
        duels.append(duel(first, second, str(number)))
    return duels


def test_a_table_by_hand() -> None:
    duels = [
        duel("win", "win", lengths=(10, 4)),  # 1
        duel("win", "tie", lengths=(20, 8)),  # 3/4
        duel("win", "loss", lengths=(30, 12)),  # 1/2: the first answer both times
        duel("tie", "tie", lengths=(40, 16)),  # 1/2
        duel("loss", "tie", lengths=(50, 20)),  # 1/4
        duel("loss", "loss", lengths=(60, 24)),  # 0
        duel("loss", "win", lengths=(70, 28)),  # 1/2: the second answer both times
        duel("win", "", lengths=(80, 1_000)),  # not known
        duel("", "", lengths=(90, 1_000)),
    ]
    found = win_rate(ALL, duels)
    assert (found.counted, found.left_out, found.wins, found.ties, found.losses) == (7, 2, 2, 3, 2)
    assert found.rate == pytest.approx(3.5 / 7)
    assert found.wins_only == pytest.approx(2 / 7)
    # decided judgements for the first place: win/win 1, win/tie 1, win/loss 2, loss/loss 1
    # and for the second: win/win 1, loss/tie 1, loss/loss 1, loss/win 2
    assert found.position_bias == 0.0
    assert found.agreement == pytest.approx(3 / 7)
    assert found.unknown == {"unreadable": 3}
    assert (found.mean_length, found.mean_other_length) == pytest.approx((40.0, 16.0))


@pytest.mark.parametrize("bias", [0.0, 0.3, 0.8])
def test_a_planted_liking_for_the_first_place_is_recovered_and_both_orders_cancel_it(bias: float) -> None:
    """Of 1,500 instructions a judge without fault prefers the model's answer in 70 %."""
    found = win_rate(ALL, judged(1_500, 1, lambda rng: float(rng.random() < 0.7), bias))
    assert found.position_bias == pytest.approx(bias, abs=0.06)
    # in both orders a share b of judgements is one win and one loss: (1 - b) 0.7 + b / 2
    assert found.rate == pytest.approx((1 - bias) * 0.7 + bias / 2, abs=0.04)
    assert found.low < found.rate < found.high
    assert found.high - found.low < 0.06


def test_a_base_against_itself_is_at_one_half_and_far_below_in_the_count_that_calls_ties_no_wins() -> None:
    null = win_rate(ALL, judged(1_500, 2, lambda rng: 0.5, bias=0.3))
    assert null.rate == pytest.approx(0.5, abs=0.03)
    # both orders won: first P = 0.3 + 0.7 / 2 = 0.65, second 0.7 / 2 = 0.35
    assert null.wins_only == pytest.approx(0.65 * 0.35, abs=0.04)


def test_the_published_null_of_ties_that_are_no_wins() -> None:
    """26.5 % of 805 prompts won, none lost more often: 213 wins, 379 ties, 213 losses."""
    won, tied, lost = (duel("win", "win"), duel("win", "loss"), duel("loss", "loss"))
    found = win_rate(ALL, [replace(one, instruction=str(i)) for i, one in enumerate([won] * 213 + [tied] * 379 + [lost] * 213)])
    assert (found.rate, round(100 * found.wins_only, 1)) == (0.5, 26.5)


def test_what_is_not_known_is_neither_won_nor_lost() -> None:
    sure = [duel("win", "win", str(i)) for i in range(30)] + [duel("loss", "loss", str(i)) for i in range(30, 40)]
    lost = [duel("win", "", str(i)) for i in range(40, 60)] + [duel("", "loss", str(i)) for i in range(60, 70)]
    plain, more = win_rate(ALL, sure), win_rate(ALL, [*sure, *lost])
    assert (more.rate, more.wins, more.losses, more.position_bias) == (plain.rate, 30, 10, 0.0)
    assert (plain.left_out, more.left_out, more.unknown) == (0, 30, {"unreadable": 30})


def test_nothing_known_is_no_number() -> None:
    found = win_rate(ALL, [duel("", "")])
    assert (found.counted, found.left_out, found.wins, found.ties, found.losses) == (0, 1, 0, 0, 0)
    assert all(math.isnan(n) for n in (found.rate, found.low, found.wins_only, found.position_bias, found.controlled))


def test_subsets_have_rows_of_their_own_and_one_alone_has_none() -> None:
    duels = [duel("win", "win", "a", "koala"), duel("loss", "loss", "b", "koala"), duel("win", "win", "c", "vicuna")]
    rows = win_rates(duels)
    assert [(row.subset, row.counted, row.wins) for row in rows] == [(ALL, 3, 2), ("koala", 2, 1), ("vicuna", 1, 1)]
    assert [row.subset for row in win_rates(duels[:2])] == [ALL]


def test_rows_of_one_instruction_are_no_independent_evidence() -> None:
    """Sixteen copies of each of eight instructions: the interval is as wide as that of the eight."""
    copied = [duel(o, o, str(i)) for i, o in enumerate(("win", "loss") * 4) for _ in range(16)]  # type: ignore[arg-type]
    apart = [duel(o, o, str(i)) for i, o in enumerate(("win", "loss") * 64)]  # type: ignore[arg-type]
    wide, narrow = win_rate(ALL, copied), win_rate(ALL, apart)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_wins_alone_have_exact_bounds() -> None:
    found = win_rate(ALL, [duel("win", "win", str(i)) for i in range(10)])
    # Clopper and Pearson: 0.025^(1/10) = 0.6915
    assert (found.rate, found.low, found.high) == pytest.approx((1.0, 0.6915, 1.0), abs=1e-4)


def test_the_gain_over_the_null_is_paired() -> None:
    model = [duel("win", "win", "a"), duel("win", "loss", "b"), duel("win", "win", "c"), duel("win", "", "d")]
    null = [duel("win", "loss", "a"), duel("loss", "loss", "b"), duel("win", "loss", "c"), duel("tie", "tie", "d")]
    # 1/2, 1/2, 1/2; the fourth is not known
    assert over_null(model, null)[0] == 0.5
    with pytest.raises(ValueError, match="judge both on the same rows"):
        over_null(model, null[::-1])
