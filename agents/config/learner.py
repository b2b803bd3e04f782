"""Settings of the learner; without torch, so that configurations stay light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .bounds import check_choices, check_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerConfig:
    """How weights are changed."""

    lr: float = 1e-4
    """Peak learning rate of AdamW; 0 measures and changes nothing. AZR: 1e-6 for billions of parameters; adapters take ten
    times as much or more, and in bfloat16 show little of less than 1e-5."""
    warmup_steps: int = 3
    """Optimiser steps over which the learning rate rises linearly to its peak."""
    beta1: float = 0.9
    """Decay of AdamW's mean of gradients."""
    beta2: float = 0.95
    """Decay of AdamW's mean of squared gradients. AZR: 0.999, which remembers a thousand steps; short runs have fewer."""
    eps: float = 1e-8
    """Added to the root of AdamW's mean of squares, so above 0; what is far below it barely moves a weight."""
    weight_decay: float = 0.0
    """Share of a weight, times the learning rate, that every optimiser step takes off. AZR: 0.01 in the paper's runs, 0 in its
    later code."""
    grad_clip: float = 1.0
    """Largest global gradient norm; 0 switches clipping off."""
    micro_batch_tokens: int = 1_024
    """Padded tokens per forward pass: bounds memory, does not change the result; halved where memory runs out. A CPU likes
    few, for its cache (SmolLM2 with 512: 1.6 GiB less than with 1024, in the same time); a GPU wants 32768 or more."""
    share_prompts: bool = True
    """Compute a prompt once for all its replies, where the model allows it; the same result up to rounding."""
    epochs: int = 1
    """Passes over a collected batch, each of `mini_batches` optimiser steps."""
    mini_batches: int = 1
    """Optimiser steps per pass, each on another random share of the messages, over that share's own denominators; never more
    than there are messages. AZR takes one step per collected batch, so its clipping is idle: at the first step every ratio is
    1, and clipping, GSPO and CISPO change nothing unless `epochs` or `mini_batches` is above 1. With several steps a copy of
    weights and optimiser is kept while they are taken, to go back to should one fail."""
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
        check_fields(
            self,
            lr=0,
            warmup_steps=0,
            weight_decay=0,
            grad_clip=0,
            micro_batch_tokens=1,
            epochs=1,
            mini_batches=1,
            lora_rank=0,
            lora_alpha=0,
        )
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"LearnerConfig.{name}={getattr(self, name)!r} is outside [0, 1); 0.9 and 0.95 are usual.")
        if self.eps <= 0:
            raise ValueError(f"LearnerConfig.eps={self.eps!r} is not above 0, and divides; 1e-8 is usual.")
        check_choices(self, dtype=("float32", "bfloat16"), adapters=("shared", "per-role"))
        if self.adapters == "per-role" and not self.lora_rank:
            raise ValueError("LearnerConfig.adapters='per-role' needs LoRA adapters; set LearnerConfig.lora_rank, such as 16.")
