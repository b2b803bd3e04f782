from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from agents.analysis.weights.files import read_header
from agents.analysis.weights.sources import LazyTensor, MemoryTensor, TensorSource, one_thread, read_all, size_of


def pieces(source: TensorSource, width: int) -> Tensor:
    """The tensor put together from slices of that many weights."""
    out = torch.full((size_of(source),), 7.0)
    for place in range(0, size_of(source), width):
        source.read_into(out[place : place + width], place)
    return out.reshape(source.shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("ending", [".safetensors", ".bin"])
@pytest.mark.parametrize("width", [1, 4, 5, 100])
def test_every_precision_is_read_in_slices_of_any_size(tmp_path: Path, dtype: torch.dtype, ending: str, width: int) -> None:
    tensor = torch.randn(5, 7, generator=torch.Generator().manual_seed(0)).to(dtype)
    path = tmp_path / f"x{ending}"
    tensors = {"before": torch.ones(3), "x": tensor}
    save_file(tensors, path) if ending == ".safetensors" else torch.save(tensors, path)
    source = read_header(path)[0]["x"]
    assert (source.shape, source.dtype) == ((5, 7), dtype)
    assert torch.equal(pieces(source, width), tensor.float())


@pytest.mark.parametrize("width", [1, 3, 8, 100])
def test_a_tensor_of_other_strides_is_read_in_its_own_order(width: int) -> None:
    tensor = torch.arange(24.0).reshape(4, 6).T
    for source in (MemoryTensor(tensor), LazyTensor(lambda: tensor, tensor.dtype, (6, 4))):
        assert torch.equal(pieces(source, width), tensor.contiguous())


@pytest.mark.parametrize("shape", [(), (1,), (9,), (2, 3, 4)])
def test_tensors_of_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pieces(MemoryTensor(tensor), 2), tensor)


def test_a_file_that_ends_too_early_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"x": torch.ones(100)}, path)
    source = read_header(path)[0]["x"]
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"x\.safetensors is cut off: it ends inside a tensor; copy the file again\.$"):
        read_all(source)


def test_threads_are_given_back() -> None:
    @one_thread()
    def fail() -> None:
        assert torch.get_num_threads() == 1
        raise ValueError("stop")

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with pytest.raises(ValueError, match="stop"):
            fail()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
