"""Ranks and overlaps of last models: which runs are compared, and known masks."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from agents.analysis.weights.checkpoint import open_checkpoint
from agents.experiments.findings.updates import overlaps_of, ranks_by_arm

Q = "model.layers.0.self_attn.q_proj.weight"


def model(folder: Path, changed: tuple[int, ...] = ()) -> Path:
    """A matrix of 4 x 4 ones, of which some are 2."""
    folder.mkdir(parents=True)
    weight = torch.ones(16).index_fill(0, torch.tensor(changed, dtype=torch.int64), 2.0)
    save_file({Q: weight.reshape(4, 4)}, folder / "model.safetensors")
    return folder


def test_seeds_of_one_arm_and_arms_beside_self_play(tmp_path: Path) -> None:
    start = open_checkpoint(str(model(tmp_path / "start")))
    models = {
        "sft": {0: model(tmp_path / "sft-0", (0, 1)), 3: model(tmp_path / "sft-3", (1, 2, 3)), 4: tmp_path / "not read"},
        "self-play": {0: model(tmp_path / "self-play-0", (1, 5))},
    }
    found = overlaps_of(models, start)
    assert [(one.arm, one.other, one.seeds) for one in found] == [("sft", "sft", (0, 3)), ("sft", "self-play", (0, 0))]
    assert [(one.overlap.changed_a, one.overlap.changed_b, one.overlap.changed_both) for one in found] == [(2, 3, 1), (2, 2, 1)]
    assert found[0].overlap.ratio == pytest.approx((1 / 16) / (2 / 16 * 3 / 16))


def test_without_self_play_only_seeds_are_compared(tmp_path: Path) -> None:
    start = open_checkpoint(str(model(tmp_path / "start")))
    assert overlaps_of({"sft": {0: model(tmp_path / "sft-0", (0,))}}, start) == []


def test_the_rank_of_the_first_seed(tmp_path: Path) -> None:
    """A changed row is an update of rank 1, two changed places of the diagonal one of rank 2."""
    start = open_checkpoint(str(model(tmp_path / "start")))
    models = {"row": {0: model(tmp_path / "row", (0, 1, 2, 3))}, "diagonal": {1: model(tmp_path / "diagonal", (0, 5))}}
    found = ranks_by_arm(models, start)
    assert {arm: [one.numerical for one in ranks.measured] for arm, ranks in found.items()} == {"row": [1], "diagonal": [2]}
