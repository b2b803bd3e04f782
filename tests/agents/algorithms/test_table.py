from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from agents.algorithms.table import ALGORITHMS, Algorithm, find_algorithm
from agents.batching.batch import TokenBatch, collate
from tests.helpers.batches import sample


def batch_of(*cells: tuple[str, str, float, int, str]) -> TokenBatch:
    """One message per (role, task_type, credit, tokens, prompt_id)."""
    return collate(
        [
            sample((5,), tuple(range(6, 6 + tokens)), credit, role=role, task_type=task_type, prompt_id=prompt_id)
            for role, task_type, credit, tokens, prompt_id in cells
        ]
    )


MIXED = batch_of(
    ("proposer", "x", 1.0, 2, "p"),
    ("proposer", "x", 0.0, 1, "q"),
    ("solver", "x", 0.5, 3, "r"),
    ("solver", "x", -0.5, 1, "r"),
    ("solver", "y", 0.2, 1, "s"),
    ("solver", "y", 0.4, 1, "s"),
)


def test_trr_over_one_cell_is_reinforce_plus_plus() -> None:
    one = replace(MIXED, tags=tuple(replace(tag, role="solver", task_type="x") for tag in MIXED.tags))
    torch.testing.assert_close(ALGORITHMS["trr++"].advantages(one), ALGORITHMS["reinforce++"].advantages(one), rtol=0, atol=0)
    assert not torch.allclose(ALGORITHMS["trr++"].advantages(MIXED), ALGORITHMS["reinforce++"].advantages(MIXED))


def test_trr_whitens_every_cell_by_itself() -> None:
    found = ALGORITHMS["trr++"].advantages(MIXED)
    for rows in ([0, 1], [2, 3], [4, 5]):
        alone = ALGORITHMS["reinforce++"].advantages(MIXED.rows(rows))
        torch.testing.assert_close(found[rows][:, -alone.shape[1] :], alone)


def test_a_row_that_needs_siblings_names_the_role_that_has_none() -> None:
    with pytest.raises(ValueError, match="every message of proposer/x is alone in its group"):
        ALGORITHMS["grpo"].check_siblings(MIXED, ALGORITHMS["grpo"].groups(MIXED))
    found = ALGORITHMS["grpo"].advantages(MIXED.rows([2, 3, 4, 5]))
    assert found[:, -1].sign().tolist() == [1, -1, -1, 1]


def test_lsp_centres_without_scaling() -> None:
    assert ALGORITHMS["lsp"].advantages(MIXED.rows([2, 3])).tolist()[0][-1] == 0.5


def test_every_row_has_a_paper_and_its_own_name() -> None:
    assert all(row.paper and row.name == name for name, row in ALGORITHMS.items())
    assert find_algorithm("grpo").group_by == "prompt"
    with pytest.raises(ValueError, match=r"algorithm='ppo2' is not known; did you mean 'ppo'\? choose one of reinforce"):
        find_algorithm("ppo2")


def test_a_row_checks_itself() -> None:
    row = ALGORITHMS["grpo"]
    with pytest.raises(ValueError, match="group_by='colour'"):
        replace(row, group_by="colour")
    with pytest.raises(ValueError, match="needs=\\['luck'\\]"):
        Algorithm(name="x", advantage=row.advantage, loss=row.loss, group_by="batch", needs=frozenset({"luck"}))
