"""How weights are changed; without torch, so that configurations stay light."""

from __future__ import annotations

from dataclasses import dataclass


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
    micro_batch_tokens: int = 4_096
    """Padded tokens per forward pass: bounds memory, does not change the result. A CPU likes few, for
    its cache; a GPU wants 65536."""
    share_prompts: bool = True
    """Compute a prompt once for all its replies, where the model allows it; the same result up to rounding."""
    epochs: int = 1
    """Optimiser steps per batch, each on the whole batch."""
    lora_rank: int = 0
    """Rank of LoRA adapters on all linear layers; 0 trains every weight."""

    def __post_init__(self) -> None:
        for name, low in (
            ("lr", 0),
            ("warmup_steps", 0),
            ("weight_decay", 0),
            ("grad_clip", 0),
            ("lora_rank", 0),
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
