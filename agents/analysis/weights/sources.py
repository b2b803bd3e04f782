"""One tensor of a checkpoint, in a file or in memory, read as float32 in slices: never whole where it is large.

Bytes are read into memory of a fixed size and not mapped, so that what a process holds does not grow with a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor

FLOATS = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
"""Precisions that are read. All but float64 are exact in float32; float64 is rounded to it."""


class TensorSource(Protocol):
    """A tensor that is read piece by piece."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As in the model."""
        ...

    @property
    def dtype(self) -> torch.dtype:
        """The precision that it is stored in; float32 where it is computed."""
        ...

    def read_into(self, out_W: Tensor, start: int) -> None:
        """Fills float32 `out_W` with the W weights from place `start` on, row after row."""
        ...


@dataclass(frozen=True, slots=True)
class FileTensor:
    """A contiguous tensor in a file, its bytes as they are in memory (little endian)."""

    path: Path
    offset: int
    """Of its first byte in the file."""
    dtype: torch.dtype
    shape: tuple[int, ...]

    def read_into(self, out_W: Tensor, start: int) -> None:
        """See `TensorSource`.

        Raises:
            ValueError: The file ends before.
        """
        raw_W = out_W if self.dtype == torch.float32 else torch.empty(len(out_W), dtype=self.dtype)
        view = memoryview(cast(Any, raw_W.view(torch.uint8).numpy()))
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset + start * self.dtype.itemsize)
            while view:
                count = file.readinto(view)
                if not count:
                    raise ValueError(f"{self.path} is cut off: it ends inside a tensor; copy the file again.")
                view = view[count:]
        if raw_W is not out_W:
            out_W.copy_(raw_W)


@dataclass(frozen=True, slots=True, eq=False)
class MemoryTensor:
    """A tensor that had to be loaded whole, as the formats of some files want it."""

    tensor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """See `TensorSource`."""
        return tuple(self.tensor.shape)

    @property
    def dtype(self) -> torch.dtype:
        """See `TensorSource`."""
        return self.tensor.dtype

    def read_into(self, out_W: Tensor, start: int) -> None:
        """See `TensorSource`."""
        copy_piece(self.tensor, out_W, start)


@dataclass(frozen=True, slots=True, eq=False)
class LazyTensor:
    """A tensor whose bytes do not lie in its own order, such as a transposed view: mapped whenever a piece of it is read."""

    load: Callable[[], Tensor]
    dtype: torch.dtype
    shape: tuple[int, ...]

    def read_into(self, out_W: Tensor, start: int) -> None:
        """See `TensorSource`."""
        copy_piece(self.load(), out_W, start)


def copy_piece(tensor: Tensor, out_W: Tensor, start: int) -> None:
    """As `TensorSource.read_into`, from a tensor of any strides; copies no more than whole rows around the piece."""
    table_RC = tensor.detach().reshape(-1, 1) if tensor.dim() < 2 else tensor.detach()
    row, stop = prod(table_RC.shape[1:]), start + len(out_W)
    first = start // row
    rows_W = table_RC[first : -(-stop // row)].reshape(-1)
    out_W.copy_(rows_W[start - first * row : stop - first * row])


@contextmanager
def one_thread() -> Generator[None]:
    """Inside, torch computes with one thread: slices are so short that several would wait for each other most of the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def size_of(source: TensorSource) -> int:
    """Number of weights."""
    return prod(source.shape)


def read_all(source: TensorSource) -> Tensor:
    """The whole tensor in float32, in its shape; for small ones."""
    out_W = torch.empty(size_of(source))
    source.read_into(out_W, 0)
    return out_W.reshape(source.shape)
