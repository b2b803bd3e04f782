"""Batches of similar length, within their limits."""

from __future__ import annotations

import pytest

from agents.judges.classifier import batches


@pytest.mark.parametrize(
    ("lengths", "limit", "most", "wanted"),
    [
        ([], 10, 5, []),
        ([5, 1, 3], 100, 5, [[1, 2, 0]]),
        ([5, 1, 3], 6, 5, [[1, 2], [0]]),
        ([5, 1, 3], 5, 5, [[1], [2], [0]]),
        ([4, 4, 4], 8, 5, [[0, 1], [2]]),
        ([9, 9], 4, 5, [[0], [1]]),
        ([1, 1, 1], 100, 2, [[0, 1], [2]]),
    ],
)
def test_padding_counts_and_a_long_text_is_alone(lengths: list[int], limit: int, most: int, wanted: list[list[int]]) -> None:
    assert batches(lengths, limit, most) == wanted
