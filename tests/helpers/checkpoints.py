"""Checkpoints of a few tensors: in memory, and as the files that trainers write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from agents.analysis.weights.checkpoint import Checkpoint
from agents.analysis.weights.sources import MemoryTensor


def in_memory(tensors: Mapping[str, Tensor], name: str = "end", *, tied: bool = False) -> Checkpoint:
    """A checkpoint of these tensors, by plain names."""
    return Checkpoint(name, {key: MemoryTensor(tensor) for key, tensor in tensors.items()}, tied=tied)


def random_tensors(seed: int = 0, *, prefix: str = "model.") -> dict[str, Tensor]:
    """A model of two layers with an embedding, float32."""
    rng = torch.Generator().manual_seed(seed)
    tensors = {f"{prefix}embed_tokens.weight": torch.randn(11, 6, generator=rng)}
    for layer in range(2):
        tensors |= {
            f"{prefix}layers.{layer}.self_attn.q_proj.weight": torch.randn(6, 6, generator=rng),
            f"{prefix}layers.{layer}.mlp.down_proj.weight": torch.randn(6, 14, generator=rng),
            f"{prefix}layers.{layer}.input_layernorm.weight": torch.randn(6, generator=rng),
        }
    return tensors | {f"{prefix}norm.weight": torch.randn(6, generator=rng)}


def write_safetensors(folder: Path, tensors: Mapping[str, Tensor], shards: int = 1) -> Path:
    """`model.safetensors`, or shards of it with their index."""
    return _write(folder, tensors, shards, "model", ".safetensors")


def write_bin(folder: Path, tensors: Mapping[str, Tensor], shards: int = 1) -> Path:
    """`pytorch_model.bin`, or shards of it with their index."""
    return _write(folder, tensors, shards, "pytorch_model", ".bin")


def _write(folder: Path, tensors: Mapping[str, Tensor], shards: int, stem: str, ending: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    names = list(tensors)
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        file = f"{stem}{ending}" if shards == 1 else f"{stem}-{shard + 1:05d}-of-{shards:05d}{ending}"
        part = {name: tensors[name] for name in names[shard::shards]}
        if ending == ".bin":
            torch.save(part, folder / file)
        else:
            save_file({name: tensor.contiguous() for name, tensor in part.items()}, folder / file)
        weight_map |= dict.fromkeys(part, file)
    if shards > 1:
        (folder / f"{stem}{ending}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder
