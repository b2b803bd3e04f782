"""The gymnasium view: rewards, late credits, its record, and its errors."""

import gymnasium as gym
import pytest

from selfplay_envs import ResetNeeded
from selfplay_envs.replies.parsing import fence

DOUBLE = fence("python", "def f(x):\n    return x * 2") + "\n" + fence("input", "3")
RIGHT, WRONG = fence("output", "6"), fence("output", "5")


def run(env, texts):
    observation, info = env.reset(seed=3)
    steps = []
    for text in texts:
        observation, reward, terminated, truncated, info = env.step(text)
        steps.append((reward, terminated, info))
        assert truncated is False
    return observation, steps


def test_one_step_is_one_message_and_late_credit_arrives_in_info():
    env = gym.make("SelfPlay/Deduction-v0", attempts=3, sandbox="process", render_mode="ansi")
    observation, steps = run(env, [DOUBLE, RIGHT, WRONG, RIGHT])
    assert [reward for reward, _, _ in steps] == [0.0, 1.0, -0.5, 1.0]
    assert [over for _, over, _ in steps] == [False, False, False, True]
    assert steps[0][2]["role_rewards"] == {"proposer": 0.0, "solver": 0.0}
    assert steps[-1][2]["role_rewards"] == pytest.approx({"proposer": 1 / 3, "solver": 1.0})
    assert steps[-1][2]["credit"] == (("proposer", 0, 0, pytest.approx(1 / 3)), ("solver", 2, 1, 1.0))
    assert observation == {"role": "", "attempt": 0, "turn": 0, "messages": ()}
    assert "credit +1.000" in env.render()


@pytest.mark.parametrize(("role", "total"), [("proposer", 1 / 3), ("solver", 1.5)])
def test_reward_role_makes_the_return_that_roles_return(role, total):
    env = gym.make("SelfPlay/Deduction-v0", attempts=3, sandbox="process", reward_role=role)
    _, steps = run(env, [DOUBLE, RIGHT, WRONG, RIGHT])
    assert sum(reward for reward, _, _ in steps) == pytest.approx(total)


def test_stepping_a_finished_episode_says_what_to_do():
    env = gym.make("SelfPlay/KuhnPoker-v0").unwrapped
    with pytest.raises(ResetNeeded, match="reset"):
        env.step("x")
    env.reset(seed=0)
    env.step("junk")
    with pytest.raises(ResetNeeded, match="reset"):
        env.step("x")
