"""What `agents.memory_plan` says of a learner, to stand beside what is counted and measured."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import PretrainedConfig

from agents import Learner, LearnerConfig
from agents.memory_plan import CONTEXT_BYTES, LearnerLoad, LearnerMemory, plan_learner
from agents.model_shapes import shape_of

from .bench import GIB, Values

MARGIN_GIB = 1.0
"""For what the allocator cannot use."""


def plan(model: PretrainedConfig, config: LearnerConfig, longest: int) -> LearnerMemory:
    """Of a learner with one adapter or none, whose longest message has so many tokens."""
    return plan_learner(LearnerLoad(shape=shape_of(model), config=config, longest=longest))


def needed_gib(model: PretrainedConfig, config: LearnerConfig, longest: int) -> float:
    """Memory of a card that should suffice."""
    return round(plan(model, config, longest).peak / GIB + MARGIN_GIB, 1)


def planned(learner: Learner, longest: int) -> Values:
    """What should be held between updates and at their peak, without what CUDA takes for itself."""
    found = plan(learner.model.config, learner.config, longest)
    own = {"planned_held_gib": found.resident, "planned_peak_gib": found.peak}
    return {name: (value - CONTEXT_BYTES) / GIB for name, value in own.items()}


def counted_gib(learner: Learner) -> float:
    """Weights, what trains where that is apart from them, and the optimiser's state, tensor by tensor."""
    states: list[Any] = [value for state in learner.optimizer.state.values() for value in state.values()]
    tensors = [*learner.model.parameters(), *learner.trainable.values(), *states]
    big = {one.data_ptr(): one for one in tensors if isinstance(one, Tensor) and one.ndim}
    return sum(one.nbytes for one in big.values()) / GIB
