"""Right, wrong, unreadable, cut off and void: every answer is counted once, under one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.config.run import EvalConfig
from agents.config.sampling import Sampling
from agents.core.errors import AgentError, PromptTooLong
from agents.evaluation.evaluate import evaluate_sets
from agents.evaluation.grading import Sample
from agents.evaluation.task_sets import task_sets
from agents.models.chat import Prompt
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import Referee, Reply
from selfplay_envs.verifiers.answers.exact import Exact
from selfplay_envs.verifiers.findings import Checking
from tests.helpers.rows_of_questions import write_questions


class Ending(ScriptedSampler):
    """Answers that end at the limit of tokens where their text ends with `...`."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        groups = super().generate(prompts, sampling, seeds)
        return [
            [Reply(text=one.text, finish_reason="length" if one.text.endswith("...") else "stop") for one in g] for g in groups
        ]


REPLIES = ["Answer: ok...", "Answer: no", "nothing", "nothing at all", "Answer: no...", "nothing..."]


def test_every_answer_is_counted_once(tmp_path: Path) -> None:
    config = EvalConfig(tasks=write_questions(tmp_path / "q.jsonl", 1), verifier="exact", samples=len(REPLIES))
    graded: list[Sample] = []
    result = evaluate_sets(Ending(REPLIES), Referee("process"), task_sets(config), config, on_samples=graded.extend)
    assert result.answers == {"q": {"right": 1, "wrong": 1, "unreadable": 2, "cut_off": 2, "void": 0}}
    assert result.unreadable == {"q": {"no_answer": 2}}
    assert result.cut_off == {"q": 3}
    assert [sample.verdict for sample in graded] == ["right", "wrong", "unreadable", "unreadable", "wrong", "unreadable"]
    assert result.to_json()["q"]["right"] == [1]
    assert result.wordings == {"q": "full"}


def test_a_source_without_any_verdict_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = {"a", "b"}

    def check(self: Exact, problem: object, answer: str) -> Checking:
        return "worker_lost" if answer in lost else "right"
        yield []

    monkeypatch.setattr(Exact, "check", check)
    config = EvalConfig(tasks=write_questions(tmp_path / "q.jsonl", 2), verifier="exact", samples=1)
    replies = ["Answer: a", "Answer: b"]
    with pytest.raises(AgentError, match="no answer to q has a verdict: all 2 are void"):
        evaluate_sets(ScriptedSampler(replies), Referee("process"), task_sets(config), config)
    lost.remove("b")
    result = evaluate_sets(ScriptedSampler(replies), Referee("process"), task_sets(config), config)
    assert result.answers["q"]["void"] == 1
    assert result.scores() == {"q/pass@1": 1.0, "all/pass@1": 1.0}


class Full(ScriptedSampler):
    """Has no room for the question `1?`."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        if places := [place for place, prompt in enumerate(prompts) if "1?" in prompt[-1].content]:
            raise PromptTooLong("too long", places)
        return super().generate(prompts, sampling, seeds)


def test_a_prompt_that_is_too_long_is_one_answer_that_is_not_right(tmp_path: Path) -> None:
    config = EvalConfig(tasks=write_questions(tmp_path / "q.jsonl", 3), verifier="exact", samples=2)
    graded: list[Sample] = []
    sampler = Full(lambda prompt, seed: "Answer: ok...")
    result = evaluate_sets(sampler, Referee("process"), task_sets(config), config, on_samples=graded.extend)
    assert result.answers == {"q": {"right": 4, "wrong": 0, "unreadable": 2, "cut_off": 0, "void": 0}}
    assert result.unreadable == {"q": {"prompt_too_long": 2}}
    assert [sample.reason for sample in graded if sample.verdict != "right"] == ["prompt_too_long"] * 2
    assert result.correct["q"].tolist() == [[1, 1], [0, 0], [1, 1]]
