"""Attention of bfloat16 models on processors: short sequences in float32, where torch's kernel is several times faster.

torch's attention kernel for processors multiplies bfloat16 block by block, and its backward pass gains nothing from it before
sequences are long: with 4 heads of 32 and 92 tokens a forward and backward pass took 7.2 ms in bfloat16 and 2.7 ms in float32,
conversions included; with 9 heads of 64 and 128 tokens 21 and 13 ms; with 574 tokens 43 and 51 ms. Single queries against a
cache gain most: with 32 rows and 128 keys 2.8 ms in bfloat16 and 0.36 against a cache that holds float32, as `kv_cache`
therefore does; with 2,048 keys 51 and 10 (AMD EPYC, Zen 5). Other precisions, devices and lengths take transformers' own way.
The results differ by rounding, in float32's favour.
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
"""Keys up to which float32 is faster."""


def attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **given: Any
) -> tuple[Tensor, None]:
    """As transformers' `sdpa`; all tensors (batch, heads, length, width)."""
    forward = packed_attention.attention
    cached = key.dtype == torch.float32  # see `cached_dtype`
    short = query.shape[2] > 1 and key.shape[2] <= SHORT
    if query.dtype != torch.bfloat16 or query.device.type != "cpu" or not (short or cached):
        return forward(module, query, key, value, attention_mask, **given)
    out, _ = forward(module, query.float(), key.float(), value.float(), attention_mask, **given)
    return out.to(query.dtype), None


def cached_dtype(model: PreTrainedModel) -> torch.dtype | None:
    """Precision of a cache for many single queries, where that is not the model's own."""
    kernel = getattr(model.config, "_attn_implementation", None)
    in_float32 = kernel == SHORT_FLOAT32 and model.dtype == torch.bfloat16 and model.device.type == "cpu"
    return torch.float32 if in_float32 else None


def use_short_float32(model: PreTrainedModel, *, undo: bool = False) -> None:
    """Has a model that takes transformers' `sdpa` take `attention` instead, or the other way round; others stay as they are."""
    before, after = ((SHORT_FLOAT32,), "sdpa") if undo else (("sdpa", PACKED), SHORT_FLOAT32)
    if getattr(model.config, "_attn_implementation", None) in before:
        cast(Any, model).set_attn_implementation(after)


AttentionInterface.register(SHORT_FLOAT32, cast(Any, over_segments(attention)))
AttentionMaskInterface.register(SHORT_FLOAT32, sdpa_mask)
