from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from agents.config import EvalConfig
from agents.errors import AgentError
from agents.evaluate import EvalResult, evaluate
from agents.sampler import ScriptedSampler
from selfplay_envs import (
    Judging,
    Message,
    Referee,
    Settling,
    Slot,
    UsageError,
    Verdict,
    no_requests,
    register_game,
)
from selfplay_envs.buffer import task_key
from tests.agents.toys import GAME, Letters


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
    assert result.to_json() == {GAME: {"right": [4, 0], "samples": 4, "programs": names}}
    first, seeds = seeds, []
    evaluate(ScriptedSampler(say), Referee("process"), tasks, config, seed=3)
    assert seeds == first  # common random numbers for the policy after


def test_an_evaluation_asks_no_judge_of_credits() -> None:
    env_id = "SelfPlay/InstructionChallenge-v0"
    tasks = {env_id: [{"instruction": "include the word a"}]}
    sampler = ScriptedSampler([f"```answer\n{word}\n```" for word in "ab"])
    result = evaluate(sampler, Referee(), tasks, EvalConfig(samples=2), kwargs={env_id: {"quality_weight": 1.0}})
    assert result.correct[env_id].tolist() == [[True, False]]


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
