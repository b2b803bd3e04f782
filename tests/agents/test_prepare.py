from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.advantages import generalised
from agents.algorithms import ALGORITHMS
from agents.batch import TokenBatch
from agents.prepare import Views, prepare
from tests.agents.golden_batch import NEW, OLD, VALUES, golden_batch, ready_of, row_of, spread


def refuse(batch: TokenBatch) -> torch.Tensor:
    raise AssertionError("this view is not needed")


BLIND = Views(own=refuse, reference=refuse)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name not in ("ppo", "lsp", "lsp-zero", "dpo")])
def test_views_that_are_not_needed_are_not_computed(name: str) -> None:
    assert prepare(golden_batch(), ALGORITHMS[name], BLIND, memory={}, rng=np.random.default_rng(0), reply_limit=4) is not None


def test_ratios_are_taken_against_the_sampler_and_under_tis_against_the_learner() -> None:
    assert torch.equal(ready_of(row_of("grpo"), own=NEW).old_BT, spread(golden_batch(), OLD))
    assert torch.equal(ready_of(row_of("ppo"), own=NEW).old_BT, spread(golden_batch(), OLD))
    assert torch.equal(ready_of(row_of("grpo", {"tis_cap": 2.0}), own=NEW).old_BT, spread(golden_batch(), NEW))


def test_targets_are_advantages_before_whitening_plus_values() -> None:
    ready = ready_of(row_of("ppo", {"gae_lambda": 1.0}))
    # lambda 1: R on every token
    assert ready.target_BT is not None
    expected = torch.where(ready.batch.mask_BT, ready.batch.returns_B[:, None], 0.0)
    torch.testing.assert_close(ready.target_BT, expected)
    assert ready.values_BT is not None
    assert torch.equal(ready.values_BT, spread(ready.batch, VALUES))
    half = ready_of(row_of("ppo", {"gae_lambda": 0.5, "whitened": False}))
    assert half.target_BT is not None
    assert half.values_BT is not None
    torch.testing.assert_close(half.target_BT - half.values_BT, half.advantage_BT)
    assert ALGORITHMS["ppo"].advantage is generalised


def test_overlong_replies_are_priced_before_groups_are_compared() -> None:
    batch = golden_batch()
    ready = ready_of(row_of("dapo"), reply_limit=3)
    assert ready.batch.returns_B.tolist() == [0.75, 0.25, 0.0, -0.5, 0.25]
    assert ready.metrics["dropped"] == 2
    assert batch.returns_B.tolist() == [0.75, 0.25, 1.0, -0.5, 0.25, 0.5, 0.5]
    with pytest.raises(ValueError, match="give the learner its reply_limit"):
        ready_of(row_of("dapo"))


def test_kl_in_the_reward_is_seen_by_the_baseline() -> None:
    ready = ready_of(row_of("lsp"))
    expected = torch.tensor([0.745, 0.23, 0.985, -0.49, 0.225, 0.5, 0.485])
    torch.testing.assert_close(ready.batch.returns_B, expected)
    # k3 of old against reference: x = 0.2 -0.1 0.4 0.1 0.1 0.1 -0.2 0 0.5 0 0.3: e^-x - 1 + x
    each = (0.0187308, 0.0051709, 0.0703200, 0.0048374, 0.0048374, 0.0048374, 0.0214028, 0.0, 0.1065307, 0.0, 0.0408182)
    assert ready.metrics["kl_reference"] == pytest.approx(sum(each) / 11, abs=1e-6)


@pytest.mark.parametrize("name", ["reinforce", "reinforce++", "trr++", "ppo"])
def test_kl_in_the_reward_is_a_reward_of_tokens_where_the_row_takes_those(name: str) -> None:
    ready = ready_of(row_of(name, {"kl_coef": 0.5, "kl_in": "reward", "kl_estimator": "k1"}))
    # what the message earned is left alone, and the metric is that of the other rows
    assert torch.equal(ready.batch.returns_B, golden_batch().returns_B)
    assert ready.metrics["kl_reference"] == ready_of(row_of("lsp")).metrics["kl_reference"]
    per_token = ready.advantage_BT[0][ready.batch.mask_BT[0]]
    assert per_token[0] != per_token[1]
    in_loss = ready_of(row_of(name, {"kl_coef": 0.5, "kl_in": "loss"}))
    assert torch.equal(in_loss.advantage_BT, ready_of(row_of(name)).advantage_BT)


def test_targets_of_the_value_head_hold_the_kl_of_tokens() -> None:
    ready = ready_of(row_of("ppo", {"kl_coef": 0.5, "kl_in": "reward", "kl_estimator": "k1", "gae_lambda": 1.0}))
    # lambda 1: R and half of -log(old / ref), from that token on
    expected = ((0.7, 0.8), (0.05,), (0.85, 0.9, 0.95), (-0.4, -0.5), (0.0,), (0.5,), (0.35,))
    assert ready.target_BT is not None
    torch.testing.assert_close(ready.target_BT, spread(ready.batch, expected), atol=1e-6, rtol=0)


def test_who_asks_for_token_rewards_must_take_them() -> None:
    row = ALGORITHMS["grpo"]
    with pytest.raises(ValueError, match=r"needs of 'grpo' has 'token_rewards', but its advantage takes no `reward_BT`"):
        replace(row, needs=row.needs | {"token_rewards"})


def test_a_selection_keeps_pairs_in_order() -> None:
    ready = ready_of(row_of("dpo"))
    assert [tag.message for tag in ready.batch.tags] == [0, 1, 2, 3]
    assert ready.denominator_B1.tolist() == [[4.0]] * 4
    assert ready.reference_BT is not None


def test_nothing_left_is_nothing_to_do() -> None:
    batch = golden_batch().with_returns(torch.zeros(7))
    views = Views(own=refuse, reference=refuse)  # type: ignore[arg-type]
    for name, options in (("dapo", {"overlong_share": 0.0}), ("rft", {}), ("dpo", {})):
        row = row_of(name, options)
        assert prepare(batch, row, views, memory={}, rng=np.random.default_rng(0)) is None


def test_siblings_are_checked_on_everything_that_came_in() -> None:
    batch = golden_batch()
    alone = replace(batch, tags=tuple(replace(tag, prompt_id=str(i)) for i, tag in enumerate(batch.tags)))
    with pytest.raises(ValueError, match="every message of proposer/x, solver/x is alone in its group"):
        ready_of(row_of("grpo"), batch=alone)


def test_token_weights_multiply() -> None:
    """TIS 2, 1, 1 on message 2 and the highest entropies 2 and 1 of 2, 1, 0.5 leave 2 and 1 of A = 0.9998667."""
    ratios = [list(one) for one in NEW]
    ratios[2] = [-1 + 9.0, -2, -1]
    row = row_of("grpo", {"tis_cap": 2.0, "entropy_share": 0.7})
    # ceil(0.7 11) = 8 of 2 1.75 1.5 1.25 1 1 0.75 0.5 | 0.375 0.25 0.125: message 2 keeps all; share 0.5: 6, down to 1
    assert ready_of(row, own=ratios).advantage_BT[2].tolist()[-3:] == pytest.approx([1.9997334, 0.9998667, 0.9998667], abs=1e-6)
    half = row_of("grpo", {"tis_cap": 2.0, "entropy_share": 0.5})
    assert ready_of(half, own=ratios).advantage_BT[2].tolist()[-3:] == pytest.approx([1.9997334, 0.9998667, 0.0], abs=1e-6)
