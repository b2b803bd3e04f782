"""A model as a judge: each judgement once, every missing one with its reason, whatever else is in the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agents.judges.model_judge import ModelJudge
from agents.judges.pairs import Pair, Preference
from agents.models.chat import Prompt
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import JudgeItem, Message, Reply

REQUEST = (Message("user", "say red"),)
SAID = {"red": "<score>3</score>", "blue": "hm", "long": "<score>2</score>"}


class CutAtLong(ScriptedSampler):
    """Its reply about `long` was cut off."""

    def generate(self, prompts: Any, *rest: Any) -> list[list[Reply]]:
        replies = super().generate(prompts, *rest)
        return [
            [replace(reply, finish_reason="length" if "\nlong\n" in prompt[1].content else "stop") for reply in group]
            for prompt, group in zip(prompts, replies, strict=True)
        ]


def say(prompt: Prompt, seed: int) -> str:
    return next(reply for text, reply in SAID.items() if f"\n{text}\n" in prompt[1].content)


def judge(**options: Any) -> ModelJudge:
    return ModelJudge(CutAtLong(say), name="model", criteria=["one", "two", "three", "four"], **options)


def test_points_become_values_and_a_missing_judgement_says_why() -> None:
    items = [JudgeItem(messages=REQUEST, answers=(answer,)) for answer in SAID]
    points, share = judge(), judge(scale=1.0)
    assert [(score.values, score.reason) for score in points.score(items)] == [
        ((3.0,), "ok"),
        ((0.0,), "unreadable"),
        ((0.0,), "cut_off"),
    ]
    assert [score.values for score in share.score(items)] == [(0.75,), (0.0,), (0.0,)]
    assert dict(points.counts) == {"judged": 3, "unreadable": 1, "cut_off": 1}
    together = points.score([JudgeItem(messages=REQUEST, answers=("red", "long", "blue"))])
    assert [(score.values, score.reason) for score in together] == [((3.0, 0.0, 0.0), "cut_off")]


def test_all_criteria_met_is_the_scale_exactly() -> None:
    """A score of 1 means solved."""
    for count in range(1, 101):
        saying = ScriptedSampler(lambda prompt, seed, count=count: f"<score>{count}</score>")
        one = ModelJudge(saying, name="model", criteria=["c"] * count, scale=1.0)
        assert one.score([JudgeItem(messages=REQUEST, answers=("a",))])[0].values == (1.0,)


def test_equal_texts_are_judged_once_and_those_without_room_never() -> None:
    one = judge(fits=lambda prompt: "\nlong\n" not in prompt[1].content)
    scores = one.score([JudgeItem(messages=REQUEST, answers=("red", "red", "long")), JudgeItem(messages=REQUEST)])
    assert [(score.values, score.reason) for score in scores] == [((3.0, 3.0, 0.0), "too_long"), ((), "ok")]
    assert len(one.sampler.prompts) == 1  # type: ignore[attr-defined]


def test_a_comparison_has_the_same_reasons() -> None:
    SAID["both"] = "<choice>tie</choice>"
    try:
        found = judge().compare([Pair(REQUEST, "both", "b"), Pair(REQUEST, "blue", "b"), Pair(REQUEST, "long", "b")])
    finally:
        del SAID["both"]
    assert found == [Preference("tie"), Preference("", "unreadable"), Preference("", "cut_off")]
