from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from agents.agent import Agent
from agents.config.learner import LearnerConfig
from agents.config.run import GameMix, TrainConfig
from agents.config.sampling import Sampling
from agents.learner.learner import Learner
from agents.samplers.scripted import ScriptedSampler
from agents.samplers.transformers import TransformersSampler
from selfplay_envs import Reply
from selfplay_envs.replies.parsing import fence
from tests.helpers.toys import GAME

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
    return [(sample.tag.role, sample.training_return) for sample in agent._ready]


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


class Says:
    """A sampler that says these actions of Kuhn poker, one per prompt, each as one token."""

    def __init__(self, *actions: str) -> None:
        self._actions = iter(actions)

    def generate(self, prompts, sampling, seeds):
        return [[Reply(text=fence("action", next(self._actions)), token_ids=(2,), logprobs=(-1.0,))] for _ in prompts]


KUHN = "SelfPlay/KuhnPoker-v0"
KJ, JK = ({"task": {"cards": [*cards]}} for cards in ("KJ", "JK"))


def say(env: gym.Env, agent: Agent, obs: Any) -> tuple[Any, bool]:
    obs, reward, terminated, truncated, info = env.step(agent.act(obs))
    agent.observe(reward, terminated, truncated, info)
    return obs, terminated or truncated


def played_out(env: gym.Env, agent: Agent, options: dict[str, Any] | None = None) -> None:
    obs, _ = env.reset(options=options)
    done = False
    while not done:
        obs, done = say(env, agent, obs)


def earned(agent: Agent) -> list[tuple[str, str, float]]:
    return [(s.tag.role, s.reply.text.split()[1], s.training_return) for s in agent._ready]


def test_an_abandoned_episode_leaves_nothing() -> None:
    agent, env = Agent(Says("check", "bet", "call")), gym.make(KUHN)
    say(env, agent, env.reset(options=KJ)[0])
    played_out(env, agent, JK)  # first has the jack, bets, and loses two chips to the king
    assert earned(agent) == [("first", "bet", -2.0), ("second", "call", 2.0)]


def test_an_abandoned_episode_pays_nothing_into_the_return_of_the_next() -> None:
    agent = Agent(ScriptedSampler(["x", "a", "x", "b", "b"]), credit="return", roles=["solver"])
    env = gym.make(GAME, attempts=2, sandbox="process", reward_role="solver")
    obs, _ = env.reset(seed=0)
    for _ in range(2):  # a letter, and the first of two answers, paid 1
        obs, _ = say(env, agent, obs)
    played_out(env, agent)
    assert learned(agent) == [("solver", 0.0), ("solver", 0.0)]


def test_a_message_that_was_never_played_is_forgotten() -> None:
    agent, env = Agent(Says("check", "bet", "call")), gym.make(KUHN)
    agent.act(env.reset(options=KJ)[0])
    played_out(env, agent, JK)
    assert earned(agent) == [("first", "bet", -2.0), ("second", "call", 2.0)]


def test_an_episode_that_starts_elsewhere_is_a_new_one_too() -> None:
    """A proposal, then `reset` to the solvers of a task: no slot is said twice, and yet the proposal is no part of it."""
    agent = Agent(ScriptedSampler(["x", "a", "b"]))
    env = gym.make(GAME, attempts=2, sandbox="process")
    say(env, agent, env.reset(seed=0)[0])
    played_out(env, agent, {"task": {"letter": "x"}})
    assert learned(agent) == [("solver", 1.0), ("solver", 0.0)]


def test_an_abandoned_row_of_the_vector_view_leaves_nothing() -> None:
    agent, envs = Agent(Says("check", "check", "bet", "bet", "call", "fold")), gym.make_vec(KUHN, num_envs=2)

    def step(obs, info):
        obs, rewards, terminated, truncated, info = envs.step(agent.act_batch(obs, info["active"]))
        agent.observe_batch(rewards, terminated, truncated, info)
        return obs, info

    step(*envs.reset(options={"groups": [KJ, KJ]}))
    # the first row begins anew; the second goes on: check, bet, fold
    obs, info = envs.reset(options={"reset_mask": [True, False], "groups": [JK, KJ]})
    while info["active"].any():
        obs, info = step(obs, info)
    assert earned(agent) == [
        ("first", "bet", -2.0),
        ("second", "call", 2.0),
        ("first", "check", -1.0),
        ("second", "bet", 1.0),
        ("first", "fold", -1.0),
    ]


def test_a_truncated_episode_trains_what_is_paid_by_then_and_leaves_nothing() -> None:
    agent = Agent(ScriptedSampler(["x", "a", "x", "b", "b"]))
    env = TimeLimit(gym.make(GAME, attempts=2, sandbox="process"), 2)
    played_out(env, agent)
    assert learned(agent) == [("solver", 1.0)]  # the proposer's credit depends on the whole panel
    agent._ready.clear()
    played_out(env.env, agent)
    assert learned(agent) == [("proposer", 1.0), ("solver", 0.0), ("solver", 0.0)]


@pytest.mark.parametrize("sampling", [Sampling(top_p=0.5), Sampling(temperature=0.0)], ids=["top_p", "greedy"])
def test_what_a_training_run_refuses_an_agent_that_learns_refuses_too(
    sampling: Sampling, model_folder: Path, model: PreTrainedModel
) -> None:
    sentence = r"needs temperature > 0 and top_p=1.0, so that sampler and learner speak of the same distribution"
    for refused in (
        lambda: Agent.load("no such model", sampling=sampling),  # before anything is loaded
        lambda: Agent(ScriptedSampler([]), Learner(model), sampling=sampling),
        lambda: TrainConfig(games=(GameMix(env_id=KUHN),), sampling=sampling),
    ):
        with pytest.raises(ValueError, match=rf"sampling has temperature=.*{sentence}"):
            refused()
    Agent(ScriptedSampler([]), sampling=sampling)  # playing alone is another matter


def test_several_steps_need_a_row_with_a_ratio_here_too(model: PreTrainedModel) -> None:
    learner = Learner(model, LearnerConfig(epochs=2))
    with pytest.raises(ValueError, match="algorithm='rloo' has no ratio"):
        Agent(ScriptedSampler([]), learner, "rloo")
    Agent(ScriptedSampler([]), learner, "grpo")


def test_sampler_and_learner_have_one_temperature(model: PreTrainedModel) -> None:
    with pytest.raises(ValueError, match=r"sampling.temperature=0.7 is not the learner's, 1.0"):
        Agent(ScriptedSampler([]), Learner(model), sampling=Sampling(temperature=0.7))
    Agent(ScriptedSampler([]), Learner(model, temperature=0.7), sampling=Sampling(temperature=0.7))
