"""How weights are changed; without torch, so that configurations stay light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerConfig:
    """How weights are changed."""

    lr: float = 1e-4
    """Peak learning rate of AdamW. AZR: 1e-6 for billions of parameters."""
    warmup_steps: int = 3
    """Optimiser steps over which the learning rate rises linearly to its peak."""
    beta1: float = 0.9
    beta2: float = 0.95
    weight_decay: float = 0.0
    grad_clip: float = 1.0
    """Largest global gradient norm; 0 switches clipping off."""
    micro_batch_tokens: int = 1_024
    """Padded tokens per forward pass: bounds memory, does not change the result; halved where memory runs out. A CPU likes
    few, for its cache (SmolLM2 with 512: 1.6 GiB less than with 1024, in the same time); a GPU wants 32768 or more."""
    share_prompts: bool = True
    """Compute a prompt once for all its replies, where the model allows it; the same result up to rounding."""
    epochs: int = 1
    """Optimiser steps per batch, each on the whole batch."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of the weights that forward passes read. With bfloat16 the optimiser keeps float32 masters of what it trains."""
    gradient_checkpointing: bool = False
    """Compute each layer again in the backward pass instead of keeping its activations: less memory, a third more time."""
    lora_rank: int = 0
    """Rank of LoRA adapters on all linear layers; 0 trains every weight."""
    lora_alpha: int = 0
    """Scale of the adapters, alpha / rank; 0 takes 2 * rank."""
    adapters: Literal["shared", "per-role"] = "shared"
    """One adapter for all roles, or one for each; `per-role` needs lora_rank."""

    def __post_init__(self) -> None:
        for name, low in (
            ("lr", 0),
            ("warmup_steps", 0),
            ("weight_decay", 0),
            ("grad_clip", 0),
            ("lora_rank", 0),
            ("lora_alpha", 0),
            ("micro_batch_tokens", 1),
            ("epochs", 1),
        ):
            if getattr(self, name) < low:
                raise ValueError(
                    f"LearnerConfig.{name}={getattr(self, name)!r} is below {low}; choose a value of at least that."
                )
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"LearnerConfig.{name}={getattr(self, name)!r} is outside [0, 1); 0.9 and 0.95 are usual.")
        for name, choices in (("dtype", ("float32", "bfloat16")), ("adapters", ("shared", "per-role"))):
            if getattr(self, name) not in choices:
                raise ValueError(f"LearnerConfig.{name}={getattr(self, name)!r} is not known; choose {' or '.join(choices)}.")
        if self.adapters == "per-role" and not self.lora_rank:
            raise ValueError("LearnerConfig.adapters='per-role' needs LoRA adapters; set LearnerConfig.lora_rank, such as 16.")
