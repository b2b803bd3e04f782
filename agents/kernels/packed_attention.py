"""Attention inside one row that holds many sequences: each sees itself, and a reply sees its prompt too.

Sequences of similar length attend as a batch of their own, through torch's `scaled_dot_product_attention` as ever. A reply's
keys are those of its prompt and its own, so what is computed is what a row of its own would compute, and no mask over the whole
row exists: its size would be the square of all tokens.

Legend of shape suffixes: T positions of the row, S sequences of a batch, L their queries, K their keys, H heads, D their width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

PACKED = "sdpa_packed"
"""As transformers knows it."""
ALIGNED = 16
"""Numbers of which a mask's rows must be a multiple, or torch's memory-efficient kernel copies the mask."""
PER_CALL = 1 << 14
"""Pairs of a query and a key, per head, that cost about as much as one more call."""
Attention = Callable[..., tuple[Tensor, None]]


@dataclass(frozen=True, slots=True)
class Span:
    """A sequence in the row: where it lies, and where the prompt lies that it sees; none of 0 tokens."""

    start: int
    length: int
    prompt_start: int = 0
    prompt_length: int = 0

    @property
    def keys(self) -> int:
        """Keys that its last token sees."""
        return self.prompt_length + self.length


NO_PROMPT = Span(0, 0)


@dataclass(frozen=True, slots=True)
class SequenceBatch:
    """Sequences that attend together, padded: prompts on the left, sequences on the right."""

    query_SL: Tensor
    """Positions in the row; 0 for padding."""
    key_SK: Tensor
    mask_S1LK: Tensor | None
    """0 where a query sees a key, -inf where not; None: causal."""

    @classmethod
    def of(cls, spans: Sequence[Span], device: torch.device, dtype: torch.dtype) -> Self:
        """Spans that all have a prompt to see, or none of which has."""
        start, length, prompt_start, prompt_length = (
            torch.tensor([getattr(span, name) for span in spans], device=device)[:, None]
            for name in ("start", "length", "prompt_start", "prompt_length")
        )
        column_L = torch.arange(max(span.length for span in spans), device=device)
        column_P = torch.arange(max(span.prompt_length for span in spans), device=device)
        query_SL = torch.where(column_L < length, start + column_L, 0)
        if not len(column_P):
            return cls(query_SL, query_SL, None)
        before_SP = column_P < prompt_length
        key_SK = torch.cat([torch.where(before_SP, prompt_start + column_P, 0), query_SL], 1)
        causal_LL = column_L[:, None] >= column_L
        size = len(spans), len(column_L), -1
        seen_SLK = torch.cat([before_SP[:, None].expand(size), causal_LL.expand(size)], 2)
        # numbers, as torch would make them of booleans in every layer anew; rows as a GPU's kernel wants them
        wide_SLK = torch.zeros(*seen_SLK.shape[:2], -(-seen_SLK.shape[2] // ALIGNED) * ALIGNED, device=device, dtype=dtype)
        mask_SLK = wide_SLK[..., : seen_SLK.shape[2]].masked_fill_(~seen_SLK, float("-inf"))
        return cls(query_SL, key_SK, mask_SLK[:, None])


@dataclass(frozen=True, slots=True)
class Segments:
    """How a row of T positions is cut."""

    batches: tuple[SequenceBatch, ...]
    place_T: Tensor
    """Where every position is found among the batches' queries, one batch after the other."""

    @classmethod
    def of(cls, spans: Sequence[Span], device: torch.device, dtype: torch.dtype) -> Self:
        """Spans that cover a row.

        Args:
            spans: One behind the other.
            device: Of the model.
            dtype: One that attention takes a mask in: that of the queries, or float32 on a processor.
        """
        batches, behind = list[SequenceBatch](), 0
        place_T = torch.zeros(sum(span.length for span in spans), dtype=torch.long)
        for alike in similar(spans):
            made = SequenceBatch.of(alike, device, dtype)
            width = made.query_SL.shape[1]
            for number, span in enumerate(alike):
                place_T[span.start : span.start + span.length] = behind + number * width + torch.arange(span.length)
            batches.append(made)
            behind += made.query_SL.numel()
        return cls(tuple(batches), place_T.to(device))


def similar(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans in batches whose padding costs less than half of what is useful, or than another call.

    Those that see a prompt and those that see none are apart.
    """
    alike: list[list[Span]] = []
    prompt = longest = useful = 0
    for span in sorted(spans, key=lambda span: (span.prompt_length > 0, span.keys, span.length)):
        prompt, longest = max(prompt, span.prompt_length), max(longest, span.length)
        useful += span.length * span.keys
        same_kind = alike and (alike[-1][0].prompt_length > 0) == (span.prompt_length > 0)
        if not same_kind or longest * (prompt + longest) * (len(alike[-1]) + 1) > useful + max(PER_CALL, useful // 2):
            alike.append([])
            prompt, longest, useful = span.prompt_length, span.length, span.length * span.keys
        alike[-1].append(span)
    return alike


def attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **given: Any
) -> tuple[Tensor, None]:
    """As transformers' `sdpa`, but that on a processor groups of queries never copy the keys that they share."""
    if attention_mask is None or query.device.type != "cpu" or query.shape[1] == key.shape[1]:
        return cast(Any, sdpa_attention_forward)(module, query, key, value, attention_mask, **given)
    scale, dropout = given.get("scaling"), given.get("dropout", 0.0)
    out = scaled_dot_product_attention(query, key, value, attention_mask, dropout, scale=scale, enable_gqa=True)
    return out.transpose(1, 2).contiguous(), None


def over_segments(forward: Attention) -> Attention:
    """`forward` as it is, or, given `segments`, for every batch of one row that is cut so.

    Args:
        forward: Such as `attention`: from queries, keys and values (batch, heads, length, width) and a mask to (batch, length,
            heads, width).
    """

    def attend(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        *,
        segments: Segments | None = None,
        **given: Any,
    ) -> tuple[Tensor, None]:
        if segments is None:
            return forward(module, query, key, value, attention_mask, **given)
        query_THD, key_THD, value_THD = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
        outputs: list[Tensor] = []
        for batch in segments.batches:
            inputs = _rows(query_THD, batch.query_SL), _rows(key_THD, batch.key_SK), _rows(value_THD, batch.key_SK)
            out_SLHD, _ = forward(module, *inputs, batch.mask_S1LK, **{**given, "is_causal": batch.mask_S1LK is None})
            outputs.append(out_SLHD.flatten(0, 1))
        return torch.cat(outputs).index_select(0, segments.place_T)[None], None

    return attend


def _rows(tensor_THD: Tensor, at_SL: Tensor) -> Tensor:
    """(S, H, L, D)."""
    return tensor_THD.index_select(0, at_SL.flatten()).unflatten(0, at_SL.shape).transpose(1, 2)


def use_packed_attention(model: PreTrainedModel) -> None:
    """Has a model that takes transformers' `sdpa` take it over segments too; calls without them stay as they are."""
    if getattr(model.config, "_attn_implementation", None) == "sdpa":
        cast(Any, model).set_attn_implementation(PACKED)


AttentionInterface.register(PACKED, cast(Any, over_segments(attention)))
AttentionMaskInterface.register(PACKED, sdpa_mask)
