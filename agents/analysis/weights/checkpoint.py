"""Checkpoints by name, whoever wrote them: folders, files, runs, adapters and models of the local cache; only headers are read.

runs/azr-tiny                       a run of this program: its newest checkpoint
runs/azr-tiny/checkpoints/step_...  one of its checkpoints; where every role has an adapter, with that of the one that answers
.../step_000050/adapters/solver     the same with another role's
.../step_000050/learner.pt          its float32 masters, where the model itself trains in bfloat16
FOLDER                              model.safetensors or pytorch_model.bin, whole or in shards, or a LoRA adapter of peft
FILE.safetensors, FILE.bin          tensors by name
tiny, smollm2                       the models that come by name
OWNER/NAME                          a Hugging Face id whose files are in the local cache

A folder or file here goes before a Hugging Face id of the same name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ...core.errors import ModelUnavailable
from ...runs.folder import find_model
from ...tiny.folder import TINY_MODEL
from .adapter import CONFIG, merge_adapter, read_adapter_config, same_place
from .files import Found, read_header, read_json_object
from .names import is_embedding, kind_of, plain_names
from .sources import MemoryTensor, TensorSource

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLE = ("model.safetensors", "pytorch_model.bin")
TIED = "tied to the embedding"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of one model."""

    name: str
    """As a person typed it."""
    tensors: Mapping[str, TensorSource]
    """By plain names; without a head that is tied to the embedding."""
    others: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tensors that cannot be compared, such as integer buffers, and why."""
    tied: bool = False
    """The head is the embedding."""


def open_checkpoint(name: str, *, base: str = "") -> Checkpoint:
    """The checkpoint that a name means; see the module's docstring.

    Args:
        name: Of it.
        base: The model that a LoRA adapter was trained on; by default that which the adapter's config names.

    Raises:
        AgentError: There is none of that name here.
        ValueError: A file is damaged, or of a kind that is not read.
    """
    return _open(name, base, ())


def _open(name: str, base: str, above: tuple[Path, ...]) -> Checkpoint:
    """As `open_checkpoint`; `above` are the folders of the adapters that name this one as their base."""
    if name == "smollm2":
        return _open_smollm2()
    place = _find(name)
    if place.is_file():
        return _checkpoint(name, read_header(place), None)
    if (place / CONFIG).is_file() and not _weight_files(place):
        if place.resolve() in above:
            raise ValueError(f"model={name!r} is an adapter that is its own base; pass the model below it (--base MODEL).")
        below = base or str(read_adapter_config(place).get("base_model_name_or_path") or "")
        if not below:
            raise ValueError(f"model={name!r} is an adapter whose config names no base; pass the base too (--base MODEL).")
        under = _open(below, "", (*above, place.resolve()))
        merged = merge_adapter(place, under.tensors)
        return Checkpoint(name, merged, under.others, under.tied and not any(kind_of(one) == "head" for one in merged))
    files = _weight_files(place)
    if not files:
        raise ModelUnavailable(
            f"model={name!r}: {place.name}/ holds no weights; pass a folder with {SINGLE[0]} or {SINGLE[1]} (or its shards), "
            "a run, or a file of tensors."
        )
    tensors: dict[str, TensorSource] = {}
    others: dict[str, str] = {}
    for file in files:
        found, skipped = read_header(file)
        tensors, others = tensors | found, others | skipped
    path = place / "config.json"
    return _checkpoint(name, (tensors, others), read_json_object(path) if path.is_file() else None)


def _find(name: str) -> Path:
    """The folder or file of a name.

    Raises:
        ModelUnavailable: There is none.
    """
    place = TINY_MODEL if name == "tiny" else Path(find_model(name)[0]).expanduser()
    if place.exists():
        return place / "model" if (place / "model" / "config.json").is_file() else place
    is_id = not name.startswith((".", "/", "~")) and name.count("/") <= 1
    if is_id:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            return Path(snapshot_download(name, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError):
            pass
    nor = ", nor a model in the local Hugging Face cache" if is_id else ""
    remedy = f"check the spelling, or download it: hf download {name}" if is_id else "check the spelling."
    raise ModelUnavailable(f"model={name!r} is neither a folder nor a file here{nor}; {remedy}")


def _weight_files(folder: Path) -> list[Path]:
    """The files that hold a model's tensors: an index's shards, or one file, or all safetensors files that are there.

    Raises:
        ValueError: A shard is missing, or the index is damaged.
    """
    for index, single in zip(INDEXES, SINGLE, strict=True):
        if (folder / single).is_file():
            return [folder / single]
        if (folder / index).is_file():
            return _shards(folder, folder / index)
    return sorted(path for path in folder.glob("*.safetensors") if not path.name.startswith("adapter_model"))


def _shards(folder: Path, index: Path) -> list[Path]:
    """The files that an index names.

    Raises:
        ValueError: One is missing, or the index names none, or something else than files beside it.
    """
    names = read_json_object(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ValueError(f"{index} has no weight_map of the names of shards; copy the file again.")
    shards: set[str] = set()
    for shard in cast(dict[str, object], names).values():
        if not isinstance(shard, str) or not shard or re.search(r"[/\\\0]|^\.\.?$", shard):
            raise ValueError(f"{index} names {shard!r} as a shard, and a shard is a file beside it; copy the file again.")
        shards.add(shard)
    files = sorted(folder / shard for shard in shards)
    if missing := [file.name for file in files if not file.is_file()]:
        raise ValueError(f"{folder} lacks {missing[0]}, which its {index.name} names; copy all {len(files)} shards.")
    return files


def _open_smollm2() -> Checkpoint:
    """SmolLM2-135M, whose file is quantised, so that it is loaded whole: 540 MB."""
    from ...models.loading import load_model  # late: it loads transformers
    from ...models.weights import base_weights

    model, _ = load_model("smollm2", device="cpu", short_cuts="none")
    return _checkpoint("smollm2", ({name: MemoryTensor(tensor) for name, tensor in base_weights(model).items()}, {}), {})


def _checkpoint(name: str, found: Found, config: Mapping[str, Any] | None) -> Checkpoint:
    """Under plain names, and without a head that is tied.

    Without a config nobody says whether a head that is not there is tied, or was just not saved: it is missing then.
    """
    stored, skipped = found
    plain = plain_names([*stored, *skipped])
    tensors = {plain[key]: source for key, source in stored.items()}
    others = {plain[key]: reason for key, reason in skipped.items()}
    if not tensors:
        raise ValueError(f"model={name!r} holds no weights of float32, bfloat16, float16 or float64; pass another checkpoint.")
    told = _tells(config, "tie_word_embeddings")
    embedding = next((source for key, source in tensors.items() if is_embedding(key)), None)
    heads = [key for key in tensors if kind_of(key) == "head" and key.endswith("weight")]
    if not heads:
        return Checkpoint(name, tensors, others, tied=config is not None and told is not False and embedding is not None)
    if embedding is not None and (told is True or all(same_place(tensors[key], embedding) for key in heads)):
        kept = {key: source for key, source in tensors.items() if key not in heads}
        return Checkpoint(name, kept, others | dict.fromkeys(heads, TIED), tied=True)
    return Checkpoint(name, tensors, others)


def _tells(config: Mapping[str, Any] | None, setting: str) -> object:
    """What a model's config says of a setting, or the part of it that is about text; None where it says nothing."""
    settings = config or {}
    inner = settings.get("text_config")
    return settings.get(setting, cast(dict[str, object], inner).get(setting) if isinstance(inner, dict) else None)
