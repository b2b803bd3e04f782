from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from agents.algorithms.table import ALGORITHMS
from agents.batching.batch import TokenBatch, collate
from agents.batching.micro_batches import micro_batches
from agents.config.learner import LearnerConfig
from agents.learner import logprobs as scorer_module
from agents.learner.learner import Learner
from agents.models.forward import Scored, score
from tests.helpers.batches import sample

BATCH = collate([sample((5, 6), (7, 8)), sample((9,), (10,)), sample((5, 6), (11, 12, 13)), sample((5, 6), (14,))])
"""Real lengths 4, 2, 5, 3; messages 0, 2, 3 share a prompt of 2."""


def test_rows_of_similar_length_go_together_within_the_budget() -> None:
    # sorted by length: 2 (5), 0 (4), 3 (3), 1 (2); 2 x 4 fits into 8, 2 x 5 does not
    assert micro_batches(BATCH, 8) == [[2], [0, 3], [1]]
    assert micro_batches(BATCH, 10) == [[2, 0], [3, 1]]
    assert micro_batches(BATCH, 20) == [[2, 0, 3, 1]]
    assert micro_batches(BATCH, 1) == [[2], [0], [3], [1]]


def test_replies_to_one_prompt_go_together_within_the_budget() -> None:
    # prompt 2 + replies 2, 3, 1 make 8 positions, message 1 another 2
    assert micro_batches(BATCH, 9, share=True) == [[0, 2, 3], [1]]
    assert micro_batches(BATCH, 10, share=True) == [[0, 2, 3, 1]]
    # 7 positions hold the replies 2 and 3; the other one (3) comes with message 1 (2)
    assert micro_batches(BATCH, 7, share=True) == [[0, 2], [3, 1]]
    assert micro_batches(BATCH, 1, share=True) == [[2], [0], [3], [1]]


def test_neighbours_stay_together() -> None:
    # padded pairs have 2 x 4 and 2 x 5 positions, packed ones (of equal prompts) 2 + 2 + 3 ... as they come
    assert micro_batches(BATCH, 17, pairs=True) == [[2, 3], [0, 1]]
    assert micro_batches(BATCH, 20, pairs=True) == [[2, 3, 0, 1]]
    assert micro_batches(BATCH, 1, pairs=True) == [[2, 3], [0, 1]]
    assert micro_batches(BATCH.rows([0, 2, 3, 0]), 1, pairs=True, share=True) == [[0, 1], [2, 3]]
    # packed, messages 2 and 3 share their prompt, 2 + 3 + 1 positions, and 0 and 1 do not, (2 + 2) + (1 + 1)
    assert micro_batches(BATCH, 11, pairs=True, share=True) == [[2, 3], [0, 1]]
    assert micro_batches(BATCH, 12, pairs=True, share=True) == [[2, 3, 0, 1]]


def test_only_the_rows_asked_for() -> None:
    assert micro_batches(BATCH, 8, rows=[3, 2]) == [[2], [3]]
    assert micro_batches(BATCH, 8, rows=[3, 2], share=True) == [[3, 2]]
    assert micro_batches(BATCH, 1, rows=[2, 3], pairs=True) == [[2, 3]]
    assert micro_batches(BATCH, 8, rows=[]) == []


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.integers(1, 40))
def test_the_first_micro_batch_takes_most_memory(replies: list[int], budget: int) -> None:
    """It is the widest, and no later one has more positions, unless a single further row would have broken its budget."""
    batch = collate([sample((5,), tuple(range(6, 6 + reply))) for reply in replies])
    parts = micro_batches(batch, budget)
    widths = [max(1 + replies[row] for row in part) for part in parts]
    assert widths == sorted(widths, reverse=True)
    most = max(len(part) * width for part, width in zip(parts, widths, strict=True))
    first = len(parts[0]) * widths[0]
    assert first >= most or first + widths[0] > budget


def test_memory_runs_out_before_anything_was_learned_in_vain(model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = collate([sample((5,), tuple(range(6, 6 + reply))) for reply in range(1, 10)])
    learner = Learner(model, LearnerConfig(micro_batch_tokens=20, share_prompts=False))
    asked: list[int] = []

    def short_of_memory(model: Any, part: TokenBatch, *rest: Any, **more: Any) -> Scored:
        asked.append(part.ids_BT.numel())
        if asked[-1] > 12:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return score(model, part, *rest, **more)

    monkeypatch.setattr(scorer_module, "score", short_of_memory)
    learner.update(batch, ALGORITHMS["reinforce"])
    # 2 rows of 10 are too many at once; by half of that the 9 messages, 2 to 10 tokens long, make 7 micro-batches
    assert asked == [20, 10, 9, 8, 7, 6, 10, 6]


messages = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), min_size=1, max_size=10)


@given(messages, st.integers(1, 60), st.booleans())
def test_every_row_once_and_the_budget_kept(drawn: list[tuple[int, int]], budget: int, share: bool) -> None:
    batch: TokenBatch = collate([sample((5,) * (1 + prompt), tuple(range(6, 6 + reply))) for prompt, reply in drawn])
    parts = micro_batches(batch, budget, share=share)
    assert sorted(row for part in parts for row in part) == list(range(len(drawn)))
    for part in parts:
        if len(part) == 1:
            continue
        if share:  # a prompt may stand there twice, where its replies had to be parted
            prompts = {drawn[row][0] for row in part}
            assert sum(1 + prompt for prompt in prompts) + sum(drawn[row][1] for row in part) <= budget
        else:
            assert len(part) * max(1 + drawn[row][0] + drawn[row][1] for row in part) <= budget


@pytest.mark.parametrize("share", [False, True])
def test_a_budget_below_a_single_message_gives_single_messages(share: bool) -> None:
    assert all(len(part) == 1 for part in micro_batches(BATCH, 1, share=share))
