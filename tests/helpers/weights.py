"""A learner's weights for a sampler, as a run gives them."""

from __future__ import annotations

from agents.learner.learner import Learner
from agents.models.weights import weights_of
from agents.samplers.base import Sampler


def sync(learner: Learner, sampler: Sampler) -> None:
    """The sampler loads the learner's present weights; nothing is proved."""
    sampler.load_weights(weights_of(learner.model, learner.policy_version))
