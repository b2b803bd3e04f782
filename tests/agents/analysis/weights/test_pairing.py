from __future__ import annotations

import pytest
import torch

from agents.analysis.weights.pairing import Unmatched, pair
from agents.analysis.weights.sources import read_all
from tests.helpers.checkpoints import in_memory

ONE = torch.ones(2, 2)


def test_what_is_not_in_all_or_has_other_shapes_is_listed() -> None:
    start = in_memory({"layers.0.q_proj.weight": ONE, "only.start": ONE, "table": ONE}, "start")
    end = in_memory({"only.end": ONE, "layers.0.q_proj.weight": 2 * ONE, "table": torch.ones(3, 2)}, "end")
    found = pair([start, end])
    assert [shared.name for shared in found.shared] == ["layers.0.q_proj.weight"]
    assert [float(read_all(source)[0, 0]) for source in found.shared[0].sources] == [1, 2]
    assert found.weights == 4
    assert found.unmatched == (
        Unmatched("only.start", "only in start"),
        Unmatched("table", "shapes differ: 2x2 and 3x2"),
        Unmatched("only.end", "only in end"),
    )


def test_three_checkpoints() -> None:
    tables = [{"a": ONE, "b": ONE}, {"a": ONE, "b": ONE}, {"a": ONE}]
    found = pair([in_memory(tensors, name) for tensors, name in zip(tables, "xyz", strict=True)])
    assert [(shared.name, len(shared.sources)) for shared in found.shared] == [("a", 3)]
    assert found.unmatched == (Unmatched("b", "only in x and y"),)


def test_a_head_of_its_own_is_compared_with_the_embedding_that_another_is_tied_to() -> None:
    tied = in_memory({"embed_tokens.weight": ONE}, "tied", tied=True)
    free = in_memory({"embed_tokens.weight": ONE, "lm_head.weight": 3 * ONE}, "free")
    for checkpoints, values in (([tied, free], [1, 3]), ([free, tied], [3, 1])):
        found = pair(checkpoints)
        assert found.unmatched == ()
        assert [shared.name for shared in found.shared] == ["embed_tokens.weight", "lm_head.weight"]
        assert [float(read_all(source)[0, 0]) for source in found.shared[1].sources] == values


def test_where_both_are_tied_the_embedding_counts_once() -> None:
    assert pair([in_memory({"wte.weight": ONE}, tied=True)] * 2).weights == 4


def test_a_head_that_is_missing_and_not_tied_is_listed() -> None:
    start = in_memory({"embed_tokens.weight": ONE, "lm_head.weight": ONE}, "start")
    assert pair([start, in_memory({"embed_tokens.weight": ONE})]).unmatched == (Unmatched("lm_head.weight", "only in start"),)


def test_nothing_in_common_is_one_sentence() -> None:
    with pytest.raises(
        ValueError,
        match=r"^no weight of 'a' has name and shape of one of 'b' \(they begin with 'x' and 'y'\); pass two checkpoints of",
    ):
        pair([in_memory({"x": ONE}, "a"), in_memory({"y": ONE}, "b")])
