"""One proposal, then K answers, then the proposer is paid: the base of such games, with roles of other names."""

from copy import copy

import gymnasium
import pytest

from selfplay_envs import Match, Referee, Reply, ScriptedPlayer, Slot, Start, UsageError, advance, play_episode
from selfplay_envs.conformance.suite import check_game
from tests.helpers.exam_game import EXAM, Exam


def played(proposal, *answers, options=None, **kwargs):
    texts = {("examiner", 0): proposal, **{("student", attempt): text for attempt, text in enumerate(answers)}}
    player = ScriptedPlayer(lambda prompt: texts[prompt.slot.role, prompt.slot.attempt])
    return play_episode(Start(EXAM, 0, {"attempts": len(answers) or 1, **kwargs}, options or {}), player, Referee())


def test_the_panel_answers_the_proposal_and_then_the_proposer_is_paid():
    episode = played("q", "q", "x", "Q", "q")
    assert [tuple(turn.slot) for turn in episode.messages] == [("examiner", 0, 0), *(("student", i, 1) for i in range(4))]
    assert [turn.credit for turn in episode.messages] == [0.25, 1.0, 0.0, 1.0, 1.0]
    assert episode.proposed == {"letter": "q"}


def test_the_second_role_answers_and_comes_in_panels():
    assert Exam.answers == ("student",)
    assert Exam(attempts=2).seats == (("examiner", 0), ("student", 0), ("student", 1))


def test_a_refused_proposal_ends_the_episode():
    episode = played("?")
    assert [(turn.verdict.reason, turn.credit) for turn in episode.messages] == [("no_letter", -1.0)]
    assert episode.outcome == {("examiner", 0): -1.0}
    assert episode.proposed is None
    assert played("?", malformed_credit=-0.5).messages[0].credit == -0.5


def test_a_reply_without_an_answer_is_refused_before_the_game_sees_it():
    assert played("<think>q").messages[0].verdict.reason == "unclosed_thought"


def test_a_given_task_is_answered_at_once_and_nobody_is_paid_for_it():
    episode = played("never", "b", "a", options={"task": {"letter": "a"}})
    assert [turn.slot.role for turn in episode.messages] == ["student", "student"]
    assert episode.proposed is None
    with pytest.raises(UsageError, match=r"options\['task'\]=.* has no letter"):
        Match(Start(EXAM, 0, {}, {"task": {}}))


def test_a_panel_goes_on_without_an_attempt_of_which_nothing_is_known():
    game = Match(Start(EXAM, 0, {}, {"task": {"letter": "a"}})).game
    nothing = type("Void", (), {"reason": "worker_lost"})()
    assert game.skip(Slot("student", 0, 1), nothing)
    assert game.pending() == ()
    assert game.void_attempts == ["worker_lost"]
    assert not game.skip(Slot("examiner", 0, 0), nothing)


def test_it_keeps_the_promises_of_games():
    results = check_game(EXAM, attempts=3)
    assert [result for result in results if not result.ok] == []


class Appealed(Exam):
    """Goes on with the base's `settle`, and then notes what the examiner has."""

    def settle(self):
        yield from super().settle()
        self.seen = dict(self.outcome)


class AppealedAtOnce(Exam):
    def settle(self):
        super().settle()
        self.seen = dict(self.outcome)


@pytest.mark.parametrize("game", [Appealed, AppealedAtOnce])
def test_a_game_may_go_on_with_the_settle_of_the_base(game, monkeypatch):
    monkeypatch.setitem(gymnasium.registry, EXAM, copy(gymnasium.registry[EXAM]))
    gymnasium.registry[EXAM].kwargs = {"game": f"{__name__}:{game.__name__}"}
    match = Match(Start(EXAM, 0, {"attempts": 2}))
    for text in ("q", "q", "x"):
        advance([(match, next(iter(match.waiting)), Reply(text=text))], Referee())
    assert [turn.credit for turn in match.episode({}).messages] == [0.5, 1.0, 0.0]
    assert match.game.seen["examiner", 0] == 0.5
