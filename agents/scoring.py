"""Log-probabilities and entropies of a micro-batch's sampled tokens under a model, packed or padded.

Legend of shape suffixes: B messages, P packed rows, T token positions, N sampled tokens of a micro-batch, H width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .adapters import has_adapters
from .batch import TokenBatch
from .packing import pack, prompt_groups
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
        share: Compute equal prompts once; see `agents.packing`.
        value_head: Maps hidden states (N, H) to values (N, 1).
        wants_entropy: The entropy's gradient is wanted.
    """
    device = model.device
    token_N = part.ids_BT[part.mask_BT].to(device)
    if share:
        packed = pack(part, prompt_groups(part))
        ids, position, keep = packed.ids_PT, packed.position_PT, packed.keep
        attention = packed.mask_P1TT
        at_N, used = packed.predictor_N, packed.used
    else:
        ids, attention = part.ids_BT, part.attention_BT.long()
        position = (attention.cumsum(-1) - 1).clamp(min=0)
        keep = int(part.mask_BT.sum(-1).max()) + 1
        at_N = part.mask_BT[:, -keep + 1 :].nonzero() @ torch.tensor([keep, 1])
        used = int(part.attention_BT.sum())
    inputs: dict[str, Any] = {
        "input_ids": ids.to(device),
        "attention_mask": attention.to(device),
        "position_ids": position.to(device),
        "use_cache": False,
    }
    hidden_NH, head = _hidden_states(model, inputs, keep, at_N.to(device), with_hidden=value_head is not None)
    if head is not None:
        logprob_N, entropy_N = token_logprobs(hidden_NH, head, token_N, temperature)
    else:
        logits_NV = model(**inputs, logits_to_keep=keep).logits.flatten(0, 1)[at_N.to(device)]
        all_NV = torch.log_softmax(logits_NV.float() / temperature, -1)
        logprob_N = all_NV.gather(-1, token_N[:, None])[:, 0]
        with torch.set_grad_enabled(torch.is_grad_enabled() and wants_entropy):
            entropy_N = -(all_NV.exp() * all_NV).sum(-1)
    value_N = None if value_head is None else value_head(hidden_NH.to(next(value_head.parameters()).dtype))[:, 0]
    return Scored(logprob_N, entropy_N, value_N, ids.numel(), used)


def plain_head(model: PreTrainedModel) -> nn.Linear | None:
    """The output layer, if logits are hidden states times its weight and nothing else."""
    head = model.get_output_embeddings()
    known = getattr(model.config, "model_type", "") in PLAIN_HEADS
    return head if known and type(head) is nn.Linear and head.bias is None else None


def _hidden_states(
    model: PreTrainedModel, inputs: dict[str, Any], keep: int, at_N: Tensor, *, with_hidden: bool
) -> tuple[Tensor, Tensor | None]:
    """Hidden states that predict the sampled tokens, and the output matrix; no matrix where the head is not plain."""
    causal: Any = cast(Any, model).get_base_model() if has_adapters(model) else model
    head = plain_head(causal)
    if head is None and not with_hidden:
        return at_N.new_zeros(0), None
    out = causal.get_decoder()(**inputs)
    hidden_NH = out.last_hidden_state[:, -keep:].flatten(0, 1)[at_N]
    return hidden_NH, None if head is None else head.weight
