"""Replies to those prompts that a model's context holds; the others get an empty reply that says so.

For evaluations: one problem that is too long is an answer that is not right, and no reason to lose all others.
"""

from __future__ import annotations

from collections.abc import Sequence

from selfplay_envs import Reply

from ..config.sampling import Sampling
from ..core.errors import PromptTooLong
from ..models.chat import Prompt
from .base import Sampler
from .deprecated import with_current_names
from .wrapped import WrappedSampler

NO_ROOM = "no_room"
"""Finish reason of an empty reply that nobody was asked for, since its prompt fills the model's context."""


def generate_fitting(
    sampler: Sampler, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]
) -> list[list[Reply]]:
    """As `sampler.generate`, where prompts that are too long for it are not asked (see `NO_ROOM`)."""
    refused: set[Prompt] = set()
    while True:
        asked = [place for place, prompt in enumerate(prompts) if prompt not in refused]
        try:
            fitting = [prompts[place] for place in asked]
            groups = sampler.generate(fitting, sampling, [seeds[place] for place in asked]) if fitting else []
        except PromptTooLong as error:
            refused |= {prompts[asked[place]] for place in error.places}
            continue
        if not refused:
            return groups
        by_place = dict(zip(asked, groups, strict=True))
        nothing = Reply(text="", finish_reason=NO_ROOM, policy_version=sampler.policy_version)
        return [by_place.get(place, [nothing] * len(of_prompt)) for place, of_prompt in enumerate(seeds)]


class FittingSampler(WrappedSampler):
    """Answers as another sampler, by `generate_fitting`.

    Args:
        inner: The other one.
    """

    def __init__(self, inner: Sampler) -> None:
        super().__init__(with_current_names(inner))

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, seeds: Sequence[Sequence[int]]) -> list[list[Reply]]:
        """One reply per seed; an empty one where the prompt is too long."""
        return generate_fitting(self.inner, prompts, sampling, seeds)

    def with_adapter(self, adapter: str) -> FittingSampler:
        """The same with an adapter of the other sampler."""
        return FittingSampler(self.inner.with_adapter(adapter))
