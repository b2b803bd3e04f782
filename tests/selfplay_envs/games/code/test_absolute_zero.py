"""AbsoluteZero-v0 is the game of the type that it draws: same prompts, verdicts and credits, and tasks that say their type."""

from __future__ import annotations

from collections import Counter
from typing import Any

import gymnasium as gym
import pytest

from selfplay_envs import CodeTask, Match, Start, UsageError, make_game
from selfplay_envs.games.code.absolute_zero import TYPES, read_mix
from selfplay_envs.play.replay import rejudge, replay
from selfplay_envs.replies.parsing import fence
from tests.helpers.code_games import DOUBLE, credits_of, played

GAME = "SelfPlay/AbsoluteZero-v0"
ONLY = {name: f"{name}=1" for name in TYPES}
SIX = CodeTask(program="def f(x):\n    return x * 2", inputs=("3",), outputs=("6",))
SQUARES = CodeTask(program="def f(x):\n    return x * x", inputs=("1", "2", "3", "4"), outputs=("1", "4", "9", "16"))
INPUTS = "\n".join(fence("input", str(number)) for number in range(4)) + "\n" + fence("message", "int to int")
EPISODES = {
    "deduction": (DOUBLE, [fence("output", "6"), fence("output", "7"), "none"]),
    "abduction": (DOUBLE, [fence("input", "3"), fence("input", "4"), "none"]),
    "induction": (INPUTS, [fence("python", SQUARES.program), fence("python", "def f(x):\n    return x"), "none"]),
}


@pytest.mark.parametrize("name", TYPES)
def test_an_episode_is_one_of_the_game_of_its_type(name: str, referee: Any) -> None:
    proposal, answers = EPISODES[name]
    options = {"references": [SQUARES.to_json()]}
    extra = {"num_inputs": 4} if name == "induction" else {}
    alone = played(f"SelfPlay/{name.capitalize()}-v0", proposal, answers, referee, options, **extra)
    inside = played(GAME, proposal, answers, referee, options, mix=ONLY[name], num_inputs=4)
    assert credits_of(inside) == credits_of(alone) == pytest.approx([1 - 1 / 3, 1.0, -0.5, -1.0])
    for mine, theirs in zip(inside.messages, alone.messages, strict=True):
        assert (mine.task_type, mine.messages, mine.verdict) == (theirs.task_type, theirs.messages, theirs.verdict)
    assert inside.proposed == {"type": name, **(alone.proposed or {})}
    assert inside.proposal_key == f"{name}-{alone.proposal_key}"
    assert inside.messages[1].task_id == f"{name}-{alone.messages[1].task_id}"
    assert replay(inside).outcome == rejudge(inside, referee).outcome == inside.outcome
    again = played(GAME, "", answers, referee, {"task": inside.proposed}, mix=ONLY["deduction"])  # the task decides
    assert [turn.task_type for turn in again.messages] == [name] * 3
    assert again.proposed is None


def test_types_are_drawn_by_the_seed_and_the_mix() -> None:
    game = make_game(GAME, mix="deduction=1,induction=3")
    drawn = [Match(Start(GAME, seed), game).game.task_type for seed in range(400)]
    assert Counter(drawn).keys() == {"deduction", "induction"}
    assert 270 <= Counter(drawn)["induction"] <= 330  # 300 +- 3.5 standard deviations of 8.7
    assert drawn == [Match(Start(GAME, seed), game).game.task_type for seed in range(400)]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ({**SIX.to_json(), "type": "abduction"}, "abduction"),
        ({**SQUARES.to_json(), "type": "deduction"}, "deduction"),
        (SQUARES.to_json(), "induction"),
    ],
)
def test_a_task_says_its_type_or_has_several_inputs(task: dict[str, Any], expected: str) -> None:
    match = Match(Start(GAME, 0, {"attempts": 2, "style": "terse"}, {"task": task}))
    assert match.game.task_type == expected
    assert all(messages[0].content.startswith(f"solve {expected}") for messages in match.waiting.values())


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (SIX.to_json(), "says no type, and a task of one input may be deduction or abduction; give it type=deduction"),
        ({**SIX.to_json(), "type": "error"}, "type='error'; choose one of deduction, abduction, induction"),
        ({**SIX.to_json(), "type": "induction"}, "an induction task needs at least 2"),
        ({"type": "deduction"}, "lacks 'program'"),
        ({}, "says no type"),
    ],
)
def test_a_task_of_no_type_is_one_sentence(task: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Match(Start(GAME, 0, {}, {"task": task}))


@pytest.mark.parametrize(
    ("mix", "sentence"),
    [
        ("deduktion=1", "'deduktion' is no task type; did you mean 'deduction'?"),
        ("deduction", "deduction='' is no share"),
        ("deduction=-1", "deduction='-1' is no share"),
        ("deduction=nan", "deduction='nan' is no share"),
        ("deduction=1,deduction=2", "names deduction twice"),
        ("deduction=0", "leaves no task type"),
        ("", "leaves no task type"),
    ],
)
def test_a_wrong_mix_is_one_sentence(mix: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence.replace("?", r"\?")):
        make_game(GAME, mix=mix)


def test_shares_add_up_to_one() -> None:
    assert read_mix("induction=2, deduction=1,") == pytest.approx((1 / 3, 0, 2 / 3))


def test_it_takes_the_keywords_of_the_three_games() -> None:
    game: Any = make_game(GAME, attempts=3, style="terse", num_inputs=5, wrong_credit=0.0, equality="strict", malformed="mask")
    assert game.games["induction"].num_inputs == 5
    assert all((one.attempts, one.strict, one.wrong_credit) == (3, True, 0.0) for one in (game, *game.games.values()))
    with pytest.raises(UsageError, match="num_inputs=1 is not a whole number from 2"):
        make_game(GAME, num_inputs=1)
    with pytest.raises(UsageError, match="no keyword 'numinputs'; did you mean 'num_inputs'"):
        make_game(GAME, numinputs=3)


def test_whoever_knows_gymnasium_alone_plays_it() -> None:
    env = gym.make(GAME, attempts=2, style="terse", sandbox="process")
    seen: set[str] = set()
    for seed in range(12):
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            seen.add(observation["messages"][-1]["content"].split("\n")[0])
            text = env.unwrapped.game.sample_action(next(iter(env.unwrapped._match.waiting)), env.np_random)
            observation, _, over, _, _ = env.step(text)
    assert seen == {f"{verb} {name}" for verb in ("propose", "solve") for name in TYPES}
