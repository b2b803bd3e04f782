from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.agent import Agent
from agents.learner import Learner
from agents.learner_config import LearnerConfig
from agents.sampler import ScriptedSampler, TransformersSampler
from agents.sampling import Sampling
from tests.agents.toys import GAME

SHORT = Sampling(max_new_tokens=6)


def play(env: gym.Env, agent: Agent, episodes: int) -> float:
    total = 0.0
    for seed in range(episodes):
        obs, info = env.reset(seed=seed)
        done = False
        while not done:
            obs, reward, terminated, truncated, info = env.step(agent.act(obs))
            agent.observe(reward, terminated, truncated, info)
            total += float(reward)
            done = terminated or truncated
    return total


def learned(agent: Agent) -> list[tuple[str, float]]:
    return [(sample.tag.role, sample.credit) for sample in agent._ready]


def test_late_credit_finds_its_message() -> None:
    agent = Agent(ScriptedSampler(["x", "a", "b"]))
    play(gym.make(GAME, attempts=2, sandbox="process"), agent, 1)
    assert learned(agent) == [("proposer", 0.5), ("solver", 1.0), ("solver", 0.0)]


def test_return_mode_pays_the_episode_to_the_named_role() -> None:
    env = gym.make(GAME, attempts=2, sandbox="process", reward_role="solver")
    agent = Agent(ScriptedSampler(["x", "a", "b"]), credit="return", roles=["solver"])
    assert play(env, agent, 1) == 1.0
    assert learned(agent) == [("solver", 1.0), ("solver", 1.0)]


def test_the_vector_view_in_one_call_per_step() -> None:
    envs = gym.make_vec(GAME, num_envs=6, attempts=3, sandbox="process")
    agent = Agent(ScriptedSampler(lambda prompt, seed: "a" if prompt[0].content.startswith("say") else "x"))
    obs, info = envs.reset(seed=0)
    while info["active"].any():
        obs, rewards, terminated, truncated, info = envs.step(agent.act_batch(obs, info["active"]))
        agent.observe_batch(rewards, terminated, truncated, info)
    assert sorted(learned(agent)) == [("proposer", 0.0)] * 2 + [("solver", 1.0)] * 6


def test_it_learns_under_the_plain_step_api(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    learner = Learner(model, LearnerConfig(lr=3e-3))
    agent = Agent(TransformersSampler(model, tokenizer), learner, sampling=SHORT, roles=["solver"])
    env = gym.make(GAME, attempts=8, sandbox="process")
    means: list[float] = []
    for _ in range(12):
        play(env, agent, 4)
        means.append(float(np.mean([credit for _, credit in learned(agent)])))
        metrics = agent.learn()
        assert metrics["tokens"] > 0
    assert agent.num_ready == 0
    assert agent.learn() == {}
    assert np.mean(means[-3:]) > np.mean(means[:3]) + 0.05


def test_load_by_name_and_misuse(model_folder: Path) -> None:
    agent = Agent.load(str(model_folder), device="cpu", sampling=SHORT)
    assert isinstance(
        agent.act({"role": "solver", "attempt": 0, "turn": 0, "messages": ({"role": "user", "content": "hi"},)}), str
    )
    with pytest.raises(ValueError, match="has no learner"):
        Agent(ScriptedSampler([])).learn()
    with pytest.raises(ValueError, match="credit='some'"):
        Agent(ScriptedSampler([]), credit="some")  # type: ignore[arg-type]
