"""Log-probabilities and entropies of a micro-batch's sampled tokens under a model, packed or padded.

Legend of shape suffixes: B messages, P packed rows, T token positions, N sampled tokens of a micro-batch, H width,
V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .adapters import has_adapters, speaking_as
from .batch import TokenBatch
from .cpu_matmul import BlockLinear, CpuLinear
from .packed_attention import use_packed_attention
from .packing import can_share_prompts, pack
from .token_logprobs import token_logprobs

PLAIN_HEADS = frozenset({"llama", "mistral", "qwen2", "qwen3", "smollm3"})
"""Model types whose logits are hidden states times the output matrix, and nothing else (no soft cap, no scale)."""


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
        share: Pack the micro-batch and compute equal prompts once, see `agents.packing`; else pad.
        value_head: Maps hidden states (N, H) to values (N, 1).
        wants_entropy: The entropy's gradient is wanted.
    """
    device = model.device
    causal: Any = cast(Any, model).get_base_model() if has_adapters(model) else model
    head = plain_head(causal)
    laid = _packed(part, causal) if share else _padded(part, device, head is not None)
    inputs: dict[str, Any] = {**laid.inputs, "use_cache": False}
    token_N = part.ids_BT[part.mask_BT].to(device)
    hidden_NH = torch.zeros(0, device=device)
    if head is not None or value_head is not None:
        hidden_NH = causal.get_decoder()(**inputs).last_hidden_state[:, -laid.keep :].flatten(0, 1).index_select(0, laid.at_N)
    if head is not None:
        logprob_N, entropy_N = token_logprobs(hidden_NH, head.weight, token_N, temperature, one_dnn=isinstance(head, CpuLinear))
    else:
        logits_NV = model(**inputs, logits_to_keep=laid.keep).logits.flatten(0, 1)[laid.at_N]
        all_NV = torch.log_softmax(logits_NV.float() / temperature, -1)
        logprob_N = all_NV.gather(-1, token_N[:, None])[:, 0]
        with torch.set_grad_enabled(torch.is_grad_enabled() and wants_entropy):
            entropy_N = -(all_NV.exp() * all_NV).sum(-1)
    value_N = None if value_head is None else value_head(hidden_NH.to(next(value_head.parameters()).dtype))[:, 0]
    return Scored(logprob_N, entropy_N, value_N, inputs["input_ids"].numel(), laid.used)


@torch.no_grad()
def look(
    model: PreTrainedModel,
    batch: TokenBatch,
    parts: Sequence[tuple[str | None, Sequence[int]]],
    temperature: float,
    *,
    share: bool = False,
    value_head: nn.Module | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities, entropies and values of all sampled tokens, without gradient.

    Args:
        model: As for `score`.
        batch: All messages.
        parts: Micro-batches that cover it, each with the adapter that speaks in it; None leaves the one that is active.
        temperature: Divides the logits.
        share: As for `score`.
        value_head: As for `score`; without one, values are 0.

    Returns:
        Three tensors (B, T), float32 on the CPU, 0 off the mask.
    """
    found = tuple(torch.zeros(batch.mask_BT.shape, dtype=torch.float32) for _ in range(3))
    for adapter, rows in parts:
        with nullcontext() if adapter is None else speaking_as(model, adapter):
            scored = score(model, batch.rows(rows), temperature, share=share, value_head=value_head)
        index = list(rows)
        for whole_BT, values_N in zip(found, (scored.logprob_N, scored.entropy_N, scored.value_N), strict=True):
            if values_N is not None:
                own_BT = whole_BT[index]
                own_BT[batch.mask_BT[index]] = values_N.float().cpu()
                whole_BT[index] = own_BT
    return found[0], found[1], found[2]


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
        raise ValueError("this model cannot share prompts, see `agents.packing.can_share_prompts`; score it with share=False.")
    use_packed_attention(causal)
    device, wide = causal.device, torch.promote_types(causal.dtype, torch.float32)
    packed = pack(part, device, wide if device.type == "cpu" else causal.dtype)
    used = packed.ids_1T.numel()
    inputs = {"input_ids": packed.ids_1T, "position_ids": packed.position_1T, "segments": packed.segments}
    none_1111 = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)  # of four dimensions: transformers makes no mask then
    return _Layout({**inputs, "attention_mask": none_1111}, used, packed.predictor_N, used)


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
    return _Layout({name: one.to(device) for name, one in inputs.items()}, keep, at_N.to(device), used)


def plain_head(model: PreTrainedModel) -> nn.Linear | None:
    """The output layer, if logits are hidden states times its weight and nothing else."""
    head = model.get_output_embeddings()
    known = getattr(model.config, "model_type", "") in PLAIN_HEADS
    return head if known and type(head) in (nn.Linear, CpuLinear, BlockLinear) and getattr(head, "bias", None) is None else None
