from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from agents.algorithms.advantages import generalised
from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import TokenBatch
from agents.learner.prepare import prepare
from tests.helpers.batches import NoScorer
from tests.helpers.golden_batch import NEW, OLD, VALUES, golden_batch, losses_of, ready_of, row_of, spread


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name not in ("ppo", "lsp", "lsp-zero", "dpo")])
def test_scores_that_are_not_needed_are_not_computed(name: str) -> None:
    assert (
        prepare(golden_batch(), ALGORITHMS[name], NoScorer(), state={}, rng=np.random.default_rng(0), reply_limit=4) is not None
    )


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


def test_overlong_replies_are_priced_before_advantages_are_taken() -> None:
    batch = golden_batch()
    ready = ready_of(row_of("dapo"), reply_limit=3)
    assert ready.batch.returns_B.tolist() == [0.75, 0.25, 0.0, -0.5, 0.25]
    assert ready.metrics["dropped"] == 2
    assert batch.returns_B.tolist() == [0.75, 0.25, 1.0, -0.5, 0.25, 0.5, 0.5]
    with pytest.raises(ValueError, match="give the learner its reply_limit"):
        ready_of(row_of("dapo"))


def test_dynamic_sampling_looks_at_what_was_earned_and_not_at_the_price_on_length() -> None:
    """Limit 3: the three tokens of message 2 lose 1, whatever its answer was worth."""
    all_right = golden_batch().with_returns(torch.tensor([0.75, 0.25, 1.0, 1.0, 1.0, 0.5, 0.5]))
    ready = ready_of(row_of("dapo"), batch=all_right, reply_limit=3)
    assert [tag.message for tag in ready.batch.tags] == [0, 1]
    # of three answers one was right: the price makes all equal, and still the group is one that dynamic sampling keeps
    mixed = golden_batch().with_returns(torch.tensor([0.75, 0.25, 1.0, 0.0, 0.0, 0.5, 0.5]))
    ready = ready_of(row_of("dapo"), batch=mixed, reply_limit=3)
    assert [tag.message for tag in ready.batch.tags] == [0, 1, 2, 3, 4]
    assert ready.batch.returns_B.tolist() == [0.75, 0.25, 0.0, 0.0, 0.0]
    assert ready.metrics["dropped"] == 2
    assert (ready.advantage_BT[2:] == 0).all()
    # a row's own selection sees the price: message 2 earns 0 and is no longer accepted
    accepted = ready_of(row_of("rft", {"overlong_share": 0.2}), reply_limit=3)
    assert [tag.message for tag in accepted.batch.tags] == [0, 1, 4, 5, 6]


def test_replies_that_were_cut_off_train_nothing_and_count_in_their_groups() -> None:
    batch = replace(golden_batch(), cut_B=torch.tensor([False, False, True, False, False, False, False]))
    ready = ready_of(row_of("grpo", {"cut_off": "mask"}), batch=batch)
    assert [tag.message for tag in ready.batch.tags] == [0, 1, 3, 4, 5, 6]
    assert ready.metrics["dropped"] == 1
    # the mean of 1 -0.5 0.25 is theirs all the same
    assert ready.advantage_BT[2, -1].item() == pytest.approx(-0.9998667, abs=1e-6)
    assert ready.denominator_B1[:, 0].tolist() == [6 * 2, 6, 6 * 2, 6, 6, 6]
    assert len(ready_of(row_of("grpo"), batch=batch).batch) == 7
    # of the pairs (0, 1) and (2, 3) the second has lost its winner: now 4 wins against 3
    pairs = ready_of(row_of("dpo", {"cut_off": "mask"}), batch=batch)
    assert [tag.message for tag in pairs.batch.tags] == [0, 1, 4, 3]
    nobody = replace(batch, cut_B=torch.ones(7, dtype=torch.bool))
    row = row_of("reinforce", {"cut_off": "mask"})
    assert prepare(nobody, row, NoScorer(), state={}, rng=np.random.default_rng(0)) is None


def test_shares_of_tokens_are_of_those_that_train() -> None:
    """Message 2 was cut off: its entropies 2 1 0.5 take no room from the 1.75 of another."""
    batch = replace(golden_batch(), cut_B=torch.tensor([False, False, True, False, False, False, False]))
    ready = ready_of(row_of("sft", {"cut_off": "mask", "entropy_share": 0.09}), batch=batch)
    assert int((ready.advantage_BT > 0).sum()) == 1  # of the 8 tokens that are left
    # message 2 is 9 nats off, the others not at all
    own = [[9.0] * len(one) if index == 2 else list(one) for index, one in enumerate(OLD)]
    weighed = ready_of(row_of("rloo", {"cut_off": "mask", "tis_cap": 4.0}), batch=batch, own=own)
    assert weighed.metrics["tis_weight"] == pytest.approx(1.0)


SHARED = [("trr++", 0), ("grpo", 0), ("rae", 0), ("dr_grpo", 4), ("dpo", 0)]


@pytest.mark.parametrize(("name", "limit"), SHARED)
def test_roles_have_the_share_of_the_weight_that_was_asked(name: str, limit: int) -> None:
    """Also in a mini-batch, over its own denominators; the weight of the whole stays what it was. Pairs count by messages."""
    shares = {"proposer": 0.8, "solver": 0.2}
    options = {"role_shares": "proposer=0.8,solver=0.2"}
    whole, plain = (ready_of(row_of(name, more), reply_limit=limit) for more in (options, {}))
    for ready, usual in ((whole, plain), (whole.part([0, 1, 3, 2]), plain.part([0, 1, 3, 2]))):
        counted_BT = ready.batch.mask_BT if name != "dpo" else torch.ones(len(ready.batch), 1)
        weight_B, usual_B = ((counted_BT / one.denominator_B1).sum(-1) for one in (ready, usual))
        total = float(usual_B.sum())
        assert float(weight_B.sum()) == pytest.approx(total)
        for role, share in shares.items():
            rows = [row for row, tag in enumerate(ready.batch.tags) if tag.role == role]
            assert float(weight_B[rows].sum()) == pytest.approx(share * total)


def test_shares_of_the_loss_by_hand_and_over_micro_batches() -> None:
    # sft: -0.8 of the proposers' mean over 3 tokens, -0.2 of the solvers' over 8
    row = row_of("sft", {"role_shares": "proposer=0.8,solver=0.2"})
    expected = 0.8 * (2.9205585 + 1.1931472) / 3 + 0.2 * (4.4700036 + 2 + 1.5 + 0.7376357 + 2.1053605) / 8
    ready = ready_of(row)
    assert losses_of(row, ready) == [pytest.approx(expected, abs=1e-6)]
    assert sum(losses_of(row, ready, micro=2)) == pytest.approx(expected, abs=1e-6)


def test_what_shares_leave_goes_to_the_others_and_an_absent_role_takes_nothing_from_them() -> None:
    named = ready_of(row_of("sft", {"role_shares": "proposer=0.4"}))
    weight_B = (named.batch.mask_BT / named.denominator_B1).sum(-1)
    assert float(weight_B[2:].sum()) == pytest.approx(0.6)
    solvers = golden_batch().rows([2, 3, 4, 5, 6])
    alone = ready_of(row_of("sft", {"role_shares": "proposer=0.4,solver=0.6"}), batch=solvers)
    assert float((alone.batch.mask_BT / alone.denominator_B1).sum()) == pytest.approx(0.6)
    silent = ready_of(row_of("sft", {"role_shares": "proposer=0,solver=1"}))
    assert silent.denominator_B1[:2, 0].tolist() == [float("inf")] * 2
    with pytest.raises(
        ValueError, match=r"role_shares='proposer=1' leaves nothing to the role 'solver', .* give it a share, or leave it out"
    ):
        ready_of(row_of("sft", {"role_shares": "proposer=1"}))


def test_a_part_is_its_rows_over_their_own_denominators() -> None:
    row = row_of("ppo", {"kl_coef": 0.1, "covariance": "kl"})
    whole = ready_of(row)
    assert whole.units() == [[i] for i in range(7)]
    part = whole.part([6, 0])
    assert [tag.message for tag in part.batch.tags] == [6, 0]
    assert part.denominator_B1[:, 0].tolist() == [3, 3]
    width = part.batch.ids_BT.shape[1]
    for name in ("advantage_BT", "old_BT", "reference_BT", "penalised_BT", "values_BT", "target_BT"):
        assert torch.equal(getattr(part, name), getattr(whole, name)[[6, 0], -width:]), name
    [loss] = losses_of(row, part)
    assert sum(losses_of(row, part, micro=1)) == pytest.approx(loss, abs=1e-6)
    # over the whole batch's 11 tokens instead of its own 3 it would be 3 / 11 of that
    [small] = losses_of(row, replace(part, denominator_B1=torch.full((2, 1), 11.0)))
    assert small == pytest.approx(loss * 3 / 11, abs=1e-6)


def test_pairs_stay_together_in_a_part() -> None:
    row = row_of("dpo")
    ready = ready_of(row)
    assert ready.units() == [[0, 1], [2, 3]]
    # log(1 + exp(-0.0029999)), and over one pair alone
    assert losses_of(row, ready.part(ready.units()[1])) == [pytest.approx(0.6916483, abs=1e-6)]


def test_kl_can_be_measured_without_being_paid_for() -> None:
    measured, plain = row_of("grpo", {"kl_metric": True}), row_of("grpo")
    ready = ready_of(measured)
    assert ready.metrics["kl_reference"] == ready_of(row_of("lsp")).metrics["kl_reference"]
    assert torch.equal(ready.advantage_BT, ready_of(plain).advantage_BT)
    assert losses_of(measured, ready) == losses_of(plain, ready_of(plain))


@pytest.mark.parametrize("name", ["reinforce", "rloo"])
def test_one_impossible_token_is_not_the_whole_return(name: str) -> None:
    """The reference thinks e^-30 of the first token: its k1 is 30 nats, and counts 10 unless told otherwise."""
    batch = golden_batch()
    reference = spread(batch, [[-33, -2], [-0.5], [-1, -2, -1], [-1, -1], [-1.5], [-1], [-2]])

    class Impossible(NoScorer):
        def reference_logprobs(self, batch: TokenBatch) -> torch.Tensor:
            return reference

    for clamp, taken in ((10.0, 5.0), (0.0, 15.0), (2.0, 1.0)):
        options = {"kl_coef": 0.5, "kl_in": "reward", "kl_estimator": "k1", "kl_clamp": clamp}
        ready = prepare(batch, row_of(name, options), Impossible(), state={}, rng=np.random.default_rng(0))
        assert ready is not None
        earned = ready.advantage_BT[0, -2].item() if name == "reinforce" else ready.batch.returns_B[0].item()
        assert earned == pytest.approx(0.75 - taken)


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


def test_a_selection_keeps_pairs_in_order() -> None:
    ready = ready_of(row_of("dpo"))
    assert [tag.message for tag in ready.batch.tags] == [0, 1, 2, 3]
    assert ready.denominator_B1.tolist() == [[4.0]] * 4
    assert ready.reference_BT is not None


def test_nothing_left_is_nothing_to_do() -> None:
    batch = golden_batch().with_returns(torch.zeros(7))
    for name, options in (("dapo", {"overlong_share": 0.0}), ("rft", {}), ("dpo", {})):
        row = row_of(name, options)
        assert prepare(batch, row, NoScorer(), state={}, rng=np.random.default_rng(0)) is None


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


def test_kl_is_told_by_role_too_and_its_mean_by_tokens_is_that_of_the_whole() -> None:
    metrics = ready_of(row_of("lsp")).metrics
    # k3 of the log-ratios 0.2 -0.1 0.4, and of 0.1 0.1 0.1 -0.2 0 0.5 0 0.3
    proposer = (0.0187308 + 0.0051709 + 0.0703200) / 3
    solver = (3 * 0.0048374 + 0.0214028 + 0.1065307 + 0.0408182) / 8
    assert metrics["proposer/x/kl_reference"] == pytest.approx(proposer, abs=1e-6)
    assert metrics["solver/x/kl_reference"] == pytest.approx(solver, abs=1e-6)
    whole = (3 * metrics["proposer/x/kl_reference"] + 8 * metrics["solver/x/kl_reference"]) / 11
    assert metrics["kl_reference"] == pytest.approx(whole, abs=1e-7)
    assert not [key for key in ready_of(row_of("grpo")).metrics if key.endswith("kl_reference")]  # no reference


def test_kl_by_role_is_of_the_tokens_that_train() -> None:
    batch = replace(golden_batch(), cut_B=torch.tensor([True, True, True, False, False, False, False]))
    metrics = ready_of(row_of("grpo", {"cut_off": "mask", "kl_metric": True}), batch=batch).metrics
    assert metrics["solver/x/kl_reference"] == pytest.approx((0.0214028 + 0.1065307 + 0.0408182) / 5, abs=1e-6)
    assert metrics["solver/x/kl_reference"] == metrics["kl_reference"]
    assert "proposer/x/kl_reference" not in metrics  # none of its messages trains
