"""Judges that compare: a choice where a judge makes one, else the higher score."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from agents.judges.pairs import ByScore, Pair, Preference, open_pair_judge
from agents.judges.self_judge import SelfJudge
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import JudgeItem, Message, Score, UsageError

REQUEST = (Message("user", "include the word red; use only lowercase"),)


class Lengths:
    """Scores by length; says nothing of an answer that holds a question mark."""

    def score(self, items: list[JudgeItem]) -> list[Score]:
        return [
            Score(values=tuple(map(float, map(len, one.answers))), reason="odd" if "?" in "".join(one.answers) else "ok")
            for one in items
        ]


class Giving:
    def __init__(self, *scores: Score) -> None:
        self.scores = list(scores)

    def score(self, items: list[JudgeItem]) -> list[Score]:
        return self.scores


def pair(first: str, second: str) -> Pair:
    return Pair(REQUEST, first, second)


def test_scores_are_compared_and_a_reason_is_no_preference() -> None:
    judge = ByScore(Lengths(), "lengths")
    pairs = [pair("aa", "b"), pair("a", "bb"), pair("aa", "bb"), pair("?", "bb")]
    assert judge.compare(pairs) == [Preference("first"), Preference("second"), Preference("tie"), Preference("", "odd")]
    assert judge.compare(pairs[::-1]) == judge.compare(pairs)[::-1]
    assert judge.compare([]) == []


@pytest.mark.parametrize("values", [(1.0,), (1.0, math.nan), (math.inf, 0.0), ()])
def test_a_judge_that_gives_no_two_numbers_is_told_so(values: Sequence[float]) -> None:
    with pytest.raises(UsageError, match="judge='mine' gave"):
        ByScore(Giving(Score(values=tuple(values))), "mine").compare([pair("a", "b")])
    with pytest.raises(UsageError, match="judge='mine' gave 0 scores for 1 items"):
        ByScore(Giving(), "mine").compare([pair("a", "b")])


def test_rules_compare_by_the_share_of_clauses_that_are_met() -> None:
    judge = open_pair_judge("rules")
    assert judge.name == "rules"
    found = judge.compare(
        [pair("red", "Red"), pair("no", "red"), pair("red", "dark red"), Pair((Message("user", "hm"),), "a", "b")]
    )
    assert [one.choice for one in found] == ["first", "second", "tie", ""]
    assert found[-1].reason == "unknown_clause"


def test_a_judge_with_a_choice_of_its_own_is_asked_for_it_in_the_order_of_the_pair() -> None:
    sampler = ScriptedSampler(lambda prompt, seed: "<choice>A</choice>")
    judge = open_pair_judge("self", bound={"self": SelfJudge(sampler)})
    assert judge.name == "self"
    assert judge.compare([pair("x", "y"), pair("y", "x")]) == [Preference("first")] * 2  # it prefers a place, and that shows
    assert [prompt[1].content.index("\nx\n") < prompt[1].content.index("\ny\n") for prompt in sampler.prompts] == [True, False]


@pytest.mark.parametrize("text", ["self", "ruls", "reward-model", "endpoint:url=http://127.0.0.1:1/v1"])
def test_what_is_no_judge_is_refused_at_once(text: str) -> None:
    with pytest.raises(UsageError, match="judge="):
        open_pair_judge(text)
