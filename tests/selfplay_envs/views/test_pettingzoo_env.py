"""The PettingZoo view: agents, credits as they become known, its record, and its errors."""

import pytest

from selfplay_envs import ResetNeeded, UsageError, differences, replay
from selfplay_envs.replies.parsing import fence
from selfplay_envs.views.pettingzoo_env import SelfPlayAEC

DOUBLE = fence("python", "def f(x):\n    return x * 2") + "\n" + fence("input", "3")
RIGHT, WRONG = fence("output", "6"), fence("output", "5")


def test_aec_pays_credits_as_they_become_known():
    env = SelfPlayAEC("SelfPlay/Deduction-v0", attempts=2, sandbox="process")
    env.reset(seed=0)
    assert env.agents == ["proposer_0", "solver_0", "solver_1"]
    for text, agent in ((DOUBLE, "proposer_0"), (RIGHT, "solver_0"), (WRONG, "solver_1")):
        assert env.agent_selection == agent
        env.step(text)
    assert env.rewards == {"proposer_0": 0.5, "solver_0": 0.0, "solver_1": -0.5}
    assert env._cumulative_rewards["solver_0"] == 1.0
    assert all(env.terminations.values())


def test_aec_refuses_what_it_does_not_read_and_asks_for_a_reset():
    with pytest.raises(UsageError, match="'reward_role' is a keyword of environments"):
        SelfPlayAEC("SelfPlay/KuhnPoker-v0", reward_role="first")
    env = SelfPlayAEC("SelfPlay/KuhnPoker-v0")
    with pytest.raises(ResetNeeded, match="reset"):
        env.step("x")


def test_the_record_holds_the_keywords_of_the_game_alone_and_replays():
    with pytest.raises(UsageError, match="KuhnPoker has no keyword 'max_episode_steps'"):
        SelfPlayAEC("SelfPlay/KuhnPoker-v0", max_episode_steps=3)
    env = SelfPlayAEC("SelfPlay/KuhnPoker-v0", sandbox="process", judge="rules", render_mode="ansi", attempts=1)
    env.reset(seed=4)
    for text in (fence("action", "bet"), fence("action", "fold")):
        env.step(text)
    episode = env._match.episode(env.referee.backend)
    assert (episode.env_id, episode.kwargs, episode.seed) == ("SelfPlay/KuhnPoker-v0", {"attempts": 1}, 4)
    assert differences(episode, replay(episode)) == []
    assert "=== over" in env.render()


def test_seeds_are_drawn_where_none_is_given():
    env = SelfPlayAEC("SelfPlay/KuhnPoker-v0")
    seeds = []
    for seed in (3, None, None, 3, None):
        env.reset(seed=seed)
        seeds.append(env._match.start.seed)
    assert seeds[0] == seeds[3] == 3
    assert seeds[1] == seeds[4] != seeds[2]
