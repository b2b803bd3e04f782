"""The distribution that replies are sampled from, and their length; without torch, so that configurations stay light."""

from __future__ import annotations

from dataclasses import dataclass

from .bounds import check_fields


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
        check_fields(self, max_new_tokens=1)
        if not 0.0 <= self.temperature <= 100.0:
            raise ValueError(
                f"Sampling.temperature={self.temperature!r} is outside 0 to 100; 1.0 is the model's own distribution."
            )
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"Sampling.top_p={self.top_p!r} is not in (0, 1]; 1.0 switches it off.")


def check_trainable(sampling: Sampling, name: str) -> None:
    """Stops where replies that are sampled so cannot be learned from: no policy's log-probabilities would be theirs.

    Raises:
        ValueError: They are greedy, or sampled from a part of the distribution; names the field.
    """
    if sampling.temperature == 0 or sampling.top_p != 1.0:
        raise ValueError(
            f"{name} has temperature={sampling.temperature!r}, top_p={sampling.top_p!r}; training "
            "needs temperature > 0 and top_p=1.0, so that sampler and learner speak of the same distribution."
        )
