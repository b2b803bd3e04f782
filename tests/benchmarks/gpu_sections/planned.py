"""What `agents.memory_plan.learner` says of a learner, to stand beside what is counted and measured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor
from transformers import PretrainedConfig

from agents import Learner, LearnerConfig, TokenBatch
from agents.memory_plan.learner import CONTEXT_BYTES, LearnerLoad, LearnerMemory, Packing, plan_packed
from agents.memory_plan.shapes import shape_of

from .bench import GIB, Values

MARGIN_GIB = 1.0
"""For what the allocator cannot use."""


def plan(model: PretrainedConfig, config: LearnerConfig, batch: TokenBatch) -> LearnerMemory:
    """Of a learner with one adapter or none, and of an update with these messages, whose prompts are as shared as they are."""
    longest = int(batch.attention_BT.sum(1).max())
    return plan_packed(LearnerLoad(shape=shape_of(model), config=config, longest=longest), packing_of(batch, config))


def packing_of(batch: TokenBatch, config: LearnerConfig) -> Packing:
    """How a learner lays these messages out, each prompt with the mean number of its replies, and of their tokens."""
    if not config.share_prompts:
        return Packing(packed=False)
    replies, tokens = batch.mask_BT.sum().item(), batch.attention_BT.sum().item()
    panel = len(batch) // len({tag.prompt_id for tag in batch.tags})
    return Packing.of_lengths((tokens - replies) / len(batch), panel, replies / len(batch))


def needed_gib(model: PretrainedConfig, config: LearnerConfig, batches: Iterable[TokenBatch]) -> float:
    """Memory of a card that should suffice for updates with each of them."""
    return round(max(plan(model, config, batch).peak for batch in batches) / GIB + MARGIN_GIB, 1)


def planned(learner: Learner, batch: TokenBatch) -> Values:
    """What should be held between updates and at their peak, without what CUDA takes for itself."""
    found = plan(learner.model.config, learner.config, batch)
    own = {"planned_held_gib": found.resident, "planned_peak_gib": found.peak}
    return {name: (value - CONTEXT_BYTES) / GIB for name, value in own.items()}


def counted_gib(learner: Learner) -> float:
    """Weights, what trains where that is apart from them, and the optimiser's state, tensor by tensor."""
    states: list[Any] = [value for state in learner.optimizer.state.values() for value in state.values()]
    tensors = [*learner.model.parameters(), *learner.trainable.values(), *states]
    big = {one.data_ptr(): one for one in tensors if isinstance(one, Tensor) and one.ndim}
    return sum(one.nbytes for one in big.values()) / GIB
