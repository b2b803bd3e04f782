from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.batch import TokenBatch, collate
from agents.micro_batches import micro_batches
from tests.agents.test_batch import sample

BATCH = collate([sample((5, 6), (7, 8)), sample((9,), (10,)), sample((5, 6), (11, 12, 13)), sample((5, 6), (14,))])
"""Real lengths 4, 2, 5, 3; messages 0, 2, 3 share a prompt of 2."""


def test_rows_of_similar_length_go_together_within_the_budget() -> None:
    # sorted by length: 1 (2), 3 (3), 0 (4), 2 (5); 2 x 3 fits into 8, 3 x 4 does not
    assert micro_batches(BATCH, 8) == [[1, 3], [0], [2]]
    assert micro_batches(BATCH, 10) == [[1, 3], [0, 2]]
    assert micro_batches(BATCH, 20) == [[1, 3, 0, 2]]
    assert micro_batches(BATCH, 1) == [[1], [3], [0], [2]]


def test_replies_to_one_prompt_go_together_within_the_budget() -> None:
    # the row of prompt 2 + replies 2, 3, 1 has 8 positions
    assert micro_batches(BATCH, 8, shared_width=32) == [[1], [0, 2, 3]]
    assert micro_batches(BATCH, 16, shared_width=32) == [[1, 0, 2, 3]]
    # 7 positions hold the replies 2 and 3; the other one waits with message 1 (2 rows of at most 3)
    assert micro_batches(BATCH, 7, shared_width=32) == [[1, 3], [0, 2]]
    assert micro_batches(BATCH, 1, shared_width=32) == [[1], [3], [0], [2]]


def test_neighbours_stay_together() -> None:
    # padded pairs have 2 x 4 and 2 x 5 positions, packed ones (of equal prompts) 2 + 2 + 3 ... as they come
    assert micro_batches(BATCH, 17, pairs=True) == [[0, 1], [2, 3]]
    assert micro_batches(BATCH, 20, pairs=True) == [[0, 1, 2, 3]]
    assert micro_batches(BATCH, 1, pairs=True) == [[0, 1], [2, 3]]
    assert micro_batches(BATCH.rows([0, 2, 3, 0]), 1, pairs=True, shared_width=32) == [[2, 3], [0, 1]]


def test_only_the_rows_asked_for() -> None:
    assert micro_batches(BATCH, 8, rows=[3, 2]) == [[3], [2]]
    assert micro_batches(BATCH, 8, rows=[3, 2], shared_width=32) == [[3, 2]]
    assert micro_batches(BATCH, 1, rows=[2, 3], pairs=True) == [[2, 3]]


messages = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), min_size=1, max_size=10)


@given(messages, st.integers(1, 60), st.booleans(), st.integers(1, 64))
def test_every_row_once_and_the_budget_kept(drawn: list[tuple[int, int]], budget: int, share: bool, width: int) -> None:
    batch: TokenBatch = collate([sample((5,) * (1 + prompt), tuple(range(6, 6 + reply))) for prompt, reply in drawn])
    parts = micro_batches(batch, budget, shared_width=width if share else 0)
    assert sorted(row for part in parts for row in part) == list(range(len(drawn)))
    for part in parts:
        rows: dict[int, list[int]] = {}
        for row in part:
            rows.setdefault(drawn[row][0] if share else row, []).append(row)
        if len(part) == 1:
            continue
        if share:
            # no row that a prompt's replies could make alone is wider than the budget
            lengths = [1 + prompt + max(drawn[row][1] for row in own) for prompt, own in rows.items()]
            assert max(lengths) <= budget
        else:
            assert len(part) * max(1 + drawn[row][0] + drawn[row][1] for row in part) <= budget


@pytest.mark.parametrize("share", [0, 32])
def test_a_budget_below_a_single_message_gives_single_messages(share: int) -> None:
    assert all(len(part) == 1 for part in micro_batches(BATCH, 1, shared_width=share))
