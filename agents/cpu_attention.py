"""Attention of bfloat16 models on processors: short sequences in float32, where torch's kernel is several times faster.

torch's attention kernel for processors multiplies bfloat16 block by block, and its backward pass gains nothing from it before
sequences are long: with 4 heads of 32 and 92 tokens a forward and backward pass took 7.2 ms in bfloat16 and 2.7 ms in float32,
conversions included; with 9 heads of 64 and 128 tokens 21 and 13 ms; with 574 tokens 43 and 51 ms. Other precisions, devices
and lengths take transformers' own way, and so do single queries against a cache, all of which would have to be converted for
each. The results differ by rounding, in float32's favour.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from . import packed_attention
from .packed_attention import PACKED, over_segments

SHORT_FLOAT32 = "sdpa_short_float32"
"""As transformers knows it."""
SHORT = 256
"""Keys up to which float32 pays."""


def attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **given: Any
) -> tuple[Tensor, None]:
    """As transformers' `sdpa`; all tensors (batch, heads, length, width)."""
    forward = packed_attention.attention
    short = query.shape[2] > 1 and key.shape[2] <= SHORT
    if query.dtype != torch.bfloat16 or query.device.type != "cpu" or not short:
        return forward(module, query, key, value, attention_mask, **given)
    out, _ = forward(module, query.float(), key.float(), value.float(), attention_mask, **given)
    return out.to(query.dtype), None


def use_short_float32(model: PreTrainedModel, *, undo: bool = False) -> None:
    """Has a model that takes transformers' `sdpa` take `attention` instead, or the other way round; others stay as they are."""
    before, after = ((SHORT_FLOAT32,), "sdpa") if undo else (("sdpa", PACKED), SHORT_FLOAT32)
    if getattr(model.config, "_attn_implementation", None) in before:
        cast(Any, model).set_attn_implementation(after)


AttentionInterface.register(SHORT_FLOAT32, cast(Any, over_segments(attention)))
AttentionMaskInterface.register(SHORT_FLOAT32, sdpa_mask)
