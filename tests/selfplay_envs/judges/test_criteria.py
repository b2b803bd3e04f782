"""The criteria judge: each of the seven, against a table computed by hand, and the game that is paid by it."""

import time

import gymnasium as gym
import pytest

from selfplay_envs import JudgeItem, Message, Referee, Reply, Start, differences, play_episode, rejudge, replay
from selfplay_envs.checks.clauses import Clause
from selfplay_envs.conformance.suite import check_game
from selfplay_envs.judges.criteria import rate_answer, rate_request
from selfplay_envs.judges.registry import is_pure, open_judge
from selfplay_envs.replies.parsing import fence

ENV = "SelfPlay/InstructionChallenge-v0"
LSP = {"quality_weight": 1.0, "quality_judge": "criteria"}


def judged(instruction, *answers):
    [score] = open_judge("criteria").score([JudgeItem(messages=(Message("user", instruction),), answers=answers)])
    return score


def test_a_clear_request_that_is_well_answered_meets_all_seven():
    score = judged("use exactly 3 words; include the word red; start with the word a", "a red fox")
    assert (score.values, score.reason) == ((7.0,), "ok")


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("prove it", "unknown_clause"),
        ("use exactly 1 word; use exactly 2 words", "contradiction"),
        ("use only lowercase; use only lowercase", "repeated_clause"),
        (";", "no_clause"),
    ],
)
def test_a_request_that_rules_refuse_is_unscorable_with_their_reason(instruction, reason):
    score = judged(instruction, "a", "b")
    assert (score.values, score.reason) == ((0.0, 0.0), reason)
    assert judged(instruction).reason == reason


@pytest.mark.parametrize(
    ("clauses", "met"),
    [
        ([("count", "3")], 2),
        ([("count", "3"), ("include", "a"), ("case", "lowercase")], 2),
        ([("count", "3"), ("include", "a"), ("case", "lowercase"), ("avoid", "b")], 1),  # four clauses
        ([("include", "a"), ("include", "b")], 1),  # two of a kind
    ],
)
def test_the_request_is_rated_by_two_criteria(clauses, met):
    assert rate_request([Clause(*clause) for clause in clauses]) == met


@pytest.mark.parametrize(
    ("answer", "readable", "meets_one", "meets_all", "concise", "ordinary"),
    [
        ("red fox", 1, 1, 1, 1, 1),
        ("Red Fox.", 1, 1, 1, 1, 1),
        ("RED FOX", 1, 1, 1, 1, 0),
        ("red", 0, 1, 0, 1, 1),  # fewer words than were asked for
        ("no", 0, 0, 0, 1, 1),
        ("red Red", 1, 1, 1, 0, 1),  # a word twice
        ("a b c d e f g h", 1, 0, 0, 1, 1),
        ("a b c d e f g h i", 1, 0, 0, 0, 1),  # nine words
        ("a b c d e f g h i j k l", 1, 0, 0, 0, 1),
        ("a b c d e f g h i j k l m", 0, 0, 0, 0, 1),  # thirteen
        ("r\u00e9d fox", 0, 1, 0, 1, 1),
        ("red fox 3", 0, 1, 1, 1, 1),  # a digit is no word
        ("red-fox", 0, 1, 1, 1, 1),
        ("it's red", 0, 1, 1, 1, 1),
        ("\u65e5\u672c red", 0, 1, 1, 1, 1),
        ("f\u043ex red", 0, 1, 1, 1, 1),  # its o is Cyrillic
        ("!!!", 0, 0, 0, 0, 0),
        ("", 0, 0, 0, 0, 0),
        (" \u200b\n", 0, 0, 0, 0, 0),
        ("a " * 2_001, 0, 0, 0, 0, 0),  # too long for rules
    ],
)
def test_the_answer_is_rated_by_five_criteria(answer, readable, meets_one, meets_all, concise, ordinary):
    clauses = [Clause("count", "2"), Clause("include", "red")]
    wanted = readable + meets_one + meets_all + concise + ordinary
    assert rate_answer(clauses, answer) == wanted
    assert judged("use exactly 2 words; include the word red", answer).values == (2.0 + wanted,)


def test_capitals_are_ordinary_where_they_were_asked_for():
    assert judged("use only uppercase", "A RED FOX").values == (7.0,)
    assert judged("use only lowercase", "A RED FOX").values == (4.0,)  # the request's two, readable, concise
    assert judged("use only lowercase", "a red fox").values == (7.0,)


def test_few_words_are_readable_where_so_few_were_asked_for():
    assert judged("use exactly 1 word", "red").values == (7.0,)
    assert judged("use exactly 2 words", "red fox").values == (7.0,)
    assert judged("use only lowercase", "red fox").values == (6.0,)
    assert judged("use exactly 4 words", "a red fox").values == (5.0,)  # readable, concise, ordinary


HOSTILE = ["A" * 10**6, "a'" * 10**6, "\0" * 10**6, "\ud800" * 10**6, "a" + "\u0301\u0323" * 500_000, "\ufdfa" * 10**6]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:2]))
def test_hostile_texts_take_little_time(text):
    start = time.process_time()
    assert judged("use exactly 3 words", text).values == (2.0,)  # too long: the request's own two
    assert 2.0 <= judged("use exactly 3 words", text[:4_000]).values[0] <= 4.0
    assert judged(text, "a").reason != "ok"
    assert time.process_time() - start < 5


def act(asks):
    answers = ("a red fox", "RED", "no")
    return [
        Reply(
            text=fence("instruction", "use exactly 3 words; include the word red")
            if ask.slot.role == "challenger"
            else fence("answer", answers[ask.slot.attempt])
        )
        for ask in asks
    ]


def test_the_game_pays_both_sides_by_the_criteria_and_replays():
    episode = play_episode(Start(ENV, 0, {"attempts": 3, "style": "terse", **LSP}, {}), act, Referee())
    # R: 1, 1/2, 0. R_Q: 7; 2 + one clause, concise = 4; 2 + concise, ordinary = 4
    assert [turn.credit for turn in episode.messages[1:]] == [8.0, 4.5, 4.0]
    assert episode.messages[0].credit == pytest.approx(-0.5 + 15 / 3)
    assert episode.backend["judge:criteria"] == "criteria"
    assert differences(episode, replay(episode)) == []
    assert differences(episode, rejudge(episode, Referee())) == []


def test_an_environment_with_it_is_deterministic_and_keeps_every_promise():
    assert is_pure("criteria")
    assert not gym.make(ENV, **LSP).spec.nondeterministic
    results = check_game(ENV, attempts=2, pettingzoo=False, **LSP)
    assert [result for result in results if not result.ok] == []
