"""Weights as files, for an engine in another process: what it starts with, and what changes with every version."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from transformers import PreTrainedModel

from .adapters import adapter_names, has_adapters
from .lora import save_adapter
from .models import quiet_transformers
from .sampler_text import ENGINE_RANKS
from .vllm_engine import Adapter
from .vllm_process import exchange_folder

NAME = "weights"
"""What the weights are called in the folder that the engine works in."""


class WeightFiles:
    """The newest weights of a model in a folder: an engine that has died starts again from it.

    A model with adapters is written once, without them and unmerged, and its adapters with every version; a model without
    is written anew with every version, under the same name.

    Args:
        model: Whose weights.
        dtype: Of the engine's weights.
    """

    def __init__(self, model: PreTrainedModel, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._source = model
        self._writes = 0
        self.weights_bytes = sum(p.numel() for p in model.parameters()) * dtype.itemsize
        self.folder = exchange_folder(self.weights_bytes)
        self.weights = self.folder / NAME
        """Folder of the weights without adapters."""
        self.adapters: dict[str, Adapter] = {}
        self.room: tuple[int, int] = (0, 0)
        """How many adapters the engine makes room for, and of which rank."""
        self.take(model)

    def take(self, model: PreTrainedModel) -> str:
        """Writes the present weights; returns the command that has a running engine follow, empty where it must start anew."""
        self._writes += 1
        room = (len(adapter_names(model)), _rank(model))
        same = model is self._source and room == self.room
        if not has_adapters(model) or not same:
            self._write_weights(model)
        self._write_adapters(model)
        self._source, self.room = model, room
        if has_adapters(model):
            return "take_adapters" if same else ""
        return "take_weights" if room == self.room else ""

    def close(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write_weights(self, model: PreTrainedModel) -> None:
        new = self.folder / f"{NAME}-{self._writes}"
        save_weights(model, new, self._dtype)
        shutil.rmtree(self.weights, ignore_errors=True)
        new.rename(self.weights)

    def _write_adapters(self, model: PreTrainedModel) -> None:
        before = self.adapters
        self.adapters = {}
        for index, name in enumerate(adapter_names(model)):
            number = self._writes * (1 + len(adapter_names(model))) + index
            folder = self.folder / f"adapter-{number}"
            save_adapter(model, name, folder)
            self.adapters[name] = (f"{name}-{number}", number, str(folder))
        for _, _, folder in before.values():
            shutil.rmtree(folder, ignore_errors=True)


@torch.no_grad()
def save_weights(model: PreTrainedModel, folder: Path, dtype: torch.dtype) -> None:
    """`model` as `save_pretrained` writes it; of a model with adapters, the weights below them."""
    causal: Any = cast(Any, model).get_base_model() if has_adapters(model) else model
    moved: dict[int, Tensor] = {}  # tied weights stay one tensor
    state: dict[str, Tensor] = {}
    for name, value in causal.state_dict().items():
        if ".lora_" in name:
            continue
        if value.data_ptr() not in moved:
            moved[value.data_ptr()] = value.to("cpu", dtype if value.is_floating_point() else value.dtype)
        state[name.replace(".base_layer.", ".")] = moved[value.data_ptr()]
    with quiet_transformers():
        causal.save_pretrained(folder, state_dict=state)


def _rank(model: PreTrainedModel) -> int:
    """The rank that an engine makes room for: the smallest of `ENGINE_RANKS` that fits; 0 without adapters.

    Raises:
        ValueError: None fits.
    """
    if not has_adapters(model):
        return 0
    largest = max(config.r for config in cast(Any, model).peft_config.values())
    for rank in ENGINE_RANKS:
        if largest <= rank:
            return rank
    raise ValueError(f"LearnerConfig.lora_rank={largest} is above {ENGINE_RANKS[-1]}, the largest that vLLM takes; lower it.")
