"""One set of weights, several policies: a view answers with a named adapter and shares everything else with its sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from selfplay_envs import Reply

from ..config.sampling import Sampling
from ..models.chat import Prompt
from ..models.weights import Weights
from .base import Sampler
from .deprecated import DeprecatedNames
from .stats import SamplerStats

GenerateWith = Callable[[str, Sequence[Prompt], Sampling, Sequence[Sequence[int]]], list[list[Reply]]]
"""As `Sampler.generate`, with an adapter in front."""


class AdapterView(DeprecatedNames):
    """A sampler that answers with one adapter of another. Weights, version and totals are that sampler's.

    Args:
        parent: The other one.
        adapter: Its name.
        generate_with: How the other one answers with an adapter.
    """

    def __init__(self, parent: Sampler, adapter: str, generate_with: GenerateWith) -> None:
        self.parent = parent
        self.adapter = adapter
        self._generate_with = generate_with

    @property
    def policy_version(self) -> int:
        """Of the sampler."""
        return self.parent.policy_version

    @policy_version.setter
    def policy_version(self, version: int) -> None:
        self.parent.policy_version = version

    @property
    def stats(self) -> SamplerStats:
        """Of the sampler: of all its adapters together."""
        return self.parent.stats

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """As the sampler answers, with this adapter."""
        return self._generate_with(self.adapter, prompts, sampling, seeds)

    def load_weights(self, weights: Weights) -> None:
        """The sampler takes over the weights, for all its adapters."""
        self.parent.load_weights(weights)

    def with_adapter(self, adapter: str) -> Sampler:
        """A view with another adapter of the same sampler."""
        return self.parent.with_adapter(adapter)

    def release_memory(self) -> None:
        """As its sampler."""
        self.parent.release_memory()

    def close(self) -> None:
        """Nothing: the sampler is closed by who opened it."""
