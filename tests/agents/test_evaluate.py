from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from agents.config import EvalConfig, GameMix
from agents.errors import AgentError
from agents.evaluate import EvalResult, bootstrap_difference, evaluate, load_tasks, pass_at_k
from agents.sampler import ScriptedSampler
from selfplay_envs import Referee
from tests.agents.toys import GAME


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_pass_at_k_is_the_share_of_k_subsets_with_a_right_answer(k: int) -> None:
    correct = np.array([[False] * 5, [True] + [False] * 4, [True, False, True, False, False], [True] * 5])
    expected = [np.mean([any(row[list(chosen)]) for chosen in combinations(range(5), k)]) for row in correct]
    np.testing.assert_allclose(pass_at_k(correct, k), expected)


def test_k_must_be_covered_by_samples() -> None:
    with pytest.raises(ValueError, match="k=6 is outside 1 to n=5"):
        pass_at_k(np.zeros((2, 5), dtype=bool), 6)


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
    assert result.to_json() == {GAME: {"right": [4, 0], "samples": 4}}
    first, seeds = seeds, []
    evaluate(ScriptedSampler(say), Referee("process"), tasks, config, seed=3)
    assert seeds == first  # common random numbers for the policy after


def test_an_evaluation_asks_no_judge_of_credits() -> None:
    env_id = "SelfPlay/InstructionChallenge-v0"
    tasks = {env_id: [{"instruction": "include the word a"}]}
    sampler = ScriptedSampler([f"```answer\n{word}\n```" for word in "ab"])
    result = evaluate(sampler, Referee(), tasks, EvalConfig(samples=2), kwargs={env_id: {"quality_weight": 1.0}})
    assert result.correct[env_id].tolist() == [[True, False]]


def test_bootstrap_of_a_clear_gain_and_of_none() -> None:
    rng = np.random.default_rng(0)
    before = rng.random(200)
    mean, low, high = bootstrap_difference(before, before + 0.1 + 0.01 * rng.standard_normal(200), rng, resamples=500)
    assert low < mean < high
    assert low > 0.09
    mean, low, high = bootstrap_difference(before, rng.permutation(before), rng, resamples=500)
    assert low < 0 < high
    with pytest.raises(ValueError, match="must score the same problems"):
        bootstrap_difference(before, before[:5], rng)


def test_no_samples_no_scores() -> None:
    assert EvalResult({}).scores() == {}


def test_tasks_by_name_and_from_a_file(tmp_path: Path) -> None:
    assert load_tasks("none") == {}
    tiny = load_tasks("tiny")
    assert set(tiny) == {"SelfPlay/Deduction-v0", "SelfPlay/Abduction-v0", "SelfPlay/Induction-v0"}
    assert all(len(tasks) >= 100 for tasks in tiny.values())
    assert set(load_tasks("tiny", [GameMix(env_id="SelfPlay/Deduction-v0")])) == {"SelfPlay/Deduction-v0"}
    path = tmp_path / "tasks.jsonl"
    path.write_text(json.dumps({"env_id": GAME, "task": {"letter": "x"}}) + "\n")
    assert load_tasks(str(path)) == {GAME: [{"letter": "x"}]}
    path.write_text('{"env_id": 3')
    with pytest.raises(AgentError, match=r"tasks.jsonl:1 is not a task line"):
        load_tasks(str(path))
    with pytest.raises(AgentError, match="is not a file"):
        load_tasks("nowhere.jsonl")
