from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from transformers import PreTrainedModel

from agents.decoding.kv_cache import PreallocatedCache
from agents.decoding.one_token import OneToken
from agents.models.loading import load_model
from tests.helpers.toys import build_model


@torch.no_grad()
def read(model: PreTrainedModel, ids_BT: torch.Tensor, seen_BT: torch.Tensor, room: int) -> PreallocatedCache:
    """A cache of left-padded prompts with room for more."""
    cache = PreallocatedCache(model)
    position_BT = (seen_BT.long().cumsum(-1) - 1).clamp(min=0)
    model(
        input_ids=ids_BT, attention_mask=seen_BT.long(), position_ids=position_BT, past_key_values=cache.cache, use_cache=True
    )
    cache.select(torch.arange(len(ids_BT)), room)
    return cache


@pytest.mark.parametrize("name", ["toy", "tiny"])
def test_it_is_the_model_s_own_pass_step_after_step(name: str) -> None:
    """The toy has two heads of queries for one of keys."""
    model = build_model() if name == "toy" else load_model("tiny", device="cpu", short_cuts="none")[0]
    ids_BT = torch.tensor([[0, 0, 5, 6, 7], [8, 9, 10, 11, 12], [0, 13, 14, 15, 16]])
    seen_BT = torch.ones(3, 8, dtype=torch.bool)
    seen_BT[0, :2] = seen_BT[2, 0] = False
    own, short = (read(model, ids_BT, seen_BT[:, :5], 8) for _ in range(2))
    one_token = OneToken.of(model, short)
    assert one_token is not None
    token_B = torch.tensor([4, 5, 6])
    for step in range(3):
        position_B1 = torch.tensor([[3], [5], [4]]) + step
        so_far_BT = seen_BT[:, : 6 + step]
        with torch.no_grad():
            wanted_BV = model(
                input_ids=token_B[:, None],
                attention_mask=so_far_BT.long(),
                position_ids=position_B1,
                past_key_values=own.cache,
                use_cache=True,
            ).logits[:, -1]
            found_BV = one_token(token_B, position_B1, so_far_BT, short)
        torch.testing.assert_close(found_BV, wanted_BV, atol=1e-5, rtol=1e-5)
        for mine, theirs in zip(short.cache.layers, own.cache.layers, strict=True):
            torch.testing.assert_close(mine.keys, theirs.keys, atol=1e-5, rtol=1e-5)
            torch.testing.assert_close(mine.values, theirs.values, atol=1e-5, rtol=1e-5)
        token_B = wanted_BV.argmax(-1)


def test_it_leaves_alone_what_it_does_not_know() -> None:
    def known(model: Any) -> bool:
        return OneToken.of(model, PreallocatedCache(model)) is not None

    assert known(build_model())
    assert not known(cast(Any, build_model()).to(torch.bfloat16))
    watched = build_model()
    handle = watched.get_decoder().layers[0].register_forward_hook(lambda *args: None)  # type: ignore[union-attr]
    assert not known(watched)
    handle.remove()
    assert known(watched)
    eager = cast(Any, build_model())
    eager.set_attn_implementation("eager")
    assert not known(eager)
