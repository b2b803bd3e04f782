"""Terms around a row's own loss, by hand on the batch of `tests.helpers.golden_batch`."""

from __future__ import annotations

import math

import pytest
import torch

from agents.config.objective import Option
from agents.learner.step_loss import step_loss
from agents.models.forward import Scored
from tests.helpers.golden_batch import NEW, flat, losses_of, ready_of, row_of

GRPO = 0.0411230
SFT = 1.3569732


def loss_of(name: str, **options: Option) -> float:
    row = row_of(name, options)
    ready = ready_of(row)
    whole, parts = losses_of(row, ready), losses_of(row, ready, micro=2)
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(whole[0], abs=1e-6)
    return whole[0]


# x = log(new / ref) = log r + log(old / ref) per token:
# 0: 2.2794415 -0.1 | 1: -0.2931472
# 2: 0.3231436 0.1 -0.5931472 | 3: -0.8931472 0.6931472 | 4: 0.5 | 5: 0.2623643 | 6: 0.1946395
# sums 2.1794415 -0.2931472 -0.1700036 -0.2 0.5 0.2623643 0.1946395: 2.4732947 together
@pytest.mark.parametrize(
    ("estimator", "term"),
    [
        ("k1", 2.4732947 / 11),
        # half of squares 5.1958536 0.01 0.0859353 0.1044218 0.01 0.3518236 0.7977119 0.4804530 0.25 0.0688350 0.0378845
        ("k2", 7.3929187 / 2 / 11),
        # e^-x - 1 + x:
        # 1.3817828 0.0051709 0.0474929 0.0470135 0.0048374 0.2165277 0.5496584 0.1931472 0.1065307 0.0315950 0.0177708
        ("k3", 2.6015274 / 11),
    ],
)
def test_kl_in_the_loss(estimator: str, term: float) -> None:
    assert loss_of("sft", kl_coef=2.0, kl_estimator=estimator) == pytest.approx(SFT + 2.0 * term, abs=1e-6)


def test_kl_in_the_loss_of_grpo_means_over_messages_of_means_over_tokens() -> None:
    # k1 means: 1.0897208 -0.2931472 -0.0566679 -0.1 0.5 0.2623643 0.1946395: 1.5969095 / 7
    assert loss_of("grpo", kl_coef=0.04, kl_estimator="k1") == pytest.approx(GRPO + 0.04 * 1.5969095 / 7, abs=1e-6)


def test_kl_in_the_reward_is_not_in_the_loss_too() -> None:
    paid, without = row_of("reinforce", {"kl_coef": 2.0, "kl_in": "reward"}), row_of("reinforce")
    ready = ready_of(paid)
    assert losses_of(paid, ready) == losses_of(without, ready)


def test_the_entropy_bonus() -> None:
    # entropies per message 1.75 0.75 3.5 3 0.125 1 0.375: 10.5 over 11 tokens; means 0.875 0.75 3.5/3 1.5 0.125 1 0.375
    assert loss_of("sft", entropy_coef=0.5) == pytest.approx(SFT - 0.5 * 10.5 / 11, abs=1e-6)
    assert loss_of("grpo", entropy_coef=0.5) == pytest.approx(GRPO - 0.5 * (4.625 + 3.5 / 3) / 7, abs=1e-6)
    # per role: proposers (1.75 + 0.75) / 2 times alpha 0.5, solvers 8 / 5
    plain, bonus = (loss_of("lsp", role_weights="proposer=0.5", entropy_coef=coef) for coef in (0.0, 1.0))
    assert bonus - plain == pytest.approx(-(0.5 * 2.5 / 2 + 8 / 5), abs=1e-6)


def test_the_highest_entropies_train_over_all_tokens() -> None:
    # ceil(0.3 11) = 4: entropies 2, 1.75, 1.5, 1.25, that is tokens 2:0, 3:1, 0:0, 3:0; each -log pi / 11
    expected = -(-1 + math.log(1.25) - 1 + math.log(2) - 3 + math.log(8) - 1 - math.log(2)) / 11
    assert loss_of("sft", entropy_share=0.3) == pytest.approx(expected, abs=1e-6)


def test_kl_cov_holds_back_the_highest_covariances() -> None:
    """Advantages of grpo, old log-probabilities: means over 11 tokens are 1.7067735 / 11 = 0.1551612 and -16 / 11.

    Covariances: message 2 where log pi = -1: 0.8447055 5/11 = 0.3840, twice, and -0.4607 where it is -2; 0: 0.5517456 (-17/11)
    = -0.8527 and -0.3010; 1: -0.862068 10.5/11 = -0.8229; 3: -1.1550279 5/11, twice; 4, 5, 6: 0.0071, -0.0705, 0.0846.
    """
    row = row_of("grpo", {"covariance": "kl", "kl_cov_share": 0.2, "kl_cov_coef": 0.3})
    ready = ready_of(row)
    assert ready.penalised_BT is not None
    # int(0.2 11) = 2: the first and the last token of message 2, ratios 5/4 and 1/2
    assert ready.penalised_BT.nonzero()[:, 0].tolist() == [2, 2]
    penalty = 0.3 * (math.log(1.25) + math.log(2)) / (7 * 3)
    assert losses_of(row, ready) == [pytest.approx(GRPO + penalty, abs=1e-6)]


def test_clip_cov_takes_tokens_out_of_the_loss() -> None:
    row = row_of("grpo", {"covariance": "clip", "clip_cov_share": 1.0, "clip_cov_low": 0.3, "clip_cov_high": 1.0})
    # without the tokens of message 2 above, whose terms are 0.9998667 (1.2 + 0.5) / 3 / 7
    assert losses_of(row, ready_of(row)) == [pytest.approx(GRPO + 0.9998667 * 1.7 / 21, abs=1e-6)]


def test_truncated_importance_weighs_tokens_and_ratios_are_taken_against_the_learner() -> None:
    """The learner before the step has NEW, the sampler had OLD: weights min(r, 2), and the ratio of the loss is 1."""
    row = row_of("grpo", {"tis_cap": 2.0})
    ready = ready_of(row, own=NEW)
    # 0.7069068 ((2 + 1) / 2 - 0.5) + 0.9998667 ((1.25 + 1 + 0.5) / 3 - (0.5 + 2) / 2)
    expected = -(0.7069068 * 1.0 + 0.9998667 * (2.75 / 3 - 1.25)) / 7
    assert losses_of(row, ready) == [pytest.approx(expected, abs=1e-6)]
    # mean weight: 3 + 0.5 + 2.75 + 2.5 + 1 + 1.3 + 0.9 over 11
    assert ready.metrics["tis_weight"] == pytest.approx(11.95 / 11, abs=1e-6)


def test_a_value_head_is_not_asked_for_by_rows_without_one() -> None:
    row = row_of("sft")
    ready = ready_of(row)
    part = ready.batch
    scored = Scored(flat(part, NEW), torch.zeros(11), None, slots=0, used=0)
    assert step_loss(scored, ready, range(7), part.mask_BT, row)[1] == 0.0


def test_the_value_error_alone_is_reported() -> None:
    row = row_of("ppo", {"value_coef": 0.5})
    ready = ready_of(row)
    part = ready.batch
    scored = Scored(flat(part, NEW), torch.zeros(11), flat(part, [[1.0] * len(one) for one in NEW]), slots=0, used=0)
    loss, error = step_loss(scored, ready, range(7), part.mask_BT, row)
    # targets 0.7375 0.75 | 0.25 | 0.939375 0.9625 1 | -0.4875 -0.5 | 0.25 | 0.5 | 0.5 against V = 1, or against V_old
    # moved by 0.2 where that is farther: 0.45 at the first token, 0.2 at the fourth, 0.7 and 0.45 at the next two
    square = 0.2875**2 + 0.25**2 + 0.75**2 + 0.739375**2 + 0.2625**2 + 0.55**2 + 1.4875**2 + 1.5**2 + 0.75**2 + 0.5**2 + 0.5**2
    assert error == pytest.approx(square / 22, abs=1e-6)
    assert loss.item() == pytest.approx(0.0417830 + 0.5 * error, abs=1e-6)
