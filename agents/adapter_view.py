"""One set of weights, several voices: a view answers with a named adapter and shares everything else with its sampler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from transformers import PreTrainedModel

from selfplay_envs import Reply

from .chat import Prompt
from .sampling import Sampling


class ManyVoiced(Protocol):
    """What a sampler needs for views."""

    policy_version: int
    counts: Counter[str]

    def act_as(
        self, adapter: str, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
    ) -> list[list[Reply]]:
        """As `Sampler.act`, with that adapter."""
        ...

    def receive(self, model: PreTrainedModel, version: int) -> None:
        """As `Sampler.receive`."""
        ...

    def rest(self) -> None:
        """As `Sampler.rest`."""
        ...

    def speaking_as(self, adapter: str) -> AdapterView:
        """As `Sampler.speaking_as`."""
        ...


class AdapterView:
    """A sampler that answers with one adapter of another. Weights, version and counts are that sampler's."""

    def __init__(self, parent: ManyVoiced, adapter: str) -> None:
        self.parent = parent
        self.adapter = adapter

    @property
    def policy_version(self) -> int:
        """The sampler's own."""
        return self.parent.policy_version

    @policy_version.setter
    def policy_version(self, version: int) -> None:
        self.parent.policy_version = version

    @property
    def counts(self) -> Counter[str]:
        """The sampler's own: all its voices together."""
        return self.parent.counts

    def act(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """As the sampler answers, with this adapter."""
        return self.parent.act_as(self.adapter, prompts, sampling, seeds)

    def receive(self, model: PreTrainedModel, version: int) -> None:
        """The sampler takes over the weights of `model`, for all its voices."""
        self.parent.receive(model, version)

    def speaking_as(self, adapter: str) -> AdapterView:
        """Another voice of the same sampler."""
        return self.parent.speaking_as(adapter)

    def rest(self) -> None:
        """As its sampler."""
        self.parent.rest()

    def close(self) -> None:
        """Nothing: the sampler is closed by who opened it."""
