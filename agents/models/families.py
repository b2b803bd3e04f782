"""Model families of which it is known how their parts compute, and the two short ways of scoring that this allows."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel

from ..kernels.cpu_attention import SHORT_FLOAT32
from ..kernels.cpu_matmul import BlockLinear, CpuLinear
from ..kernels.packed_attention import PACKED

PLAIN_MODELS = frozenset({"llama", "mistral", "qwen2", "qwen3", "smollm3"})
"""Model types whose positions come from `position_ids` alone, whose attention is the one that the config names, and whose
logits are hidden states times the output matrix, and nothing else (no soft cap, no scale)."""


def can_share_prompts(model: PreTrainedModel) -> bool:
    """Whether a packed row gives this model's own log-probabilities: known type, full attention everywhere, our kernel."""
    config = model.config
    layers = getattr(config, "layer_types", None)
    full = all(kind == "full_attention" for kind in layers) if layers else not getattr(config, "sliding_window", None)
    kernel = getattr(config, "_attn_implementation", None)
    return getattr(config, "model_type", "") in PLAIN_MODELS and full and kernel in ("sdpa", PACKED, SHORT_FLOAT32)


def plain_head(model: PreTrainedModel) -> nn.Linear | None:
    """The output layer, if logits are hidden states times its weight and nothing else."""
    head = model.get_output_embeddings()
    known = getattr(model.config, "model_type", "") in PLAIN_MODELS
    return head if known and type(head) in (nn.Linear, CpuLinear, BlockLinear) and getattr(head, "bias", None) is None else None
