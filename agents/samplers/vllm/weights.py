"""Weights as files, for an engine in another process: those that it starts with, and those of every later version."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ...config.sampler import ENGINE_RANKS
from ...models.loading import quiet_transformers
from ...models.weights import AdapterWeights, Weights, base_weights, plain_model
from .engine import Adapter

NAME = "weights"
"""Name of the weights in the folder that the engine works in."""


class WeightFiles:
    """The newest weights in a folder: an engine that has died starts again from it.

    Of a model with adapters the base is written once, without them and unmerged, and the adapters with every version. Of a
    model without, the base is written with every version, under the same name.

    Args:
        model: Of the architecture of the weights.
        dtype: Of the engine's weights.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        self._model = model
        self._dtype = dtype
        self._source: PreTrainedModel | None = None
        self._writes = 0
        self._adapters_written = 0
        self.weights_bytes = sum(p.numel() for p in model.parameters()) * dtype.itemsize
        self.folder = exchange_folder(self.weights_bytes)
        self.weights = self.folder / NAME
        """Folder of the weights without adapters."""
        self.adapters: dict[str, Adapter] = {}
        self.room: tuple[int, int] = (0, 0)
        """Number of adapters that the engine makes room for, and their rank."""

    def write(self, weights: Weights) -> bool:
        """Writes weights; returns whether a running engine can load them, else it must start anew.

        It must where the room for adapters is another, or a new base came with them: once it is there, ship adapters alone.

        Raises:
            ValueError: The rank is above any that vLLM takes, or the first weights hold no base.
        """
        self._writes += 1
        room = (len(weights.adapters), _rank(weights.adapters))
        same_room = room == self.room
        same_base = not weights.base or (weights.model is not None and weights.model is self._source)
        if weights.base and not (weights.adapters and same_base and same_room):
            self._write_base(weights.base)
            self._source = weights.model
        elif not self.weights.is_dir():
            raise ValueError("the first weights that vLLM is given must hold the base: ship them without only_adapters.")
        self._write_adapters(weights.adapters)
        self.room = room
        return same_room and (same_base or not weights.adapters)

    def close(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_base(self, base: Mapping[str, Tensor]) -> None:
        new = self.folder / f"{NAME}-{self._writes}"
        save_weights(self._model, new, self._dtype, base)
        shutil.rmtree(self.weights, ignore_errors=True)
        new.rename(self.weights)

    def _write_adapters(self, adapters: Mapping[str, AdapterWeights]) -> None:
        before = self.adapters
        self.adapters = {}
        for name, adapter in adapters.items():
            self._adapters_written += 1
            number = self._adapters_written
            folder = self.folder / f"adapter-{number}"
            adapter.save(folder)
            self.adapters[name] = (f"{name}-{number}", number, str(folder))
        for _, _, folder in before.values():
            shutil.rmtree(folder, ignore_errors=True)


def exchange_folder(weights_bytes: int) -> Path:
    """A new folder for weights on their way: in shared memory where they fit there three times, else among temporary files."""
    shared = Path("/dev/shm")
    fits = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 3 * weights_bytes
    return Path(tempfile.mkdtemp(prefix="selfplay-vllm-", dir=shared if fits else None))


@torch.no_grad()
def save_weights(model: PreTrainedModel, folder: Path, dtype: torch.dtype, base: Mapping[str, Tensor] | None = None) -> None:
    """Weights as `save_pretrained` writes a model's; of a model with adapters, those below them.

    Args:
        model: Of their architecture.
        folder: Made.
        dtype: That they are written in.
        base: The weights by name; those of `model` where they are left out.
    """
    tensors = base_weights(model) if base is None else base
    moved: dict[int, Tensor] = {}  # tied weights stay one tensor
    for weight in tensors.values():
        if id(weight) not in moved:
            moved[id(weight)] = weight.to("cpu", dtype if weight.is_floating_point() else weight.dtype)
    with quiet_transformers():
        cast(Any, plain_model(model)).save_pretrained(
            folder, state_dict={name: moved[id(weight)] for name, weight in tensors.items()}
        )


def _rank(adapters: Mapping[str, AdapterWeights]) -> int:
    """The rank that an engine makes room for: the smallest of `ENGINE_RANKS` that fits; 0 without adapters.

    Raises:
        ValueError: None fits.
    """
    if not adapters:
        return 0
    largest = max(adapter.config.r for adapter in adapters.values())
    for rank in ENGINE_RANKS:
        if largest <= rank:
            return rank
    raise ValueError(f"LearnerConfig.lora_rank={largest} is above {ENGINE_RANKS[-1]}, the largest that vLLM takes; lower it.")
