"""Weights as values that can be sent, and as files: of a model and of each of its adapters.

Legend of shape suffixes: R rank, I inputs and O outputs of a linear layer.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..core.errors import CheckpointError, first_line
from .adapters import adapter_names, has_adapters


@dataclass(frozen=True, slots=True)
class AdapterWeights:
    """One LoRA adapter."""

    config: Any
    """A `peft.LoraConfig`."""
    tensors: Mapping[str, Tensor]
    """By peft's names, which do not hold the adapter's own."""

    def save(self, folder: Path) -> None:
        """Makes `folder` and writes the adapter as peft reads it; never looks at the network."""
        folder.mkdir(parents=True)
        config = copy.copy(self.config)
        config.inference_mode = True
        config.save_pretrained(str(folder))
        tensors = {name: tensor.cpu().contiguous() for name, tensor in self.tensors.items()}
        save_file(tensors, folder / "adapter_model.safetensors")


@dataclass(frozen=True)
class Weights:
    """The weights of one policy version, from a learner to samplers in its own process or in another.

    As `weights_of` makes it, its tensors are those of the living model, not copies, and change with the next update; a sampler
    takes them over before that, or is that model. `shipped` makes a value of its own, which can be pickled and sent.
    """

    version: int
    """Stamped on replies that are sampled with them."""
    model: PreTrainedModel | None = None
    """The model whose tensors these are; None where they were shipped."""
    copies: tuple[Mapping[str, Tensor], Mapping[str, AdapterWeights]] = ({}, {})
    """Base and adapters, where they were shipped."""

    @cached_property
    def base(self) -> Mapping[str, Tensor]:
        """Weights of the model without its adapters, by the plain model's names; names that are tied share one tensor.

        Empty where they were shipped without, as they have not changed since the weights before.
        """
        return self.copies[0] if self.model is None else base_weights(self.model)

    @cached_property
    def adapters(self) -> Mapping[str, AdapterWeights]:
        """The adapters by name, in the order in which the model holds them."""
        return self.copies[1] if self.model is None else _adapters_of(self.model)

    def shipped(self, *, only_adapters: bool = False) -> Weights:
        """A copy on the processor that later updates leave alone.

        Args:
            only_adapters: Leave the base out, for a receiver that has it.
        """
        base = {} if only_adapters else self.base
        copies = {id(tensor): _copied(tensor) for tensor in base.values()}  # tied weights stay one tensor
        adapters = {
            name: replace(adapter, tensors={key: _copied(tensor) for key, tensor in adapter.tensors.items()})
            for name, adapter in self.adapters.items()
        }
        return Weights(self.version, copies=({name: copies[id(tensor)] for name, tensor in base.items()}, adapters))

    @torch.no_grad()
    def copy_into(self, model: PreTrainedModel) -> None:
        """Copies every tensor in place, across devices and dtypes.

        Raises:
            ValueError: A name or a shape differs; then nothing was copied.
        """
        sources = {**self.base, **_named(self.adapters)}
        targets = {**(base_weights(model) if self.base else {}), **_named(_adapters_of(model))}
        names = [name for name in {**sources, **targets} if _shape(sources, name) != _shape(targets, name)]
        if names:
            raise ValueError(
                f"the sampler cannot take over these weights: parameter {names[0]!r} is not in both models with one shape; "
                "open the sampler on the learner's model (learner.model), with the same lora_rank and adapters."
            )
        for target, source in {id(target): (target, sources[name]) for name, target in targets.items()}.values():
            target.copy_(source)


def weights_of(model: PreTrainedModel, version: int) -> Weights:
    """The present weights of `model` and of all its adapters; copies nothing."""
    return Weights(version, model)


def base_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights below the adapters, by the plain model's names, where they are; names that are tied share one tensor."""
    tensors: dict[int, Tensor] = {}
    return {
        name.replace(".base_layer.", "."): tensors.setdefault(weight.data_ptr(), weight.detach())
        for name, weight in plain_model(model).state_dict().items()
        if ".lora_" not in name
    }


def plain_model(model: PreTrainedModel) -> PreTrainedModel:
    """The model below the adapters."""
    return cast(PreTrainedModel, cast(Any, model).get_base_model()) if has_adapters(model) else model


def adapter_weights(model: PreTrainedModel, name: str, masters: Mapping[str, Tensor] | None = None) -> AdapterWeights:
    """One adapter of `model`.

    Args:
        model: Holds the adapter.
        name: Of it.
        masters: As for `merged_weights`.
    """
    from peft import get_peft_model_state_dict

    peft: Any = model
    state = None if masters is None else dict(masters)
    tensors = get_peft_model_state_dict(peft, state_dict=state, adapter_name=name, save_embedding_layers=False)
    return AdapterWeights(peft.peft_config[name], tensors)


@torch.no_grad()
def merged_weights(model: PreTrainedModel, adapter: str, masters: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """The weights of the plain model that computes as `model` does with `adapter`, by the plain model's names, on the CPU.

    What an adapter changes is summed, and stays, in float32: rounded to bfloat16 again, a weight keeps little of a change that
    is smaller than the distance of two such numbers, and after a short run that is nearly all of it. `model` stays as it is,
    and its device holds no more than one changed weight at a time.

    Args:
        model: Holds the adapter.
        adapter: Its name.
        masters: The adapters' weights in float32, by the names that they have in `model`; its own where they are left out.
    """
    from peft.tuners.lora import LoraLayer

    lora = masters if masters is not None else dict(model.named_parameters())
    names = {layer: name for name, layer in model.named_modules() if isinstance(layer, LoraLayer)}
    plain: nn.Module = plain_model(model)
    changed = {f"{name}.weight": layer for name, layer in plain.named_modules() if layer in names}
    merged: dict[str, Tensor] = {}
    copies: dict[int, Tensor] = {}  # tied weights stay one tensor
    for name, weight in base_weights(model).items():
        if name in changed:
            layer: Any = changed[name]
            a_RI, b_OR = (lora[f"{names[layer]}.lora_{side}.{adapter}.weight"].to(weight.device) for side in "AB")
            change_OI = (_wide(b_OR) @ _wide(a_RI)) * layer.scaling[adapter]
            merged[name] = (_wide(weight) + (change_OI.T if layer.fan_in_fan_out else change_OI)).cpu()
        else:
            merged[name] = copies.setdefault(id(weight), weight.cpu())
    return merged


def save_adapter(model: PreTrainedModel, name: str, folder: Path, masters: Mapping[str, Tensor] | None = None) -> None:
    """One adapter as peft reads it: `PeftModel.from_pretrained(base, folder)`.

    Args:
        model: Holds the adapter.
        name: Of it.
        folder: Made; gets adapter_config.json and adapter_model.safetensors.
        masters: As for `merged_weights`; what is written has their precision.
    """
    adapter_weights(model, name, masters).save(folder)


def with_saved_adapters(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """`model` with every adapter in the folders of `folder`, by their names and in its precision; not for training.

    Args:
        model: The base that they were trained on.
        folder: Holds a folder per adapter, as `save_adapter` writes them.

    Raises:
        CheckpointError: There is none, or one does not fit the base.
    """
    from peft import PeftModel

    folders = sorted(path.parent for path in folder.glob("*/adapter_config.json"))
    if not folders:
        raise CheckpointError(f"{folder} holds no adapter; pass the folder adapters/ of a checkpoint of a run with LoRA.")
    adapted: Any = None
    for path in folders:
        try:
            if adapted is None:
                adapted = PeftModel.from_pretrained(model, str(path), adapter_name=path.name, autocast_adapter_dtype=False)
            else:
                adapted.load_adapter(str(path), adapter_name=path.name, autocast_adapter_dtype=False)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise CheckpointError(
                f"{path} does not fit the model that it is to be an adapter of ({first_line(error)}); load the one it was "
                "trained on."
            ) from error
    return cast(PreTrainedModel, adapted.eval())


def _adapters_of(model: PreTrainedModel) -> dict[str, AdapterWeights]:
    return {name: adapter_weights(model, name) for name in adapter_names(model)}


def _named(adapters: Mapping[str, AdapterWeights]) -> dict[str, Tensor]:
    """The tensors of all adapters under one name each."""
    return {f"{key} ({name})": tensor for name, adapter in adapters.items() for key, tensor in adapter.tensors.items()}


def _shape(tensors: Mapping[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(tensors[name].shape) if name in tensors else None


def _copied(tensor: Tensor) -> Tensor:
    """On the processor, in memory of its own."""
    return tensor.detach().to("cpu", copy=True)


def _wide(weight: Tensor) -> Tensor:
    """In float32, or float64 where it is."""
    return weight.to(torch.promote_types(weight.dtype, torch.float32))
