"""Curves and numbers over the seeds of an arm."""

from __future__ import annotations

import numpy as np
import pytest

from agents.analysis.seed_curves import Curve, mean_over_seeds, seed_curve


def test_seeds_by_hand() -> None:
    """1, 2, 3: sd 1, t(2) = 4.3027, so 2 +- 4.3027 / sqrt(3)."""
    found = mean_over_seeds([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    assert found.high == pytest.approx(2.0 + 4.302653 / np.sqrt(3), abs=1e-5)
    assert found.low == pytest.approx(2.0 - 4.302653 / np.sqrt(3), abs=1e-5)


def test_nothing_is_claimed_where_nothing_tells_of_the_spread() -> None:
    assert (mean_over_seeds([0.5]).low, mean_over_seeds([0.5, 0.5]).low) == (None, None)
    with pytest.raises(ValueError, match="values is empty"):
        mean_over_seeds([])


def test_seeds_are_aligned_by_step_and_their_change_is_paired() -> None:
    curves = [
        Curve(group="solver", steps=[1, 2, 3], values=[1.0, 0.8, 0.5]),
        Curve(group="solver", steps=[2, 3, 4], values=[0.6, 0.3, 0.1]),
    ]
    mean = seed_curve("arm", "exact", curves)
    assert mean is not None
    assert (mean.steps, mean.seeds) == ([2, 3], 2)
    assert [one.mean for one in mean.means] == pytest.approx([0.7, 0.4])
    assert mean.means[0].high == pytest.approx(0.7 + 12.7062 * 0.1, abs=1e-3)  # t(1) times 0.2 / sqrt(2) / sqrt(2)
    assert mean.change.mean == pytest.approx(-0.3)
    assert mean.change.low is None  # both fell by the same, which tells of no spread
    apart = [Curve(group="solver", steps=[1], values=[1.0]), Curve(group="solver", steps=[2], values=[1.0])]
    assert seed_curve("arm", "exact", apart) is None
