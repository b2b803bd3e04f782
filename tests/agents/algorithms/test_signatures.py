from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from agents.algorithms.advantages import centre, generalised, lambda_returns, on_tokens
from agents.algorithms.algorithm import Algorithm
from agents.algorithms.losses import clipped_surrogate, preference
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import Tag
from tests.helpers.golden_batch import VALUES, golden_batch, ready_of, row_of, spread

NEEDED = {
    "reinforce": {"token_rewards"},
    "reinforce++": {"token_rewards"},
    "trr++": {"token_rewards"},
    "rae": {"state"},
    "ppo": {"token_rewards", "value_head"},
    "dpo": {"siblings", "reference", "pairs"},
    "sft": set[str](),
    "rft": set[str](),
}
"""The needs as they were declared one by one; all others need siblings alone."""


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_keywords_tell_what_is_needed(name: str) -> None:
    assert ALGORITHMS[name].needs == NEEDED.get(name, {"siblings"})


def remembering(
    returns_B: Tensor, group_B: Tensor, mask_BT: Tensor, *, memory: MutableMapping[str, float], tags: Sequence[Tag]
) -> Tensor:
    """An advantage as users wrote it before, with the former name of its state."""
    memory["messages"] = memory.get("messages", 0.0) + len(tags)
    return on_tokens(returns_B, mask_BT)


@pytest.mark.parametrize("needs", [frozenset[str](), frozenset({"memory"}), frozenset({"state"})])
def test_former_names_of_needs_and_keywords_still_work(needs: frozenset[str]) -> None:
    own = Algorithm(name="own", advantage=remembering, loss=clipped_surrogate, group_by="batch", needs=needs)
    assert own.needs == {"state"}
    state: dict[str, float] = {}
    for _ in range(2):
        ready_of(own, state=state)
    assert state == {"messages": 14.0}


def test_an_advantage_that_takes_values_and_returns_no_targets_has_lambda_returns() -> None:
    def plain(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor, *, values_BT: Tensor, gae_lambda: float = 1.0) -> Tensor:
        return generalised(returns_B, group_B, mask_BT, values_BT=values_BT, gae_lambda=gae_lambda).advantage_BT

    own = Algorithm(
        name="own", advantage=plain, loss=clipped_surrogate, group_by="batch", defaults={"gae_lambda": 0.5, "clip_low": 0.2}
    )
    assert own.needs == {"value_head"}
    mine, theirs = ready_of(own), ready_of(row_of("ppo", {"gae_lambda": 0.5}))
    assert mine.target_BT is not None
    assert theirs.target_BT is not None
    assert torch.equal(mine.target_BT, theirs.target_BT)
    assert torch.equal(mine.advantage_BT, theirs.advantage_BT)
    batch = golden_batch()
    assert torch.equal(mine.target_BT, lambda_returns(batch.returns_B, batch.mask_BT, spread(batch, VALUES), 0.5))


def test_a_loss_that_takes_a_reference_is_given_one() -> None:
    objective = ALGORITHMS["dpo"].objective
    needs = frozenset({"pairs"})
    own = Algorithm(name="own", advantage=centre, loss=preference, group_by="prompt", needs=needs, objective=objective)
    assert own.wants_reference


def test_who_asks_for_token_rewards_must_take_them() -> None:
    row = ALGORITHMS["grpo"]
    with pytest.raises(ValueError, match=r"needs of 'grpo' has 'token_rewards', but its advantage takes no `reward_BT`"):
        replace(row, needs=row.needs | {"token_rewards"})


def test_functions_that_take_every_keyword_are_given_what_their_algorithm_declares() -> None:
    given: dict[str, set[str]] = {}

    def advantage(returns_B: Tensor, group_B: Tensor, mask_BT: Tensor, **keywords: object) -> Tensor:
        given["advantage"] = set(keywords)
        return on_tokens(returns_B, mask_BT)

    def loss(*tensors: Tensor, **keywords: object) -> Tensor:
        given["loss"] = set(keywords)
        return clipped_surrogate(*tensors)

    own = Algorithm(
        name="own", advantage=advantage, loss=loss, group_by="batch", needs=frozenset({"memory", "reference"}), defaults={}
    )
    ready_of(own, state={})
    assert given["advantage"] == {"state", "memory", "tags"}
    tensors = torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2, 3), torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 1)
    own.losses(*tensors, reference_BT=torch.zeros(2, 3))
    assert given["loss"] == {"reference_BT"}
    replace(own, needs=frozenset()).losses(*tensors, reference_BT=torch.zeros(2, 3))
    assert given["loss"] == set()
