"""Plain single-agent code that knows only gymnasium: a softmax table learns to play the first seat of Kuhn poker.

`reward_role="first"` makes the episode's return that seat's chips, whoever moved last; nothing else here is about self-play.
The other seat acts at random.

    python -m examples.single_role            # seconds; the best reply to a random opponent earns 1/2 chip a hand
"""

import sys

import gymnasium as gym
import numpy as np

import selfplay_envs  # noqa: F401  (registers the games)

ACTIONS = ["check", "bet", "call", "fold"]


def main(episodes: int = 6_000, seed: int = 0) -> tuple[float, float]:
    """Mean chips per hand in the first 100 and in the last 500 episodes."""
    env = gym.make("SelfPlay/KuhnPoker-v0", style="terse", reward_role="first")
    rng = np.random.default_rng(seed)
    table: dict[str, np.ndarray] = {}
    returns: list[float] = []
    for episode in range(episodes):
        observation, _ = env.reset(seed=seed if episode == 0 else None)
        terminated, total, visits = False, 0.0, []
        while not terminated:
            situation = observation["messages"][-1]["content"]
            legal = situation.rpartition("legal ")[2].split()
            if observation["role"] == "first":
                logits = table.setdefault(situation, np.zeros(len(ACTIONS)))
                probabilities = np.exp(logits) / np.exp(logits).sum()
                action = int(rng.choice(len(ACTIONS), p=probabilities))
                visits.append((situation, action, probabilities))
                text = ACTIONS[action]
            else:
                text = legal[int(rng.integers(len(legal)))]
            observation, reward, terminated, _, _ = env.step(f"```action\n{text}\n```")
            total += float(reward)
        advantage = total - (np.mean(returns[-500:]) if returns else 0.0)
        for situation, action, probabilities in visits:  # REINFORCE: the gradient of log softmax
            table[situation] += 0.1 * advantage * (np.eye(len(ACTIONS))[action] - probabilities)
        returns.append(total)
    first, last = float(np.mean(returns[:100])), float(np.mean(returns[-500:]))
    print(f"chips per hand: {first:+.3f} in the first 100 hands, {last:+.3f} in the last 500")
    return first, last


if __name__ == "__main__":
    main(1_000 if "--fast" in sys.argv else 6_000)
