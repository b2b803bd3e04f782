from __future__ import annotations

import pytest

from agents.cli.analyses.sparsity_tables import percent, short


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0, "0.00"), (1e-9, "<0.01"), (0.00005, "0.01"), (0.5, "50.00"), (0.99994, "99.99"), (1 - 1e-9, ">99.99"), (1, "100.00")],
)
def test_a_few_weights_of_many_do_not_look_like_none_or_all(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_names_of_groups_in_a_column_of_layers() -> None:
    assert [short(name) for name in ("layer 12", "outside layers", "all", "q")] == ["12", "outside", "all", "q"]
