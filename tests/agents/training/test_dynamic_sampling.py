from __future__ import annotations

import numpy as np
import pytest

from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import collate, samples_of
from agents.learner.prepare import selected
from agents.training.dynamic_sampling import refill
from selfplay_envs import Episode, Reply, Slot, Start, Verdict
from selfplay_envs.core.records import Turn

DAPO = ALGORITHMS["dapo"]


def episode(name: str, *credits: float) -> Episode:
    """One panel of solvers with these credits."""
    messages = tuple(
        Turn(
            slot=Slot("solver", attempt, 0),
            messages=(),
            reply=Reply(text="x", prompt_ids=(1,), token_ids=(2,), logprobs=(-1.0,)),
            verdict=Verdict(valid=True),
            credit=credit,
            prompt_id=name,
            task_id=name,
            task_type="t",
        )
        for attempt, credit in enumerate(credits)
    )
    return Episode(env_id="Test/X-v0", seed=0, kwargs={}, options={}, backend={}, messages=messages, proposed=None, outcome={})


def starts(again: int) -> list[Start]:
    return [Start("Test/X-v0", 100 * again + index, {}, {}) for index in range(4)]


def test_dropped_groups_are_replaced_until_the_step_is_full() -> None:
    first = [episode("a", 1, 0), episode("b", 1, 1), episode("c", 0, 0), episode("d", 0, 1)]
    asked: list[tuple[int, int]] = []

    def play(chosen: list[Start], again: int) -> list[Episode]:
        asked.append((len(chosen), again))
        # of two, one teaches something; then the one that is missing does
        return [episode(f"{again}-{index}", 1, index) for index in range(len(chosen))] if again == 1 else [episode("z", 0, 1)]

    found, added = refill(list(first), DAPO, {"solver"}, play, starts, np.random.default_rng(0))
    assert asked == [(2, 1), (1, 2)]
    assert added == 2
    assert found[:4] == first
    assert len(found) == 7


def test_it_gives_up_after_its_refills_and_asks_for_nothing_where_groups_are_kept() -> None:
    dull = [episode("a", 1, 1), episode("b", 0, 0)]
    asked: list[int] = []

    def play(chosen: list[Start], again: int) -> list[Episode]:
        asked.append(len(chosen))
        return [episode(f"{again}-{start.seed}", 1, 1) for start in chosen]

    _, added = refill(list(dull), DAPO.configured({"refills": 2}), {"solver"}, play, starts, np.random.default_rng(0))
    assert (asked, added) == ([2, 2], 2)
    for algorithm in (ALGORITHMS["grpo"], DAPO.configured({"refills": 0})):
        found, added = refill(list(dull), algorithm, {"solver"}, play, starts, np.random.default_rng(0))
        assert (found, added) == (dull, 0)


def test_what_is_asked_for_is_what_is_dropped_whatever_the_price_on_length() -> None:
    """All replies are as long as they may be, and of one group all are right: DAPO's price must not bring it back."""
    first = [episode("a", 1, 1), episode("b", 1, 0)]
    batch = collate(samples_of(first))
    selection = selected(batch, DAPO.groups(batch), DAPO, reply_limit=1)
    assert selection is not None
    kept, groups = selection
    assert [tag.prompt_id for tag in kept.tags] == ["b", "b"]
    assert kept.returns_B.tolist() == [0.0, -1.0]
    assert groups.number_B.tolist() == [0, 0]
    asked: list[int] = []

    def play(chosen: list[Start], again: int) -> list[Episode]:
        asked.append(len(chosen))
        return [episode("c", 0, 1)]

    refill(first, DAPO, {"solver"}, play, starts, np.random.default_rng(0))
    assert asked == [1]


@pytest.mark.parametrize("seed", [0, 1])
def test_which_starts_are_played_depends_on_the_generator_alone(seed: int) -> None:
    def seeds_of(rng: np.random.Generator) -> list[int]:
        chosen: list[int] = []

        def play(offered: list[Start], again: int) -> list[Episode]:
            chosen.extend(start.seed for start in offered)
            return [episode(str(start.seed), 0, 1) for start in offered]

        refill([episode("a", 1, 1), episode("b", 0, 1)], DAPO, {"solver"}, play, starts, rng)
        return chosen

    assert seeds_of(np.random.default_rng(seed)) == seeds_of(np.random.default_rng(seed))
