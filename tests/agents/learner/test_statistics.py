from __future__ import annotations

import math

import pytest
import torch

from agents.batching.batch import Tag
from agents.learner.statistics import LearnerStats

TAGS = (Tag(role="proposer"), Tag(role="solver", task_type="x"), Tag(role="solver", task_type="x"))


def filled(*, split: bool) -> LearnerStats:
    """Tokens of messages 0, 1, 1, 2 with ratios 2, 1, 1/2, 1.1 and entropies 1, 2, 3, 4; old log-probabilities -2."""
    stats = LearnerStats(TAGS, bounds=(0.8, 1.3))
    row, entropy = torch.tensor([0, 1, 1, 2]), torch.tensor([1.0, 2.0, 3.0, 4.0])
    old = torch.full((4,), -2.0)
    logprob = old + torch.tensor([2.0, 1.0, 0.5, 1.1]).log()
    for part in (slice(0, 2), slice(2, 4)) if split else (slice(0, 4),):
        stats.add(row[part], logprob[part], old[part], old[part], entropy[part])
    stats.slots, stats.used = 10, 7
    return stats


@pytest.mark.parametrize("split", [False, True])
def test_means_by_hand(split: bool) -> None:
    found = filled(split=split).means()
    logs = [math.log(2.0), 0.0, math.log(0.5), math.log(1.1)]
    assert found == {
        "entropy": pytest.approx(2.5),
        "entropy_sampled": pytest.approx((8 - sum(logs)) / 4),
        # k3 of KL(old || new): r - 1 - log r
        "approx_kl": pytest.approx((1 - logs[0] - 0.5 - logs[2] + 0.1 - logs[3]) / 4),
        "clip_fraction": 0.5,  # 2 is above 1.3, 1/2 below 0.8
        "ratio_mean": pytest.approx(4.6 / 4),
        "ratio_min": pytest.approx(0.5),
        "ratio_max": pytest.approx(2.0),
        "tokens": 4.0,
        "padding_waste": pytest.approx(0.3),
        "proposer/tokens": 1.0,
        "proposer/entropy": pytest.approx(1.0),
        "proposer/entropy_sampled": pytest.approx(2 - logs[0]),
        "solver/x/tokens": 3.0,
        "solver/x/entropy": pytest.approx(3.0),
        "solver/x/entropy_sampled": pytest.approx((6 - logs[2] - logs[3]) / 3),
    }


def test_without_a_clip_range_nothing_counts_as_clipped() -> None:
    stats = LearnerStats(TAGS[:1])
    stats.add(torch.tensor([0]), torch.tensor([5.0]), torch.tensor([-5.0]), torch.tensor([-5.0]), torch.tensor([0.0]))
    assert stats.means()["clip_fraction"] == 0


def test_gspo_counts_whole_messages_as_clipped() -> None:
    # geometric means of the ratios: e^0.1 for message 0 (outside 1.05), 1 for message 1 though its tokens are outside
    stats = LearnerStats([Tag(role="a"), Tag(role="a")], (0.95, 1.05), per_message=True)
    gap = torch.tensor([0.1, 0.1, 0.5, -0.5])
    stats.add(torch.tensor([0, 0, 1, 1]), gap, torch.zeros(4), torch.zeros(4), torch.zeros(4))
    assert stats.means()["clip_fraction"] == 0.5
