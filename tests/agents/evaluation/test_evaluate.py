from __future__ import annotations

import gc
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.config.run import EvalConfig
from agents.core.errors import AgentError
from agents.evaluation.evaluate import EvalResult, evaluate, evaluate_sets
from agents.evaluation.grading import Sample
from agents.evaluation.task_sets import task_sets
from agents.samplers.scripted import ScriptedSampler
from selfplay_envs import (
    Judging,
    Message,
    Referee,
    Reply,
    Settling,
    Slot,
    UsageError,
    Verdict,
    no_requests,
    register_game,
)
from selfplay_envs.tasks.duplicates import task_key
from tests.helpers.rows_of_questions import write_questions
from tests.helpers.toys import GAME, Letters


def test_evaluate_asks_a_panel_per_task_with_seeds_of_its_own() -> None:
    seeds: list[int] = []

    def say(prompt: object, seed: int) -> str:
        seeds.append(seed)
        return "a" if prompt[0].content.endswith("x") else "b"  # type: ignore[index]

    tasks = {GAME: [{"letter": "x"}, {"letter": "y"}, {"letter": "z"}]}
    config = EvalConfig(samples=4, limit=2)
    result = evaluate(ScriptedSampler(say), Referee("process"), tasks, config, kwargs={GAME: {"attempts": 9}}, seed=3)
    assert result.correct[GAME].tolist() == [[True] * 4, [False] * 4]
    assert result.scores() == {f"{where}/pass@{k}": 0.5 for where in (GAME, "all") for k in (1, 2, 4)}
    assert result.per_problem().tolist() == [1.0, 0.0]
    names = [task_key({"letter": letter}) for letter in "xy"]
    answers = {"right": 4, "wrong": 4, "unreadable": 0, "cut_off": 0, "void": 0}
    assert result.to_json() == {GAME: {"right": [4, 0], "samples": 4, "programs": names, "answers": answers}}
    first, seeds = seeds, []
    evaluate(ScriptedSampler(say), Referee("process"), tasks, config, seed=3)
    assert seeds == first  # common random numbers for the policy after


def test_an_evaluation_asks_no_judge_of_credits() -> None:
    env_id = "SelfPlay/InstructionChallenge-v0"
    tasks = {env_id: [{"instruction": "include the word a"}]}
    sampler = ScriptedSampler([f"```answer\n{word}\n```" for word in "ab"])
    result = evaluate(sampler, Referee(), tasks, EvalConfig(samples=2), kwargs={env_id: {"quality_weight": 1.0}})
    assert result.correct[env_id].tolist() == [[True, False]]


def test_answers_that_are_partly_right_have_a_mean_score_too() -> None:
    env_id = "SelfPlay/InstructionChallenge-v0"
    tasks = {env_id: [{"instruction": "include the word a; use only lowercase"}, {"instruction": "include the word a"}]}
    sampler = ScriptedSampler(["```answer\na\n```", "```answer\nb\n```", "no block", "```answer\nb\n```"])
    result = evaluate(sampler, Referee(), tasks, EvalConfig(samples=2))
    # both clauses, one of two; nothing, nothing
    assert result.correct[env_id].tolist() == [[True, False], [False, False]]
    assert result.to_json()[env_id]["scores"] == [0.75, 0.0]
    assert result.to_json()[env_id]["by_answer"] == [[1.0, 0.5], [0.0, 0.0]]
    assert result.scores()[f"{env_id}/score"] == 0.375


def test_scores_of_every_answer_are_kept_where_a_judge_gave_them_though_all_are_0_or_1() -> None:
    env_id = "SelfPlay/InstructionChallenge-v0"
    tasks = {env_id: [{"instruction": "include the word a"}, {"instruction": "include the word b"}]}
    sampler = ScriptedSampler(["```answer\nA\n```", "```answer\nb\n```", "```answer\nB B\n```", "no block"])
    result = evaluate(sampler, Referee(judge="styled:style=capitals,weight=1"), tasks, EvalConfig(samples=2))
    row = result.to_json()[env_id]
    assert (row["by_answer"], row["scores"], row["right"]) == ([[1.0, 0.0], [1.0, 0.0]], [0.5, 0.5], [1, 1])
    assert result.scores()[f"{env_id}/score"] == result.scores()[f"{env_id}/pass@1"] == 0.5


def test_void_answers_have_no_score_and_long_ones_are_rounded() -> None:
    correct = {"g": np.array([[1.0, 0.0, np.nan], [np.nan] * 3])}
    result = EvalResult(correct, by_answer={"g": np.array([[1.0, 1 / 3, np.nan], [np.nan] * 3])})
    row = result.to_json()["g"]
    assert row["by_answer"] == [[1.0, 0.333333, None], [None, None, None]]
    assert row["scores"] == [0.666667, None]
    assert result.scores()["g/score"] == pytest.approx(2 / 3)
    assert "by_answer" not in EvalResult(correct).to_json()["g"]


def test_hostile_answers_are_scored_and_written() -> None:
    env_id = "SelfPlay/InstructionChallenge-v0"
    hostile = ["\0" * 10**6, "\ud800" * 10**6, "A" + "\u0301\u0323" * 500_000, "```answer\n" + "\ud800\0" * 9 + "\n```"]
    for judge in ("criteria", "styled:style=code,weight=0.5"):
        sampler = ScriptedSampler(list(hostile))
        result = evaluate(
            sampler,
            Referee(judge=judge, strict=True),
            {env_id: [{"instruction": "use exactly 2 words"}]},
            EvalConfig(samples=4),
        )
        [scores] = json.loads(json.dumps(result.to_json()))[env_id]["by_answer"]
        assert scores == [0.0, 0.0, 0.0, 2.0 if judge == "criteria" else 0.0]


def test_no_samples_no_scores() -> None:
    assert EvalResult({}).scores() == {}


def test_the_wording_stands_in_the_result() -> None:
    env_id = "SelfPlay/Deduction-v0"
    task = {"program": "def f(x):\n    return x", "inputs": ["1"], "outputs": ["1"]}
    sampler = ScriptedSampler(["```output\n1\n```"] * 4)
    for kwargs, wording in (({}, "full"), ({env_id: {"style": "terse"}}, "terse")):
        result = evaluate(sampler, Referee("process"), {env_id: [task]}, EvalConfig(samples=2), kwargs=kwargs)
        assert result.to_json()[env_id]["wording"] == wording
        assert result.to_json()[env_id]["right"] == [2]


def test_a_game_without_a_role_that_answers_is_refused() -> None:
    tasks = {"SelfPlay/KuhnPoker-v0": [{"cards": ["J", "K"]}]}
    with pytest.raises(UsageError, match="SelfPlay/KuhnPoker-v0 has no role that answers a task"):
        evaluate(ScriptedSampler(["check"] * 9), Referee(), tasks, EvalConfig(samples=2))


class Guess(Letters):
    """The toy game with an answering role of another name, which speaks twice: its last word counts."""

    roles, answers = ("proposer", "guesser"), ("guesser",)

    def reset(self, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().reset(rng, options)
        self.turn, self.deaf = 1, "ignored" in (options.get("task") or {})

    def pending(self) -> tuple[Slot, ...]:
        return () if self.turn > 2 or self.deaf else tuple(Slot("guesser", i, self.turn) for i in range(self.attempts))

    def prompt(self, slot: Slot) -> tuple[Message, ...]:
        return (Message("user", f"turn {slot.turn} attempt {slot.attempt}"),)

    def judge(self, slot: Slot, text: str, finish_reason: str) -> Judging:
        return no_requests(Verdict(valid=True, score=float(text == "yes")))

    def apply(self, slot: Slot, text: str, verdict: Verdict) -> None:
        self.credit[slot] = verdict.score

    def settle(self) -> Settling:
        self.turn += 1
        return
        yield []


def test_the_last_message_of_every_answering_attempt_counts() -> None:
    register_game("Test/Guess-v0", f"{__name__}:Guess")

    def say(prompt: tuple[Message, ...], seed: int) -> str:
        _, turn, _, attempt = prompt[0].content.split()
        return "yes" if int(turn) - 1 == int(attempt) else "no"  # attempt 0 is right at first, attempt 1 in the end

    config = EvalConfig(samples=2)
    result = evaluate(ScriptedSampler(say), Referee(), {"Test/Guess-v0": [{"letter": "x"}]}, config)
    assert result.correct["Test/Guess-v0"].tolist() == [[0.0, 1.0]]
    with pytest.raises(AgentError, match=r"no guesser spoke .*starts with options\['task'\]"):
        evaluate(ScriptedSampler(say), Referee(), {"Test/Guess-v0": [{"ignored": True}]}, config)


def test_chunks_change_no_seed_and_no_reply_outlives_its_chunk(tmp_path: Path) -> None:
    config = EvalConfig(tasks=write_questions(tmp_path / "q.jsonl", 60), verifier="exact", samples=2)
    seeds: dict[int, list[int]] = {}
    alive: dict[int, list[int]] = {}
    for chunk in (40, 1, 1_000):
        seeds[chunk], alive[chunk] = [], []
        gc.collect()  # what an earlier test or chunk left behind would be missing from the difference once it is collected
        before = living_replies()

        def say(prompt: object, seed: int, chunk: int = chunk) -> str:
            seeds[chunk].append(seed)
            return "Answer: no"

        def count(samples: Sequence[Sample], chunk: int = chunk, before: int = before) -> None:
            if chunk > 1:
                alive[chunk].append(living_replies() - before)

        result = evaluate_sets(
            ScriptedSampler(say), Referee("process"), task_sets(config), config, chunk=chunk, on_samples=count
        )
        assert sum(result.answers["q"].values()) == 120
    assert seeds[40] == seeds[1] == seeds[1_000]
    assert len(set(seeds[1])) == 120
    assert [count <= 80 for count in alive[40]] == [True] * 3  # a chunk, and perhaps the one before it
    assert alive[1_000] >= [120]


def living_replies() -> int:
    return sum(type(thing) is Reply for thing in gc.get_objects())


def test_a_source_has_the_same_seeds_whatever_else_is_measured(tmp_path: Path) -> None:
    seeds: dict[str, int] = {}
    config = EvalConfig(tasks=f"sample,{write_questions(tmp_path / 'q.jsonl', 2)}:verifier=exact", samples=1, limit=2)
    evaluate_sets(
        ScriptedSampler(lambda p, s: str(seeds.update({p[0].content: s}))), Referee("process"), task_sets(config), config
    )
    both, seeds = seeds, {}
    alone = replace(config, tasks=config.tasks.removeprefix("sample,"))
    evaluate_sets(
        ScriptedSampler(lambda p, s: str(seeds.update({p[0].content: s}))), Referee("process"), task_sets(alone), alone
    )
    assert len(both) == 4
    assert seeds == {prompt: seed for prompt, seed in both.items() if prompt.split("?")[0] in "01"}
