"""The whole of self-play through the plain step API: `env.step(agent.act(observation))`, `agent.observe`, `agent.learn`.

The tiny model learns to follow one instruction, then plays both roles. Nothing here knows about tokens, batches or papers.

    python -m examples.step_api               # about a minute
    python -m examples.step_api --fast        # a smoke run
"""

import sys

import gymnasium as gym

import selfplay_envs  # noqa: F401  (registers the games)
from agents import Agent, LearnerConfig, Sampling

TASK = {"task": {"instruction": "use exactly 3 words; use only uppercase"}}


def play(env: gym.Env, agent: Agent, options: dict | None = None) -> float:
    """One episode; returns what the panel of solvers earned on average."""
    observation, info = env.reset(options=options)
    terminated, earned = False, []
    while not terminated:
        observation, reward, terminated, truncated, info = env.step(agent.act(observation))
        agent.observe(reward, terminated, truncated, info)
        earned += [credit for role, *_, credit in info["credit"] if role == "solver"]
    return sum(earned) / max(1, len(earned))


def main(updates: int = 12) -> tuple[float, float]:
    """The solvers' mean credit in the first and in the last update."""
    env = gym.make("SelfPlay/InstructionChallenge-v0", attempts=8, style="terse")
    env.reset(seed=0)
    sampling = Sampling(max_new_tokens=24)
    agent = Agent.load("tiny", algorithm="reinforce++", learner=LearnerConfig(lr=1e-3), sampling=sampling, seed=0)
    means = []
    for update in range(updates):
        means.append(sum(play(env, agent, TASK) for _ in range(4)) / 4)
        metrics = agent.learn()
        print(f"update {update:2d}  mean credit {means[-1]:+.2f}  entropy {metrics['entropy']:.2f}")
    play(env, agent)  # and a game in which the challenger writes the instruction
    print("self-play:", env.unwrapped.episode().messages[0].reply.text.replace("\n", " "))
    print(agent.learn())
    return means[0], means[-1]


if __name__ == "__main__":
    main(2 if "--fast" in sys.argv else 12)
