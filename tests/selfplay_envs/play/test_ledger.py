"""The ledger reports each credit once, when it becomes known."""

from selfplay_envs import Match, Referee, Reply, Slot, Start, advance
from selfplay_envs.play.ledger import CreditLedger
from selfplay_envs.replies.parsing import fence


def test_credits_and_untrained_messages_are_reported_once():
    match, ledger = Match(Start("SelfPlay/KuhnPoker-v0", 0)), CreditLedger()
    first, second = Slot("first", 0, 0), Slot("second", 0, 1)
    advance([(match, first, Reply(text=fence("action", "bet")))], Referee())
    assert ledger.take_new(match) == []  # nothing is won yet
    advance([(match, second, Reply(text=fence("action", "fold")))], Referee())
    assert ledger.take_new(match) == [(first, 1.0), (second, -1.0)]
    assert ledger.take_new(match) == []
    assert ledger.take_untrained(match) == []
    match.game.void[second] = "worker_lost"
    assert ledger.take_untrained(match) == [second]
    assert ledger.take_untrained(match) == []
