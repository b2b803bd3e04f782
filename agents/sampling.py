"""How replies are drawn; without torch, so that configurations stay light."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How replies are drawn."""

    temperature: float = 1.0
    """Divides the logits; 0 takes the likeliest token (its recorded log-probability is then 0)."""
    top_p: float = 1.0
    """Draws from the smallest set of tokens with at least this probability; training needs 1.0."""
    max_new_tokens: int = 128
    """Tokens of a reply at most, the end-of-turn token included; fewer where the model's context ends."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 100.0:
            raise ValueError(
                f"Sampling.temperature={self.temperature!r} is outside 0 to 100; 1.0 is the model's own distribution."
            )
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"Sampling.top_p={self.top_p!r} is not in (0, 1]; 1.0 switches it off.")
        if self.max_new_tokens < 1:
            raise ValueError(f"Sampling.max_new_tokens={self.max_new_tokens!r} must be at least 1.")
