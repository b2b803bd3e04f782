from __future__ import annotations

import json
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from agents.analysis.weights.files import MAX_HEADER, read_header
from agents.analysis.weights.sources import FileTensor, LazyTensor, MemoryTensor, read_all


def test_the_bytes_of_safetensors_are_found_and_nothing_else_is_read(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.arange(4).bfloat16()}
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    found, others = read_header(tmp_path / "x.safetensors")
    assert others == {}
    assert all(
        isinstance(source, FileTensor) and torch.equal(read_all(source), tensors[name]) for name, source in found.items()
    )


def test_views_in_a_torch_file_share_a_storage_and_are_found_by_their_offsets(tmp_path: Path) -> None:
    base = torch.arange(20.0)
    tensors = {"all": base, "part": base[4:12].reshape(2, 4), "across": base.reshape(4, 5).T}
    torch.save(tensors, tmp_path / "x.bin")
    found, _ = read_header(tmp_path / "x.bin")
    assert [type(found[name]) for name in tensors] == [FileTensor, FileTensor, LazyTensor]
    assert all(torch.equal(read_all(source), tensors[name]) for name, source in found.items())


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "weights"])
def test_weights_inside_the_file_of_a_trainer(tmp_path: Path, key: str) -> None:
    torch.save({"step": 3, key: OrderedDict(a=torch.ones(2)), "optimizer": {"state": {0: torch.zeros(2)}}}, tmp_path / "x.pt")
    found, _ = read_header(tmp_path / "x.pt")
    assert list(found) == ["a"]


def test_a_file_of_the_old_format_is_loaded_whole(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(3.0)}, tmp_path / "x.bin", _use_new_zipfile_serialization=False)
    found, _ = read_header(tmp_path / "x.bin")
    assert isinstance(found["a"], MemoryTensor)
    assert read_all(found["a"]).tolist() == [0, 1, 2]


@pytest.mark.parametrize("ending", [".safetensors", ".bin"])
def test_what_is_not_compared_is_listed_with_its_reason(tmp_path: Path, ending: str) -> None:
    tensors = {"a": torch.ones(2), "mask": torch.ones(2, dtype=torch.bool), "ids": torch.ones(2, dtype=torch.int64)}
    path = tmp_path / f"x{ending}"
    save_file(tensors, path) if ending == ".safetensors" else torch.save(tensors, path)
    found, others = read_header(path)
    assert list(found) == ["a"]
    assert set(others) == {"mask", "ids"}
    assert all(reason.endswith(" is not compared") for reason in others.values())


def test_damaged_files_are_one_sentence(tmp_path: Path) -> None:
    good = tmp_path / "good.safetensors"
    save_file({"x": torch.ones(100)}, good)
    data = good.read_bytes()
    header = json.dumps({"x": "no entry"}).encode()
    for content, reason in {
        data[:4]: "is no safetensors file, or cut off in its header",
        data[:20]: "is no safetensors file, or cut off in its header",
        data[:-1]: r"is cut off: it has \d+ of \d+ bytes",
        b"\x04\0\0\0\0\0\0\0{{{{" + bytes(9): "is no safetensors file",
        len(header).to_bytes(8, "little") + header: "is no safetensors file",
    }.items():
        path = tmp_path / "bad.safetensors"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"^\S*bad\.safetensors {reason}.*copy the file again\.$"):
            read_header(path)


def write_header(path: Path, header: str, body: bytes = bytes(32)) -> Path:
    """A safetensors file with this header and these bytes behind it."""
    raw = header.encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + body)
    return path


@pytest.mark.parametrize(
    "entry",
    [
        {"shape": [4], "data_offsets": [0, 4]},  # would read its neighbour's bytes
        {"shape": [1], "data_offsets": [0, 16]},
        {"shape": [4], "data_offsets": [-16, 0]},  # would read the header's
        {"shape": [-4], "data_offsets": [0, 16]},
        {"shape": [-2, -2], "data_offsets": [0, 16]},
        {"shape": [4], "data_offsets": [16, 0]},
        {"shape": [4], "data_offsets": [0.0, 16.0]},
        {"shape": [True, 4], "data_offsets": [0, 16]},
        {"shape": [4.0], "data_offsets": [0, 16]},
        {"shape": ["4"], "data_offsets": [0, 16]},
        {"shape": "", "data_offsets": [0, 4]},
        {"shape": None, "data_offsets": [0, 16]},
        {"shape": [10**30], "data_offsets": [0, 16]},
        {"shape": [float("inf")], "data_offsets": [0, 16]},
        {"shape": [4], "data_offsets": [0, float("inf")]},
        {"shape": [4], "data_offsets": [0]},
        {"shape": [4]},
        {"shape": [4], "data_offsets": [0, 16], "dtype": 32},
        {"shape": [4], "data_offsets": [16, 0], "dtype": "I64"},
    ],
)
def test_a_header_that_contradicts_itself_is_one_sentence(tmp_path: Path, entry: dict[str, object]) -> None:
    path = write_header(tmp_path / "bad.safetensors", json.dumps({"x": {"dtype": "F32", **entry}}))
    with pytest.raises(ValueError, match=r"^\S*bad\.safetensors is no safetensors file \(.*\); copy the file again\.$"):
        read_header(path)


def test_a_header_of_brackets_and_one_that_is_too_long_are_one_sentence(tmp_path: Path) -> None:
    path = write_header(tmp_path / "bad.safetensors", "[" * 200_000)
    with pytest.raises(ValueError, match=r"bad\.safetensors is no safetensors file \(.*\); copy the file again\.$"):
        read_header(path)
    with path.open("wb") as file:
        file.write((MAX_HEADER + 1).to_bytes(8, "little"))
        file.truncate(MAX_HEADER + 100)  # a hole: no byte is written
    wanted = r"bad\.safetensors has a header of 25,000,001 bytes, and at most 25,000,000 are read; save the model in shards\.$"
    with pytest.raises(ValueError, match=wanted):
        read_header(path)


def rewrite(path: Path, compression: int, byte_order: str = sys.byteorder) -> Path:
    """The same records, as another program may have written them; bytes of tensors are swapped where the order is another."""
    with zipfile.ZipFile(path) as old:
        records = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", compression) as new:
        for name, content in records.items():
            swapped = np.frombuffer(content, np.uint32).byteswap().tobytes() if "/data/" in name else content
            order = byte_order.encode() if name.endswith("/byteorder") else content
            new.writestr(name, order if name.endswith("/byteorder") else swapped if byte_order != sys.byteorder else content)
    return path


@pytest.mark.parametrize(
    ("compression", "byte_order"),
    [(zipfile.ZIP_DEFLATED, sys.byteorder), (zipfile.ZIP_STORED, "big" if sys.byteorder == "little" else "little")],
)
def test_a_torch_file_whose_bytes_are_not_those_in_memory_is_loaded_whole(
    tmp_path: Path, compression: int, byte_order: str
) -> None:
    values = torch.arange(6.0).reshape(2, 3)
    torch.save({"a": values, "across": values.T}, tmp_path / "x.bin")
    found, _ = read_header(rewrite(tmp_path / "x.bin", compression, byte_order))
    assert all(isinstance(source, MemoryTensor) for source in found.values())
    assert torch.equal(read_all(found["a"]), values)
    assert torch.equal(read_all(found["across"]), values.T)


def test_the_same_records_rewritten_are_found_in_their_places(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(6.0)}, tmp_path / "x.bin")
    found, _ = read_header(rewrite(tmp_path / "x.bin", zipfile.ZIP_STORED))
    assert isinstance(found["a"], FileTensor)
    assert read_all(found["a"]).tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("new_format", [True, False])
def test_tensors_of_other_layouts_are_listed_and_signs_are_kept(tmp_path: Path, new_format: bool) -> None:
    tensors = {
        "a": torch.ones(2),
        "sparse": torch.eye(3).to_sparse(),
        "meta": torch.ones(2, device="meta"),
        "minus": cast(Any, torch)._neg_view(torch.arange(4.0)),  # contiguous, and its sign a mere bit
    }
    torch.save(tensors, tmp_path / "x.bin", _use_new_zipfile_serialization=new_format)
    found, others = read_header(tmp_path / "x.bin")
    assert list(found) == ["a", "minus"]
    assert read_all(found["minus"]).tolist() == [0, -1, -2, -3]
    assert others == {"sparse": "sparse_coo is not compared", "meta": "a tensor without bytes is not compared"}


def test_torch_files_of_other_things_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    torch.save({"a": 1}, path)
    with pytest.raises(
        ValueError, match=r"x\.bin holds no tensors by name; pass a model's folder, or a file of its state_dict\.$"
    ):
        read_header(path)
    torch.save({"a": Path}, path)
    with pytest.raises(ValueError, match=r"x\.bin holds no plain tensors \(.*\); save the model with save_pretrained\.$"):
        read_header(path)
    path.write_bytes(pickle.dumps({"a": 1}, protocol=2)[:-3])
    with pytest.raises(ValueError, match=r"x\.bin holds no plain tensors"):
        read_header(path)
    with pytest.raises(
        ValueError, match=r"^checkpoint='.*gone\.bin' cannot be read \(No such file or directory\); check the path\.$"
    ):
        read_header(tmp_path / "gone.bin")
