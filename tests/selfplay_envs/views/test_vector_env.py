"""The vector view: lanes, masks, seeds, late credits, and its errors."""

import gymnasium as gym
import numpy as np
import pytest

from selfplay_envs import ResetNeeded, UsageError
from selfplay_envs.replies.parsing import fence

DOUBLE = fence("python", "def f(x):\n    return x * 2") + "\n" + fence("input", "3")
RIGHT, WRONG = fence("output", "6"), fence("output", "5")


def test_wrong_arguments_get_one_clear_sentence():
    with pytest.raises(UsageError, match=r"reward_role='judge' .* proposer, solver"):
        gym.make("SelfPlay/Deduction-v0", reward_role="judge")
    with pytest.raises(UsageError, match="num_envs=6 is not a multiple of attempts=4"):
        gym.make_vec("SelfPlay/Deduction-v0", num_envs=6, attempts=4)
    for odd in (0, 4.0, True, "4", None):
        with pytest.raises(UsageError, match=f"num_envs={odd!r} is not a multiple of attempts=1"):
            gym.make_vec("SelfPlay/KuhnPoker-v0", num_envs=odd)
    vector = gym.make_vec("SelfPlay/Deduction-v0", num_envs=8, attempts=4)
    with pytest.raises(UsageError, match=r"options\['reset_mask'\]=.* is not one bool per row"):
        vector.reset(options={"reset_mask": ["0"] * 8})
    with pytest.raises(UsageError, match="2 groups"):
        vector.reset(seed=[1, 2, 3])
    with pytest.raises(UsageError, match="2 groups"):
        vector.reset(options={"groups": [{}]})
    with pytest.raises(ResetNeeded, match="reset"):
        vector.step([""] * 8)
    vector.reset(seed=1)
    with pytest.raises(UsageError, match="8 rows"):
        vector.step(["x"])


def random_texts(rng):
    """A proposal that is valid or not, and eight answers that are right, wrong or malformed."""
    shift = int(rng.integers(1, 5))
    proposal = fence("python", f"def f(x):\n    return x + {shift}") + "\n" + fence("input", str(int(rng.integers(9))))
    proposals = [proposal, proposal, proposal, "no program here", proposal.replace("return", "retrun")]
    answers = [fence("output", str(int(rng.integers(0, 14)))) if rng.random() < 0.8 else "dunno" for _ in range(8)]
    return proposals[int(rng.integers(5))], answers


def test_lanes_give_the_same_episodes_as_the_sequence_on_150_random_groups():
    groups, attempts = 150, 4
    rng = np.random.default_rng(0)
    texts = [random_texts(rng) for _ in range(groups)]
    seeds = [int(s) for s in rng.integers(2**40, size=groups)]
    vector = gym.make_vec("SelfPlay/Deduction-v0", num_envs=groups * attempts, attempts=attempts, sandbox="process")
    observation, info = vector.reset(seed=seeds)
    steps, paid = 0, np.zeros((groups, attempts))
    while info["active"].any():
        actions = [""] * vector.num_envs
        for row in np.flatnonzero(info["active"]):
            proposal, answers = texts[row // attempts]
            actions[row] = proposal if observation["role"][row] == "proposer" else answers[observation["attempt"][row]]
        observation, rewards, done, _, info = vector.step(actions)
        paid += rewards.reshape(groups, attempts)
        steps += 1
    assert steps == 2  # a proposal and one batch of answers, whatever the panel
    assert done.all()
    env = gym.make("SelfPlay/Deduction-v0", attempts=attempts, sandbox="process")
    reasons = set()
    for group, lane in enumerate(vector.unwrapped.episodes()):
        proposal, answers = texts[group]
        seen, _ = env.reset(seed=seeds[group])
        over = False
        while not over:
            seen, _, over, _, _ = env.step(proposal if seen["role"] == "proposer" else answers[int(seen["attempt"])])
        one, other = lane.to_json(), env.unwrapped.episode().to_json()
        for record in (one, other):  # known as soon as the sandbox was asked anything, which is a matter of time
            record["backend"].pop("hash_seeds", None)
        assert one == other
        reasons |= {m.verdict.reason for m in lane.messages}
        assert paid[group].sum() == sum(m.credit for m in lane.messages if m.slot.role == "solver" or not m.verdict.valid)
    assert reasons == {"ok", "wrong", "no_output_block", "no_program_block", "syntax_error"}


def test_a_reset_mask_restarts_only_the_marked_groups():
    vector = gym.make_vec("SelfPlay/KuhnPoker-v0", num_envs=2)
    vector.reset(seed=[1, 2])
    vector.step(["junk", fence("action", "check")])
    observation, info = vector.reset(seed=[5, None], options={"reset_mask": np.array([True, False])})
    assert observation["role"] == ("first", "second")
    assert info["active"].all()


def test_groups_take_their_own_tasks():
    tasks = [{"task": {"cards": ["J", "K"]}}, {"task": {"cards": ["K", "J"]}}]
    vector = gym.make_vec("SelfPlay/KuhnPoker-v0", num_envs=2, style="terse")
    observation, _ = vector.reset(seed=0, options={"groups": tasks})
    assert [m[0]["content"].split("\n")[1] for m in observation["messages"]] == ["card J", "card K"]


def test_vector_reward_role_pays_the_late_credit_too():
    vector = gym.make_vec("SelfPlay/Deduction-v0", num_envs=2, attempts=2, reward_role="proposer", sandbox="process")
    vector.reset(seed=0)
    vector.step([DOUBLE, ""])
    _, rewards, _, _, info = vector.step([RIGHT, WRONG])
    assert rewards.tolist() == [0.5, 0.0]
    assert info["role_rewards"]["solver"].tolist() == [0.5, 0.0]
    assert info["credit"][0] == (("proposer", 0, 0, 0.5), ("solver", 0, 1, 1.0))


def test_async_vector_env_with_shared_memory_fails_loudly():
    """Its shared memory would silently return stale text."""
    with pytest.raises((ValueError, TypeError)):
        gym.make_vec("SelfPlay/KuhnPoker-v0", num_envs=1, vectorization_mode="async")


def test_the_vector_seed_is_spawned_not_added():
    seeds = [gym.make_vec("SelfPlay/KuhnPoker-v0", num_envs=3).unwrapped._seeds(seed) for seed in (0, 1)]
    assert len(set(seeds[0]) | set(seeds[1])) == 6
    assert np.all(np.abs(np.diff(seeds[0])) > 10)
