"""The protocol that all samplers follow: prompts in, replies out, and weights from the learner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from selfplay_envs import Reply

from ..config.sampling import Sampling
from ..models.chat import Prompt
from ..models.weights import Weights
from .stats import SamplerStats


class Sampler(Protocol):
    """Answers prompts. Each seed stands for one reply; the order of prompts is kept.

    `generate` blocks. A sampler whose work runs elsewhere may also have `submit`, with the same arguments, which returns a
    `concurrent.futures.Future` of the same replies at once; `agents.samplers.submit.submit` calls it, and waits for `generate`
    in a thread for all others.

    `load_weights` is given a value, `agents.models.weights.Weights`: the tensors of a model in this process, which a sampler on
    that very model need not copy, or tensors that were shipped from another one. `agents.training.weight_sync` says when.
    """

    @property
    def policy_version(self) -> int:
        """Stamped on every reply; `load_weights` raises it."""
        ...

    @policy_version.setter
    def policy_version(self, version: int) -> None: ...

    @property
    def stats(self) -> SamplerStats:
        """Running totals since the sampler was made."""
        ...

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One list per prompt, with one reply per seed of that prompt."""
        ...

    def load_weights(self, weights: Weights) -> None:
        """Takes over the weights, of all adapters, and stamps later replies with their version; keeps no tensor of theirs."""
        ...

    def with_adapter(self, adapter: str) -> Sampler:
        """A view that answers with that adapter (see `agents.models.adapters`); weights, version and totals are shared."""
        ...

    def release_memory(self) -> None:
        """Gives memory back to the learner until the next call, where it can; nobody samples meanwhile."""
        ...

    def close(self) -> None:
        """Frees engines and processes; safe to call twice."""
        ...
