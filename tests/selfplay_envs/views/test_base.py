"""Common to the views: judges, the spec, and the seat whose credit is the reward."""

import json

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec

from selfplay_envs import JudgeItem, Message, UsageError
from selfplay_envs.replies.parsing import fence
from tests.helpers.parts import write_parts

ITEM = JudgeItem(messages=(Message("user", "use a"),), answers=("banana", "e"))


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Modules of one's own that can be imported."""
    yield from write_parts(tmp_path, monkeypatch)


@pytest.mark.parametrize("make", [gym.make, lambda env_id, **kw: gym.make_vec(env_id, num_envs=2, **kw)])
def test_environments_check_their_judge_at_once_and_keep_its_text(parts, make):
    for env_id in ("SelfPlay/InstructionChallenge-v0", "SelfPlay/KuhnPoker-v0"):  # poker asks no judge
        with pytest.raises(UsageError, match=r"judge='ruls' is not known; did you mean 'rules'\?"):
            make(env_id, judge="ruls", attempts=1)
    text = "my_parts:Vowels:weight=0.25,letter=e"
    env = make("SelfPlay/InstructionChallenge-v0", judge=text, attempts=1)
    spec = EnvSpec.from_json(env.unwrapped.spec.to_json())
    assert spec.kwargs["judge"] == text
    assert env.unwrapped.spec.nondeterministic
    assert not make("SelfPlay/InstructionChallenge-v0", judge="rules", attempts=1).unwrapped.spec.nondeterministic
    assert env.unwrapped.referee.judges[""].score([ITEM])[0].values == (0.0, 0.25)
    assert env.unwrapped.referee.backend["judge"] == text
    again = make(spec.id, **{key: spec.kwargs[key] for key in ("judge", "attempts")})
    assert again.unwrapped.referee.judges[""].score([ITEM])[0].values == (0.0, 0.25)


def test_an_episode_is_scored_and_recorded_by_a_judge_of_ones_own(parts):
    env = gym.make("SelfPlay/InstructionChallenge-v0", attempts=1, judge="my_parts:Vowels:weight=2", sandbox="process")
    env.reset(seed=0)
    env.step(fence("instruction", "say a word"))
    _, reward, over, _, info = env.step(fence("answer", "banana"))
    assert (reward, over, info["score"]) == (6.0, True, 6.0)
    record = json.loads(json.dumps(env.unwrapped.episode().to_json()))
    assert record["backend"]["judge"] == "my_parts:Vowels:weight=2"
