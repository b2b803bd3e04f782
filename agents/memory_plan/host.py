"""Memory of a run beside its GPU: main memory, and the disk for its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass

from .cards import Demand
from .learner import WIDE

PINNED = 1.3
"""Pinned memory comes in powers of two: so many times what it holds, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMemory:
    """Bytes of main memory, and of the disk."""

    loading: int
    """The model as it is read, before it goes to the GPU."""
    files: int
    """Weights on their way to an engine, in shared memory where that has room; new ones are written beside the old."""
    asleep: int
    """Weights of a sleeping engine, pinned, and of a sleeping reward model."""
    saving: int
    """Copies while a checkpoint is written, or while several steps are taken on one batch."""
    checkpoint: int
    """One checkpoint on the disk."""
    checkpoints: int
    """All checkpoints that are kept, and the one that is being written."""

    @property
    def peak(self) -> int:
        """Main memory, at most."""
        return max(self.loading, self.files + self.asleep + self.saving)


def plan_host(demand: Demand) -> HostMemory:
    """Main memory and disk of a run that learns on a GPU, prompts and episodes not counted."""
    load, shape, engine = demand.load, demand.shape, demand.engine
    config, full = demand.config.learner, not demand.config.learner.lora_rank
    state = 3 * WIDE * load.trained
    linears = shape.layers * sum(inputs * outputs for inputs, outputs in shape.linears)
    # an adapter is merged in float32, and so are the weights that it changes written
    model = shape.weights * load.width if full else linears * WIDE + (shape.weights - linears) * load.width
    kept = 0 if full else load.adapter_weights * WIDE
    checkpoint = state + model + kept
    weights = 0 if engine is None else shape.weights * engine.width
    return HostMemory(
        loading=shape.weights * (WIDE if full else load.width),
        files=2 * weights if full else weights,
        asleep=(int(PINNED * weights) if engine is not None and engine.sleeps and not full else 0)
        + (demand.judge.weights if demand.judge.sleeps else 0),
        saving=max(state, 0 if full else model, 2 * state if config.epochs * config.mini_batches > 1 else 0),
        checkpoint=checkpoint,
        checkpoints=(demand.config.keep_checkpoints + 1) * checkpoint,
    )
