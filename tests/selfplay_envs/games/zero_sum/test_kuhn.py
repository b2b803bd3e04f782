"""Kuhn poker: the rules by hand, the equilibrium value exactly, and zero-sum outcomes on random play."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

from selfplay_envs import Referee, Reply, Start, UsageError, play_episode
from selfplay_envs.games.zero_sum.kuhn import CARDS, LEGAL, Hand
from selfplay_envs.replies.parsing import fence


def hand_played(cards, *actions, attempts=1):
    script = iter(actions)
    start = Start("SelfPlay/KuhnPoker-v0", 0, {"attempts": attempts, "style": "terse"}, {"task": {"cards": list(cards)}})
    return play_episode(start, lambda asks: [Reply(text=next(script)) for _ in asks], Referee())


def say(action):
    return fence("action", action)


@pytest.mark.parametrize(
    ("cards", "actions", "chips"),
    [
        ("KJ", ("check", "check"), 1),
        ("JK", ("check", "check"), -1),
        ("KQ", ("bet", "call"), 2),
        ("QK", ("bet", "call"), -2),
        ("JK", ("bet", "fold"), 1),
        ("KQ", ("check", "bet", "call"), 2),
        ("QK", ("check", "bet", "call"), -2),
        ("KQ", ("check", "bet", "fold"), -1),
    ],
)
def test_every_line_of_play_pays_by_hand(cards, actions, chips):
    episode = hand_played(cards, *(say(action) for action in actions))
    assert episode.outcome == {("first", 0): chips, ("second", 0): -chips}
    assert [m.credit for m in episode.messages] == [chips if m.slot.role == "first" else -chips for m in episode.messages]
    assert [m.slot.turn for m in episode.messages] == list(range(len(actions)))


def test_an_illegal_action_forfeits_the_ante():
    assert hand_played("KJ", say("raise")).outcome["first", 0] == -1
    assert hand_played("KJ", say("bet"), "I call!").outcome["first", 0] == 1
    assert hand_played("KJ", say("call")).messages[0].verdict.reason == "illegal_action"


def test_a_player_sees_only_its_own_card():
    episode = hand_played("KJ", say("check"), say("check"))
    assert "card K" in episode.messages[0].messages[0].content
    assert "K" not in episode.messages[1].messages[0].content.replace("kuhn", "")


def value(cards, history, first, second):
    """Expected chips of seat 0 under behaviour strategies: probability of the second legal action (bet, or fold)."""
    hand = Hand(history)
    if hand.over:
        return Fraction(int(hand.payoff(cards)))
    strategy = (first, second)[hand.seat]
    aggressive = strategy[cards[hand.seat], history]
    moves = dict(zip(LEGAL[history], (1 - aggressive, aggressive), strict=True))
    return sum(p * value(cards, (*history, action), first, second) for action, p in moves.items() if p)


@pytest.mark.parametrize("alpha", [Fraction(0), Fraction(1, 6), Fraction(1, 3)])
def test_the_equilibrium_is_worth_minus_one_eighteenth(alpha):
    """Kuhn's family of equilibria, 0 <= alpha <= 1/3: seat 0 bets J with alpha, K with 3 alpha, calls with Q at alpha + 1/3."""
    first = {("J", ()): alpha, ("Q", ()): Fraction(0), ("K", ()): 3 * alpha}
    folds = {"J": Fraction(1), "Q": Fraction(2, 3) - alpha, "K": Fraction(0)}
    first |= {(card, ("check", "bet")): fold for card, fold in folds.items()}
    second = {("J", ("check",)): Fraction(1, 3), ("Q", ("check",)): Fraction(0), ("K", ("check",)): Fraction(1)}
    second |= {("J", ("bet",)): Fraction(1), ("Q", ("bet",)): Fraction(2, 3), ("K", ("bet",)): Fraction(0)}
    deals = list(permutations(CARDS, 2))
    assert sum(value(deal, (), first, second) for deal in deals) / len(deals) == Fraction(-1, 18)


def test_outcomes_sum_to_zero_on_ten_thousand_random_plays():
    rng = np.random.default_rng(1)
    words = [say(w) for w in ("check", "bet", "call", "fold")] + ["nonsense"]
    seen = set()
    for seed in range(200):
        start = Start("SelfPlay/KuhnPoker-v0", seed, {"attempts": 50})
        episode = play_episode(start, lambda asks: [Reply(text=words[rng.integers(5)]) for _ in asks], Referee())
        for attempt in range(50):
            assert episode.outcome["first", attempt] + episode.outcome["second", attempt] == 0
            seen.add(episode.outcome["first", attempt])
    assert seen == {-2, -1, 1, 2}


def test_all_six_deals_come_from_the_seed():
    deals = {
        play_episode(Start("SelfPlay/KuhnPoker-v0", seed), lambda asks: [Reply(text="")], Referee()).messages[0].task_id
        for seed in range(60)
    }
    assert deals == {f"{a}-{b}" for a, b in permutations(CARDS, 2)}


@pytest.mark.parametrize("task", [{"cards": ["J", "J"]}, {"cards": ["A", "K"]}, {}, "JK"])
def test_a_wrong_deal_gets_one_clear_sentence(task):
    with pytest.raises(UsageError, match=r"options\['task'\]"):
        play_episode(Start("SelfPlay/KuhnPoker-v0", 0, {}, {"task": task}), lambda asks: [], Referee())
