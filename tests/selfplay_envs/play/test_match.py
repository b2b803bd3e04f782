"""One game in progress: what it starts with, and who acts."""

import pytest

from selfplay_envs import Match, Referee, Reply, ResetNeeded, Slot, Start, advance
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker
from selfplay_envs.replies.parsing import fence

START = Start("SelfPlay/KuhnPoker-v0", 0, {"attempts": 2})


class Watched(KuhnPoker):
    """Notes what is left of the episode before, which it does not clear itself."""

    left: tuple[object, ...] = ()

    def reset(self, rng, options):
        self.left = (dict(self.credit), dict(self.outcome), dict(self.void))
        super().reset(rng, options)


def run_out(match, texts):
    """Plays a match to its end, every seat with the next of these texts."""
    texts = iter(texts)
    while not match.done:
        advance([(match, slot, Reply(text=next(texts))) for slot in list(match.waiting)], Referee())


def test_a_match_empties_what_the_game_holds_of_the_episode_before():
    game = Watched(attempts=2)
    first = Match(START, game)
    run_out(first, ["junk", fence("action", "bet"), fence("action", "fold")])
    before = first.episode({})
    assert len(game.credit) == 3
    assert len(game.outcome) == 4
    game.void[Slot("first", 0, 0)] = "worker_lost"
    again = Match(START, game)
    assert game.left == ({}, {}, {})
    run_out(again, ["junk", fence("action", "bet"), fence("action", "fold")])
    assert again.episode({}) == before


def test_pending_prompts_carry_the_number_of_their_episode():
    match = Match(START)
    assert [(prompt.slot, prompt.episode) for prompt in match.pending_prompts(7)] == [
        (Slot("first", 0, 0), 7),
        (Slot("first", 1, 0), 7),
    ]
    assert {prompt.episode for prompt in match.pending_prompts()} == {0}


def test_a_slot_that_is_not_to_act_is_refused():
    with pytest.raises(ResetNeeded, match=r"slot=\('second', 0, 1\) is not to act in SelfPlay/KuhnPoker-v0"):
        advance([(Match(START), Slot("second", 0, 1), Reply(text="x"))], Referee())
