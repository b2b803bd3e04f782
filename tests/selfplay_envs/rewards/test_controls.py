from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from selfplay_envs import Episode, Reply, Slot, Verdict
from selfplay_envs.core.records import Turn
from selfplay_envs.rewards.controls import control_arm


def episode(role: str, number: int) -> Episode:
    """Two messages of a role, each with rewards of its own; the second does not train."""
    messages = tuple(
        Turn(
            slot=Slot(role, attempt, 0),
            task_type="t",
            prompt_id="",
            task_id="",
            messages=(),
            reply=Reply(text=f"{number}"),
            verdict=Verdict(valid=True, train=attempt == 0),
            credit=10.0 * number,
            terms={"repetition": 0.1 * number},
        )
        for attempt in range(2)
    )
    return Episode(env_id="Test/X-v0", kwargs={}, seed=number, options={}, messages=messages, outcome={})


EPISODES = [episode("a" if number < 20 else "b", number) for number in range(40)]


def trains(turn: Turn) -> bool:
    return turn.verdict.train


def returns(episodes: list[Episode], message: int = 0) -> list[float]:
    return [episode.messages[message].training_return for episode in episodes]


def controlled(arm: str) -> list[Episode]:
    return control_arm(EPISODES, trains, arm, np.random.default_rng(0))


def test_true_leaves_and_flipped_negates() -> None:
    assert controlled("true") == EPISODES
    flipped = controlled("flipped")
    assert returns(flipped) == [-value for value in returns(EPISODES)]
    assert flipped[3].messages[0].terms == {"repetition": -0.1 * 3}
    assert returns(flipped, 1) == returns(EPISODES, 1)  # what does not train stays


def test_random_permutes_within_role_and_task_type() -> None:
    permuted = controlled("random")
    assert returns(permuted) != returns(EPISODES)
    for half in (slice(20), slice(20, None)):
        assert sorted(returns(permuted)[half]) == returns(EPISODES)[half]
    assert returns(permuted, 1) == returns(EPISODES, 1)
    # credit and terms move together, everything else stays with its message
    for before, after in zip(EPISODES, permuted, strict=True):
        turn = after.messages[0]
        assert turn.terms["repetition"] == pytest.approx(turn.credit / 100)
        assert replace(turn, credit=before.messages[0].credit, terms=before.messages[0].terms) == before.messages[0]


def test_the_permutation_is_that_of_the_generator_group_by_group() -> None:
    """As runs of before drew it: over the places of a group's messages among those that train."""
    rng = np.random.default_rng(0)
    order = [*rng.permutation(np.arange(20)).tolist(), *rng.permutation(np.arange(20, 40)).tolist()]
    assert returns(controlled("random")) == [returns(EPISODES)[place] for place in order]


def test_an_unknown_arm_is_named() -> None:
    with pytest.raises(ValueError, match="reward='none'"):
        controlled("none")
