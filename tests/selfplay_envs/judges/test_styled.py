"""The styled judge: its mean of rules and style, whom it scores, and that it only reads."""

import typing

import pytest

from selfplay_envs import JudgeItem, Message, UsageError
from selfplay_envs.checks.styles import STYLES
from selfplay_envs.judges.registry import check_judge, is_pure, open_judge
from selfplay_envs.judges.styled import StyledJudge

CLAUSES = "use exactly 2 words; include the word red"


def judged(text, instruction, *answers):
    [score] = open_judge(text).score([JudgeItem(messages=(Message("user", instruction),), answers=answers)])
    return score


def test_a_score_is_the_weighed_mean_of_rules_and_style():
    answers = ("red fox", "RED FOX", "red", "RED", "no", "NO, NO, NO")
    # rules: 1, 1, 1/2, 1/2, 0, 0; capitals: 0, 1, 0, 1, 0, 1
    assert judged("styled:style=capitals,weight=0.25", CLAUSES, *answers).values == (0.75, 1.0, 0.375, 0.625, 0.0, 0.25)
    assert judged("styled:style=capitals,weight=0", CLAUSES, *answers).values == (1.0, 1.0, 0.5, 0.5, 0.0, 0.0)
    assert judged("styled:style=capitals,weight=1", CLAUSES, *answers).values == (0.0, 1.0, 0.0, 1.0, 0.0, 1.0)
    assert judged("styled", CLAUSES, "red fox", "NO").values == (0.5, 0.5)
    assert judged("styled:style=code,weight=1", CLAUSES, "print(1)", "- a\n- b").values == (1.0, 0.0)
    assert judged("styled:style=list,weight=1", CLAUSES, "print(1)", "- a\n- b").values == (0.0, 1.0)


@pytest.mark.parametrize(
    ("instruction", "reason"),
    [
        ("prove it", "unknown_clause"),
        ("", "no_clause"),
        ("include the word red; avoid the letter r", "contradiction"),
        ("use only lowercase; use only lowercase", "repeated_clause"),
    ],
)
def test_requests_are_those_of_rules_unless_style_is_all(instruction, reason):
    some = judged("styled:weight=0.9", instruction, "RED", "red")
    assert (some.values, some.reason) == ((0.0, 0.0), reason)
    assert judged("styled:weight=0.9", instruction).reason == reason
    everything = judged("styled:weight=1", instruction, "RED", "red")
    assert (everything.values, everything.reason) == ((1.0, 0.0), "ok")
    assert judged("styled:weight=1", instruction).reason == "ok"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("styled:weight=1.5", r"weight=1.5 is not between 0 and 1; pass the share of the score that the style decides"),
        ("styled:weight=-1", r"weight=-1.0 is not between 0 and 1"),
        ("styled:weight=inf", r"weight=inf is not between 0 and 1"),
        ("styled:weight=much", r"weight='much' is not understood; write a number"),
        ("styled:style=bold", r"style='bold' is not known; choose one of capitals, code, list"),
    ],
)
def test_a_wrong_option_is_one_sentence_before_anything_is_scored(text, sentence):
    with pytest.raises(UsageError, match=sentence):
        check_judge(text)


def test_in_code_too_a_style_must_be_known():
    with pytest.raises(UsageError, match="style='bold' is not known; choose one of capitals, code, list"):
        StyledJudge(style="bold")


def test_every_style_can_be_asked_for():
    choices = typing.get_args(typing.get_type_hints(StyledJudge.__init__)["style"])
    assert choices == tuple(STYLES)
    assert is_pure("styled:style=code,weight=1")


@pytest.mark.parametrize(
    "answer",
    ["A" * 10**6, "\0" * 10**6, "\ud800" * 10**6, "A" + "\u0301\u0323" * 500_000],
    ids=["letters", "nul", "surrogates", "marks"],
)
def test_hostile_answers_are_scored(answer):
    score = judged("styled:weight=0.5", CLAUSES, answer)
    assert (score.values, score.reason) == ((0.5 if answer[0] == "A" else 0.0,), "ok")
    assert judged("styled:weight=0.5", answer, "x").reason in ("unknown_clause", "no_clause")
