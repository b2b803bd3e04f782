"""Log-probabilities and entropies of a micro-batch's sampled tokens under a model, packed or padded.

Legend of shape suffixes: B messages, P packed rows, T token positions, N sampled tokens of a micro-batch, H width,
V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..batching.batch import TokenBatch
from ..batching.packing import pack
from ..kernels.cpu_matmul import CpuLinear
from ..kernels.packed_attention import use_packed_attention
from ..kernels.token_logprobs import token_logprobs
from .adapters import has_adapters, use_adapter
from .families import can_share_prompts, plain_head


@dataclass(frozen=True, slots=True)
class Scored:
    """One number per sampled token, in the order of the micro-batch's mask."""

    logprob_N: Tensor
    """Nats, with gradient."""
    entropy_N: Tensor
    """Exact, over the vocabulary, in nats; with gradient where the model's head is plain or `wants_entropy` says so."""
    value_N: Tensor | None
    """Of the state before the token, where a value head is given."""
    slots: int
    """Positions that the model computed, padding included."""
    used: int
    """Those that are not padding."""


class BatchScores(NamedTuple):
    """Numbers (B, T) of all sampled tokens of a batch, without gradient: float32 on the CPU, 0 off the mask."""

    logprobs_BT: Tensor
    entropy_BT: Tensor | None = None
    values_BT: Tensor | None = None
    """Of the state before the token; None without a value head."""


def score(
    model: PreTrainedModel,
    part: TokenBatch,
    temperature: float,
    *,
    share: bool = False,
    value_head: nn.Module | None = None,
    wants_entropy: bool = False,
) -> Scored:
    """Scores the sampled tokens of a micro-batch; logits of other positions are never computed.

    Args:
        model: A causal LM of transformers, with or without adapters.
        part: A micro-batch.
        temperature: Divides the logits.
        share: Pack the micro-batch and compute equal prompts once, see `agents.batching.packing`; else pad.
        value_head: Maps hidden states (N, H) to values (N, 1).
        wants_entropy: The entropy has a gradient too, whatever the head.
    """
    device = model.device
    causal: Any = cast(Any, model).get_base_model() if has_adapters(model) else model
    head = plain_head(causal)
    layout = _packed(part, causal) if share else _padded(part, device, head is not None)
    inputs: dict[str, Any] = {**layout.inputs, "use_cache": False}
    token_N = part.ids_BT[part.mask_BT].to(device)
    hidden_NH = torch.zeros(0, device=device)
    if head is not None or value_head is not None:
        hidden_BTH = causal.get_decoder()(**inputs).last_hidden_state[:, -layout.keep :]
        hidden_NH = hidden_BTH.flatten(0, 1).index_select(0, layout.at_N)
    if head is not None:
        logprob_N, entropy_N = token_logprobs(hidden_NH, head.weight, token_N, temperature, one_dnn=isinstance(head, CpuLinear))
    else:
        logits_NV = model(**inputs, logits_to_keep=layout.keep).logits.flatten(0, 1)[layout.at_N]
        all_NV = torch.log_softmax(logits_NV.float() / temperature, -1)
        logprob_N = all_NV.gather(-1, token_N[:, None])[:, 0]
        with torch.set_grad_enabled(torch.is_grad_enabled() and wants_entropy):
            entropy_N = -(all_NV.exp() * all_NV).sum(-1)
    value_N = None if value_head is None else value_head(hidden_NH.to(next(value_head.parameters()).dtype))[:, 0]
    return Scored(logprob_N, entropy_N, value_N, inputs["input_ids"].numel(), layout.used)


@torch.no_grad()
def score_batch(
    model: PreTrainedModel,
    batch: TokenBatch,
    parts: Sequence[tuple[str | None, Sequence[int]]],
    temperature: float,
    *,
    share: bool = False,
    value_head: nn.Module | None = None,
) -> BatchScores:
    """Log-probabilities, entropies and values of all sampled tokens, without gradient.

    Args:
        model: As for `score`.
        batch: All messages.
        parts: Micro-batches that cover it, each with the adapter that scores it; None leaves the one that is active.
        temperature: Divides the logits.
        share: As for `score`.
        value_head: As for `score`.
    """
    logprobs_BT, entropy_BT, values_BT = (torch.zeros(batch.mask_BT.shape, dtype=torch.float32) for _ in range(3))
    for adapter, rows in parts:
        with nullcontext() if adapter is None else use_adapter(model, adapter):
            scored = score(model, batch.rows(rows), temperature, share=share, value_head=value_head)
        _put(logprobs_BT, batch, rows, scored.logprob_N)
        _put(entropy_BT, batch, rows, scored.entropy_N)
        if scored.value_N is not None:
            _put(values_BT, batch, rows, scored.value_N)
    return BatchScores(logprobs_BT, entropy_BT, None if value_head is None else values_BT)


def _put(whole_BT: Tensor, batch: TokenBatch, rows: Sequence[int], values_N: Tensor) -> None:
    """Writes one number per sampled token of some messages to their places."""
    index = list(rows)
    part_BT = whole_BT[index]
    part_BT[batch.mask_BT[index]] = values_N.float().cpu()
    whole_BT[index] = part_BT


@dataclass(frozen=True, slots=True)
class _Layout:
    """Inputs of the model, how many last columns matter, where in them each sampled token is predicted, positions in use."""

    inputs: dict[str, Any]
    keep: int
    at_N: Tensor
    used: int


def _packed(part: TokenBatch, causal: PreTrainedModel) -> _Layout:
    """One row for all messages."""
    if not can_share_prompts(causal):
        raise ValueError(
            "this model cannot share prompts, see `agents.models.families.can_share_prompts`; score it with share=False."
        )
    use_packed_attention(causal)
    device, wide = causal.device, torch.promote_types(causal.dtype, torch.float32)
    packed = pack(part, device, wide if device.type == "cpu" else causal.dtype)
    used = packed.ids_1T.numel()
    inputs = {"input_ids": packed.ids_1T, "position_ids": packed.position_1T, "segments": packed.segments}
    no_mask_1111 = torch.ones(
        1, 1, 1, 1, dtype=torch.bool, device=device
    )  # of four dimensions: transformers makes no mask then
    return _Layout({**inputs, "attention_mask": no_mask_1111}, used, packed.predictor_N, used)


def _padded(part: TokenBatch, device: torch.device, plain: bool) -> _Layout:
    """One row for each message."""
    used, columns = int(part.attention_BT.sum()), part.ids_BT.shape[1]
    if plain:
        # aligned on the left: what follows a message cannot be seen from it, so no mask is needed and attention skips its half
        shift_B1 = columns - part.attention_BT.sum(-1, keepdim=True)
        source_BT = (torch.arange(columns) + shift_B1) % columns
        at = part.mask_BT.nonzero()
        at_N = at[:, 0] * columns + at[:, 1] - shift_B1[at[:, 0], 0] - 1
        return _Layout({"input_ids": part.ids_BT.gather(1, source_BT).to(device)}, columns, at_N.to(device), used)
    attention = part.attention_BT.long()
    keep = int(part.mask_BT.sum(-1).max()) + 1
    at_N = part.mask_BT[:, -keep + 1 :].nonzero() @ torch.tensor([keep, 1])
    position = (attention.cumsum(-1) - 1).clamp(min=0)
    inputs = {"input_ids": part.ids_BT, "attention_mask": attention, "position_ids": position}
    return _Layout({name: tensor.to(device) for name, tensor in inputs.items()}, keep, at_N.to(device), used)
