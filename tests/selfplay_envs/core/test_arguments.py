"""What callers hand to the views: each wrong thing is one sentence, and numpy's numbers are as good as Python's."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import FlattenObservation

from selfplay_envs import CodeTask, UsageError, register_game
from selfplay_envs.games.code.deduction import Deduction
from selfplay_envs.games.zero_sum.kuhn import KuhnPoker
from selfplay_envs.replies.parsing import fence
from selfplay_envs.views.pettingzoo_env import SelfPlayAEC

KUHN, DEDUCTION = "SelfPlay/KuhnPoker-v0", "SelfPlay/Deduction-v0"
CHECK = fence("action", "check")


class Tables(KuhnPoker):
    """Reads an option of its own."""

    option_keys = ("table",)

    def reset(self, rng, options):
        super().reset(rng, options)
        self.table = options.get("table", 0)


register_game("Sound/Tables-v0", f"{__name__}:Tables")


@pytest.fixture(params=["gymnasium", "vector", "pettingzoo"])
def view(request):
    """A function that makes a view of a game, one row or seat at a time."""
    makers = {"gymnasium": gym.make, "vector": gym.make_vec, "pettingzoo": SelfPlayAEC}

    def make(env_id):
        return makers[request.param](env_id, attempts=1).unwrapped

    make.wrap = (lambda action: [action]) if request.param == "vector" else lambda action: action
    return make


@pytest.mark.parametrize("action", [3, None, b"check", 1.5, ["check"]], ids=repr)
def test_an_action_that_is_no_text_is_one_sentence_and_plays_nothing(view, action):
    env = view(KUHN)
    env.reset(seed=0)
    with pytest.raises(UsageError, match=r"action\S*=.* is of type \w+; an action is a str, the text of one message"):
        env.step(view.wrap(action))
    env.step(view.wrap(CHECK))  # the same slot still waits


@pytest.mark.parametrize("seed", [-1, 1.5, "7", True, np.float64(2), np.array([[1]])], ids=repr)
def test_a_seed_that_is_no_whole_number_is_one_sentence(view, seed):
    with pytest.raises(UsageError, match=r"seed\S*=.* is not a whole number of at least 0"):
        view(KUHN).reset(seed=seed)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tsk": {}}, "options has the key 'tsk', which nobody reads; did you mean 'task'"),
        ({1: 2}, "options has the key 1, which nobody reads; choose of task, references"),
        ({"task": 3}, "'task'.=3 is not a dict"),
        ({"task": [{}]}, "'task'.=.* is not a dict"),
        ({"references": {"program": ""}}, "'references'.=.* is not a list of dicts"),
        ({"references": [3]}, "'references'.=.* is not a list of dicts"),
        ("task", "options='task' is not a dict"),
    ],
    ids=repr,
)
def test_options_that_nobody_can_read_are_one_sentence(view, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        view(DEDUCTION).reset(options=options)


def test_a_game_declares_the_further_keys_that_it_reads(view):
    view("Sound/Tables-v0").reset(options={"table": 3})
    with pytest.raises(UsageError, match="did you mean 'table'"):
        view("Sound/Tables-v0").reset(options={"tables": 3})


def test_groups_and_masks_of_the_vector_view_are_looked_at_too():
    env = gym.make_vec(KUHN, num_envs=2)
    for options, sentence in (
        ({"group": []}, "did you mean 'groups'"),
        ({"groups": 3}, "is not a list; pass one options dict per group"),
        ({"groups": [{}, {"tsk": {}}]}, r"options\['groups'\]\[1\] has the key 'tsk'.*did you mean 'task'"),
        ({"groups": [{}, {"task": 3}]}, r"options\['groups'\]\[1\]\['task'\]=3 is not a dict"),
        ({"groups": [{}, {"groups": []}]}, r"options\['groups'\]\[1\] has the key 'groups'"),
        ({"reset_mask": [True]}, r"is not one bool per row; there are 2 rows"),
    ):
        with pytest.raises(UsageError, match=sentence):
            env.reset(options=options)
    env.reset(seed=0)
    for actions, sentence in (("ab", "is not a sequence"), (3, "is not a sequence"), ([CHECK, 3], r"actions\[1\]=3")):
        with pytest.raises(UsageError, match=sentence):
            env.step(actions)


def test_numpy_seeds_seed_every_view():
    def cards(env, seed):
        env.reset(seed=seed)
        return env.unwrapped.game.cards

    for env in (gym.make(KUHN), SelfPlayAEC(KUHN)):
        assert len({cards(env, seed) for seed in range(12)}) > 1
        for seed in range(12):
            assert cards(env, seed) == cards(env, np.int64(seed)) == cards(env, np.array(seed))


def test_numpy_seeds_seed_the_vector_view():
    env = gym.make_vec(KUHN, num_envs=8)

    def deals(seed):
        env.reset(seed=seed)
        return [game.cards for game in env.unwrapped.games]

    assert deals(5) == deals(np.int64(5)) == deals(np.array(5)) == deals(np.uint8(5))
    assert deals(np.arange(8)) == deals(range(8)) == deals([np.int32(i) for i in range(8)]) == deals(tuple(range(8)))
    assert len({tuple(deals(seed)) for seed in range(5)}) == 5
    with pytest.raises(UsageError, match=r"seed\[1\]=-2 is not a whole number"):
        deals([1, -2, *range(6)])
    with pytest.raises(UsageError, match="seed has 3 entries; there are 8 groups"):
        deals(np.arange(3))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (3, "=3 is not a code task"),
        ({}, "lacks 'program'"),
        ({"program": "x", "inputs": "1", "outputs": ["1"]}, "equally long lists"),
        ({"program": "x", "inputs": ["1"], "outputs": ["1", "2"]}, "equally long lists"),
        ({"program": "x", "inputs": [], "outputs": []}, "not empty"),
        ({"program": 1, "inputs": ["1"], "outputs": ["1"]}, "hold str alone"),
        ({"program": "x", "inputs": [1], "outputs": ["1"]}, "hold str alone"),
    ],
    ids=repr,
)
def test_a_code_task_of_the_wrong_form_is_one_sentence(data, sentence):
    with pytest.raises(UsageError, match=sentence):
        CodeTask.from_json(data)


def test_flattening_says_what_to_do_instead():
    with pytest.raises(Exception, match="text has no form as a flat array: leave out FlattenObservation"):
        FlattenObservation(gym.make(KUHN))


def test_agents_are_the_seats_of_the_game():
    assert SelfPlayAEC(DEDUCTION, attempts=3).possible_agents == ["proposer_0", "solver_0", "solver_1", "solver_2"]
    assert SelfPlayAEC(KUHN, attempts=2).possible_agents == ["first_0", "first_1", "second_0", "second_1"]


def test_a_solver_answers_unless_a_game_says_otherwise():
    class Debate(KuhnPoker):
        roles = ("writer", "critic")
        answers = ("writer",)

    class Panel(Debate):
        roles = ("asker", "solver")

    class Deeper(Deduction):
        pass

    assert KuhnPoker.answers == ()
    assert Deduction.answers == Deeper.answers == Panel.answers == ("solver",)
    assert Debate.answers == ("writer",)
    assert Debate(attempts=2).seats == (("writer", 0), ("writer", 1), ("critic", 0))
