from __future__ import annotations

import torch
from transformers import PreTrainedModel

from agents.kv_cache import RoomyCache


def test_written_in_place_it_predicts_what_a_whole_pass_predicts(model: PreTrainedModel) -> None:
    ids = torch.tensor([[5, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15, 16]])
    rows = torch.tensor([1, 0, 1])
    cache = RoomyCache(model)
    with torch.no_grad():
        model(input_ids=ids[:, :3], past_key_values=cache.cache, use_cache=True)
        cache.select(rows, 6)
        for column in range(3, 6):
            if column == 5:  # one row leaves
                rows = rows[:2]
                cache.select(torch.tensor([0, 1]), 6)
            position = torch.full((len(rows), 1), column)
            out = model(
                input_ids=ids[rows, column : column + 1], position_ids=position, past_key_values=cache.cache, use_cache=True
            )
        whole = model(input_ids=ids[rows]).logits[:, -1]
    torch.testing.assert_close(out.logits[:, -1], whole, atol=1e-5, rtol=1e-5)


def test_without_room_it_grows_as_transformers_does(model: PreTrainedModel) -> None:
    cache = RoomyCache(model)
    with torch.no_grad():
        for _ in range(3):
            model(input_ids=torch.tensor([[5]]), past_key_values=cache.cache, use_cache=True)
    assert cache.cache.get_seq_length() == 3
