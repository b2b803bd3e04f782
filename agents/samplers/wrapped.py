"""The base of samplers in front of another one: whatever they do not say themselves is the other one's."""

from __future__ import annotations

from ..models.weights import Weights
from .base import Sampler
from .stats import SamplerStats


class WrappedSampler:
    """Hands version, totals, weights, memory and the end on to another sampler; `generate` and `with_adapter` are a subclass's.

    Args:
        inner: The other one.
    """

    def __init__(self, inner: Sampler) -> None:
        self.inner = inner

    @property
    def policy_version(self) -> int:
        """Of the other sampler."""
        return self.inner.policy_version

    @policy_version.setter
    def policy_version(self, version: int) -> None:
        self.inner.policy_version = version

    @property
    def stats(self) -> SamplerStats:
        """Of the other sampler."""
        return self.inner.stats

    def load_weights(self, weights: Weights) -> None:
        """As the other sampler."""
        self.inner.load_weights(weights)

    def release_memory(self) -> None:
        """As the other sampler."""
        self.inner.release_memory()

    def close(self) -> None:
        """Closes the other sampler."""
        self.inner.close()
