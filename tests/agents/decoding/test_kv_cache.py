from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from agents.decoding.kv_cache import PreallocatedCache
from agents.kernels.cpu_attention import use_short_float32
from agents.learner.master_weights import round_weights


def test_written_in_place_it_predicts_what_a_whole_pass_predicts(model: PreTrainedModel) -> None:
    ids = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15, 16]])
    rows = torch.tensor([1, 0, 1])
    cache = PreallocatedCache(model)
    with torch.no_grad():
        model(input_ids=ids[:, :3], past_key_values=cache.cache, use_cache=True)
        cache.select(rows, 6)
        for column in range(3, 6):
            if column == 5:  # one row leaves, and the last one takes its place
                left = cache.drop(torch.tensor([True, False, False]))
                assert left.tolist() == [2, 1]
                rows = rows[left]
            position = torch.full((len(rows), 1), column)
            out = model(
                input_ids=ids[rows, column : column + 1], position_ids=position, past_key_values=cache.cache, use_cache=True
            )
        whole = model(input_ids=ids[rows]).logits[:, -1]
    torch.testing.assert_close(out.logits[:, -1], whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("short", [True, False])
def test_where_attention_is_float32_the_cache_of_a_bfloat16_model_is_too(model: PreTrainedModel, short: bool) -> None:
    round_weights(model, torch.bfloat16)
    if short:
        use_short_float32(model)
    ids, cache = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15, 16]]), PreallocatedCache(model)
    with torch.no_grad():
        model(input_ids=ids[:, :4], past_key_values=cache.cache, use_cache=True)
        cache.select(torch.tensor([0, 1, 1]), 6)
        out = model(input_ids=ids[[0, 1, 1], 4:5], past_key_values=cache.cache, use_cache=True)
        whole = model(input_ids=ids[[0, 1, 1], :5]).logits[:, -1]
    layers: list[Any] = list(cache.cache.layers)
    [dtype] = {one.dtype for layer in layers for one in (layer.keys, layer.values)}
    assert dtype == (torch.float32 if short else torch.bfloat16)
    assert out.logits.dtype == torch.bfloat16
    torch.testing.assert_close(out.logits[:, -1], whole, atol=0.05, rtol=0.05)


def test_without_room_it_grows_as_transformers_does(model: PreTrainedModel) -> None:
    cache = PreallocatedCache(model)
    with torch.no_grad():
        for _ in range(3):
            model(input_ids=torch.tensor([[5]]), past_key_values=cache.cache, use_cache=True)
    assert cache.cache.get_seq_length() == 3


def filled(model: PreTrainedModel, rows: int) -> PreallocatedCache:
    cache = PreallocatedCache(model)
    with torch.no_grad():
        model(input_ids=torch.arange(4, 4 + 3 * rows).view(rows, 3), past_key_values=cache.cache, use_cache=True)
    cache.select(torch.arange(rows), 5)
    return cache


def test_rows_that_are_done_leave_and_only_as_many_others_move(model: PreTrainedModel) -> None:
    cache, before = filled(model, 6), filled(model, 6)
    addresses = [layer.keys.data_ptr() for layer in cache.cache.layers]  # type: ignore[union-attr]
    left = cache.drop(torch.tensor([False, True, False, True, False, True]))
    assert left.tolist() == [0, 4, 2]
    for layer, old in zip(cache.cache.layers, before.cache.layers, strict=True):
        assert torch.equal(layer.keys, old.keys[left])  # type: ignore[index]
        assert torch.equal(layer.values, old.values[left])  # type: ignore[index]
    assert cache.drop(torch.tensor([False, False, True])).tolist() == [0, 1]  # the last one: nobody moves
    assert [layer.keys.data_ptr() for layer in cache.cache.layers] == addresses  # type: ignore[union-attr] - in place
    assert cache.cache.layers[0].keys.shape[0] == 2  # type: ignore[union-attr]
