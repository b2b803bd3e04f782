from __future__ import annotations

import numpy as np
import pytest
import torch

from agents.controls import control_returns

RETURNS = torch.arange(40.0)
CELLS = ["a"] * 20 + ["b"] * 20


def test_true_leaves_and_flipped_negates() -> None:
    rng = np.random.default_rng(0)
    assert torch.equal(control_returns(RETURNS, CELLS, "true", rng), RETURNS)
    assert torch.equal(control_returns(RETURNS, CELLS, "flipped", rng), -RETURNS)


def test_random_permutes_within_cells() -> None:
    found = control_returns(RETURNS, CELLS, "random", np.random.default_rng(0))
    assert not torch.equal(found, RETURNS)
    assert torch.equal(found[:20].sort().values, RETURNS[:20])
    assert torch.equal(found[20:].sort().values, RETURNS[20:])


def test_an_unknown_arm_is_named() -> None:
    with pytest.raises(ValueError, match="reward='none'"):
        control_returns(RETURNS, CELLS, "none", np.random.default_rng(0))
