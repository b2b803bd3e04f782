"""A LoRA adapter merged into its base while it is read: rows of the product are made where they are needed, in float32.

What an adapter changes is added, and stays, in float32, as in the checkpoints of a run here. peft merges in the base's
precision; the two agree where that is float32.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .files import read_header, read_json_object
from .names import plain_names
from .sources import FileTensor, LazyTensor, MemoryTensor, TensorSource, read_all

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
PARTS = {
    ".lora_A.weight": ("A", False),
    ".lora_B.weight": ("B", False),
    ".lora_embedding_A": ("A", True),
    ".lora_embedding_B": ("B", True),
}
"""Endings of an adapter's names: which factor it is, and whether of a table of words, whose product is always transposed."""
UNHANDLED = ("use_dora", "use_qalora", "lora_bias", "alpha_pattern", "layer_replication", "target_parameters", "arrow_config")
"""Settings of a `LoraConfig` under which the change is no scaled product alone, or the scale is not the same everywhere."""
CHANGES_BASE = ("pissa", "olora", "corda", "loftq")
"""Initialisations that change the base as well, so that the adapter says nothing of the difference to the base in the file."""


@dataclass(frozen=True, slots=True, eq=False)
class MergedTensor:
    """base + scale * (left @ right), R the rank."""

    base: TensorSource
    left_OR: Tensor
    right_RI: Tensor
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        """See `TensorSource`."""
        return self.base.shape

    @property
    def dtype(self) -> torch.dtype:
        """float32, whatever the base has."""
        return torch.float32

    def read_into(self, out_W: Tensor, start: int) -> None:
        """See `TensorSource`."""
        self.base.read_into(out_W, start)
        columns, stop = self.shape[1], start + len(out_W)
        first = start // columns
        change_W = (self.left_OR[first : -(-stop // columns)] @ self.right_RI).reshape(-1)
        out_W.add_(change_W[start - first * columns : stop - first * columns], alpha=self.scale)


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """The settings of the adapter in `folder`.

    Raises:
        ValueError: It is not plain LoRA, or they are damaged.
    """
    config = read_json_object(folder / CONFIG)
    if config.get("peft_type") != "LORA":
        kind = config.get("peft_type")
        raise ValueError(f"{folder} is an adapter of type {kind}, and only LoRA is merged here: merge it with peft.")
    start = config.get("init_lora_weights")
    odd = [name for name in UNHANDLED if config.get(name)]
    odd += ["init_lora_weights"] if isinstance(start, str) and start.lower().startswith(CHANGES_BASE) else []
    if odd:
        raise ValueError(
            f"{folder} is a LoRA adapter with {odd[0]}={config[odd[0]]!r}, which is not merged here: merge it with peft "
            "(merge_and_unload), save the model and pass its folder."
        )
    alpha = config.get("lora_alpha")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not abs(alpha) <= sys.float_info.max:
        raise ValueError(f"{folder / CONFIG} has lora_alpha={alpha!r}, which must be a number; copy the file again.")
    return config


def merge_adapter(folder: Path, base: Mapping[str, TensorSource]) -> dict[str, TensorSource]:
    """The tensors of `base` with the adapter in `folder` merged in; modules that were saved whole replace those of the base.

    Args:
        folder: As peft writes it.
        base: By plain names.

    Raises:
        ValueError: It is not plain LoRA, or was made for another base.
    """
    config = read_adapter_config(folder)
    path = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if path is None:
        raise ValueError(f"{folder} holds neither {WEIGHTS[0]} nor {WEIGHTS[1]}; save the adapter with save_pretrained.")
    found, _ = read_header(path)
    factors: dict[str, dict[str, Tensor]] = {}
    tables: set[str] = set()
    whole: dict[str, TensorSource] = {}
    for name, source in found.items():
        ending = next((one for one in PARTS if name.endswith(one)), "")
        if not ending and ("lora_" in name or "trainable_tokens" in name):
            raise ValueError(f"{path}: {name} is of a kind that is not merged here: merge the adapter with peft.")
        if not ending:
            whole[name] = source
            continue
        module = f"{name.removesuffix(ending)}.weight"
        factors.setdefault(module, {})[PARTS[ending][0]] = read_all(source)
        tables |= {module} if PARTS[ending][1] else set()
    merged = dict(base)
    plain = plain_names([*factors, *whole])
    for module, pair in factors.items():
        target = plain[module]
        if target not in base or len(pair) != 2:
            raise ValueError(f"{path} adapts {target}, which its base does not hold; pass the base that it was trained on.")
        transposed = module in tables or bool(config.get("fan_in_fan_out"))
        merged[target] = _merged(path, target, base[target], pair, config, transposed)
    return merged | {plain[name]: source for name, source in whole.items()}


def _scale(config: Mapping[str, Any], rank: int) -> float:
    """Alpha over rank, or over the root of the rank where LoRA is rank-stabilised.

    See: Kalajdzievski, A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA, arXiv 2312.03732.
    """
    return float(config["lora_alpha"]) / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _merged(
    path: Path, name: str, base: TensorSource, factors: Mapping[str, Tensor], config: Mapping[str, Any], transposed: bool
) -> MergedTensor:
    """B @ A beside the base, transposed where the base is (as GPT-2's are).

    Raises:
        ValueError: The shapes do not fit.
    """
    a, b = factors["A"], factors["B"]
    if a.dim() != 2 or b.dim() != 2 or a.shape[0] != b.shape[1] or not a.shape[0]:
        shapes = " and ".join(" x ".join(map(str, factor.shape)) or "no side" for factor in (a, b))
        raise ValueError(f"{path} changes {name} by factors of {shapes}, which are none of LoRA; copy the file again.")
    left, right = (a.T, b.T) if transposed else (b, a)
    if (left.shape[0], right.shape[1]) != tuple(base.shape):
        raise ValueError(
            f"{path} changes {name} by a matrix of {left.shape[0]} x {right.shape[1]}, and its base has "
            f"{' x '.join(map(str, base.shape))}; pass the base that it was trained on."
        )
    return MergedTensor(base, left.contiguous(), right.contiguous(), _scale(config, a.shape[0]))


def same_place(a: TensorSource, b: TensorSource) -> bool:
    """Whether two tensors of one checkpoint are the same bytes, as tied weights are."""
    if isinstance(a, MemoryTensor) and isinstance(b, MemoryTensor):
        return a.tensor.data_ptr() == b.tensor.data_ptr() and a.shape == b.shape
    return isinstance(a, FileTensor) and a == b and not isinstance(b, LazyTensor)
