"""Files of tensors: where each tensor's bytes lie in safetensors files and in those of `torch.save`.

Nothing but headers is read here. A file of `torch.save` that is older than its zip format (torch 1.6), or whose bytes are not
those of this machine's memory (compressed, or of another byte order), is loaded whole.
See: Hugging Face, safetensors, section Format; PyTorch, Serialization semantics, section on `torch.load` under FakeTensorMode.
"""

from __future__ import annotations

import json
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from ...core.errors import first_line
from .sources import FLOATS, FileTensor, LazyTensor, MemoryTensor, TensorSource

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""Precisions by their names in safetensors."""
INSIDE = ("state_dict", "model_state_dict", "model", "weights")
"""Keys under which trainers put a model's weights in a file of `torch.save` that holds more; `weights`: a run's learner.pt."""
MAX_HEADER = 25_000_000
"""Bytes of the header of a safetensors file: about 200,000 tensors. The format allows four times as many."""

Found = tuple[dict[str, TensorSource], dict[str, str]]
"""Tensors by their names in the file, and why others cannot be compared."""


def read_header(path: Path) -> Found:
    """The tensors of one file, whose ending says its format.

    Raises:
        ValueError: It is neither format, damaged, or cut off.
    """
    try:
        return _safetensors(path) if path.suffix == ".safetensors" else _torch_file(path)
    except OSError as error:
        raise ValueError(f"checkpoint={str(path)!r} cannot be read ({error.strerror}); check the path.") from error


def read_json_object(path: Path) -> dict[str, Any]:
    """The settings in a JSON file beside a model's tensors.

    Raises:
        ValueError: It holds no JSON object, or cannot be read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise TypeError(f"it holds {type(data).__name__}, no object")
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON object ({first_line(error, 120)}); copy the file again.") from error
    return cast(dict[str, Any], data)


def _safetensors(path: Path) -> Found:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= size - 8:
            raise ValueError(f"{path} is no safetensors file, or cut off in its header; copy the file again.")
        if length > MAX_HEADER:
            raise ValueError(
                f"{path} has a header of {length:,} bytes, and at most {MAX_HEADER:,} are read; save the model in shards."
            )
        try:
            header: dict[str, Any] = json.loads(file.read(length))
            header.pop("__metadata__", None)
            entries = [_entry(name, entry) for name, entry in header.items()]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is no safetensors file ({first_line(error, 120)}); copy the file again.") from error
    needed = 8 + length + max((stop for _, _, _, _, stop in entries), default=0)
    if size < needed:
        raise ValueError(f"{path} is cut off: it has {size:,} of {needed:,} bytes; copy the file again.")
    tensors: dict[str, TensorSource] = {
        name: FileTensor(path, 8 + length + begin, DTYPES[dtype], shape)
        for name, dtype, shape, begin, _ in entries
        if dtype in DTYPES
    }
    return tensors, {name: f"{dtype} is not compared" for name, dtype, *_ in entries if dtype not in DTYPES}


def _entry(name: str, entry: Any) -> tuple[str, str, tuple[int, ...], int, int]:
    """Name, precision, shape, and first and last byte of a tensor, as a header has them.

    Raises:
        ValueError: They contradict each other.
        KeyError: One is missing.
        TypeError: One is of another kind.
    """
    dtype, shape, (begin, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
    numbers = [*shape, begin, stop]
    if (
        not isinstance(dtype, str)
        or not isinstance(shape, list)
        or any(type(number) is not int or number < 0 for number in numbers)
        or begin > stop
    ):
        raise ValueError(f"{name} has dtype={dtype!r}, shape={shape}, data_offsets={[begin, stop]}")
    if dtype in DTYPES and prod(shape) * DTYPES[dtype].itemsize != stop - begin:
        raise ValueError(f"{name} of shape={shape} and dtype={dtype} has {stop - begin:,} bytes")
    return name, dtype, tuple(shape), begin, stop


def _torch_file(path: Path) -> Found:
    if not _lies_plain(path):
        state = _state_dict(path, _load(path))
        return _sorted_out(state, lambda _, tensor: MemoryTensor(tensor))
    from torch._subclasses.fake_tensor import FakeTensorMode  # late: it takes a second to import

    with FakeTensorMode():
        state = _state_dict(path, _load(path))
    return _sorted_out(state, partial(_placed, path))


def _lies_plain(path: Path) -> bool:
    """Whether the bytes of the tensors lie in the file as they are in memory.

    Raises:
        ValueError: Its list of records is damaged.
    """
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as file:
            records = file.infolist()
            orders = {file.read(one).decode() for one in records if one.filename.endswith("/byteorder")}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({first_line(error, 120)}); copy the file again.") from error
    return all(one.compress_type == zipfile.ZIP_STORED for one in records) and orders <= {sys.byteorder}


def _load(path: Path, *, mmap: bool = False) -> Any:
    """What `torch.load` makes of a file, tensors and plain containers alone.

    Raises:
        ValueError: It holds something else, or is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except OSError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise ValueError(
            f"{path} holds no plain tensors ({first_line(error, 120)}); save the model with save_pretrained."
        ) from error


def _state_dict(path: Path, loaded: Any) -> dict[str, Tensor]:
    """The tensors by name, also where they lie under one of `INSIDE`.

    Raises:
        ValueError: There are none.
    """
    inner = next((loaded[key] for key in INSIDE if isinstance(loaded, dict) and isinstance(loaded.get(key), dict)), loaded)
    if isinstance(inner, dict):
        tensors = {str(name): value for name, value in inner.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
    raise ValueError(f"{path} holds no tensors by name; pass a model's folder, or a file of its state_dict.")


def _placed(path: Path, name: str, tensor: Tensor) -> TensorSource:
    """The place of a tensor that was loaded without its bytes."""
    offset: int | None = getattr(tensor.untyped_storage(), "_checkpoint_offset", None)
    shape = tuple(tensor.shape)
    if offset is None or not tensor.is_contiguous() or tensor.is_neg():
        return LazyTensor(partial(_load_one, path, name), tensor.dtype, shape)
    return FileTensor(path, offset + int(tensor.storage_offset()) * tensor.dtype.itemsize, tensor.dtype, shape)


def _load_one(path: Path, name: str) -> Tensor:
    return _state_dict(path, _load(path, mmap=True))[name]


def _sorted_out(state: Mapping[str, Tensor], place: Callable[[str, Tensor], TensorSource]) -> Found:
    """Tensors that can be read, and the others' reasons."""
    reasons = {name: f"{kind} is not compared" for name, tensor in state.items() if (kind := _odd_kind(tensor))}
    return {name: place(name, tensor) for name, tensor in state.items() if name not in reasons}, reasons


def _odd_kind(tensor: Tensor) -> str:
    """What keeps a tensor from being read; empty where nothing does."""
    if tensor.layout is not torch.strided or tensor.is_nested:
        return "nested" if tensor.is_nested else str(tensor.layout).removeprefix("torch.")
    if tensor.is_meta:
        return "a tensor without bytes"
    return "" if tensor.dtype in FLOATS else str(tensor.dtype).removeprefix("torch.")
