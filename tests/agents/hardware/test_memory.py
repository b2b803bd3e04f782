"""What counts as memory that ran out, and what is done to give it back."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from agents.core.errors import OutOfMemory
from agents.hardware import memory as device_memory
from agents.hardware.memory import ALLOCATOR_SETTINGS, engine_environment, free_cached_memory, is_out_of_memory
from agents.learner.learner import Learner
from agents.learner.token_budget import TokenBudget
from agents.models.loading import pick_device

FULL = [
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.19 GiB of which 1.06 GiB is free.",
    "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call.",
    "CUDA driver error: out of memory",
    "cuMemCreate failed: CUDA_ERROR_OUT_OF_MEMORY",
    "CUDA Error: out of memory at /workspace/csrc/cumem_allocator.cpp:119",
    "Triton Error [CUDA]: out of memory",
    "NCCL Error 1: unhandled cuda error (run with NCCL_DEBUG=INFO for details): Cuda failure 2 'out of memory'",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`",
    "HIP out of memory. Tried to allocate 512.00 MiB. GPU 0 has a total capacity of 15.98 GiB of which 210.00 MiB is free.",
    "HIP error: out of memory",
    "HIP error: hipErrorOutOfMemory",
    "CUDA error: HIPBLAS_STATUS_ALLOC_FAILED when calling `hipblasCreate(handle)`",
    "CUDA error: rocblas_status_memory_error when calling `rocblas_create_handle(handle)`",
    "XPU out of memory. Tried to allocate 1.25 GiB (GPU 0; 15.91 GiB total capacity).",
    "MPS backend out of memory (MPS allocated: 17.36 GB, other allocations: 613.56 MB, max allowed: 18.13 GB).",
    "Invalid buffer size: 9.77 GB",
    "[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.",
    "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 64 bytes.",
    "std::bad_alloc",
]
NOT_FULL = [
    "the memory bank of this layer must be enabled before forward",
    "my cache is out of memory slots; raise memory_size",
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "Unsupported memory format. Supports only ChannelsLast, Contiguous",
    "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location.",
    "out of resource: shared memory, Required: 131072, Hardware limit: 101376. Reducing block sizes may help.",
    "Invalid buffer size: 12 rows are not a multiple of 8",
    "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    "",
]


@pytest.mark.parametrize("text", FULL)
def test_messages_of_memory_that_ran_out(text: str) -> None:
    assert is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(AssertionError(text))


@pytest.mark.parametrize("text", NOT_FULL)
def test_messages_of_something_else(text: str) -> None:
    assert not is_out_of_memory(RuntimeError(text))
    assert not is_out_of_memory(AssertionError(text))


def test_types_that_say_it_all() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("whatever"))
    assert is_out_of_memory(MemoryError())
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


def test_a_budget_is_halved_for_memory_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: None)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "empty_cache", lambda: emptied.append(1))
    for error in (RuntimeError(FULL[1]), RuntimeError(FULL[6]), MemoryError()):
        budget = TokenBudget(8)
        tried: list[int] = []

        def work(parts: object, error: Exception = error, tried: list[int] = tried, budget: TokenBudget = budget) -> str:
            tried.append(budget.tokens)
            if budget.tokens > 2:
                raise error
            return "done"

        assert budget.fit(lambda tokens: [(None, list(range(tokens)))], work, longest=1) == "done"
        assert tried == [8, 4, 2]
    assert len(emptied) == 6

    def broken(parts: object) -> None:
        raise RuntimeError(NOT_FULL[0])

    budget = TokenBudget(8)
    with pytest.raises(RuntimeError, match="memory bank") as raised:
        budget.fit(lambda tokens: [(None, list(range(tokens)))], broken, longest=1)
    assert not isinstance(raised.value, OutOfMemory)
    assert budget.tokens == 8
    assert len(emptied) == 6


def test_tensors_in_cycles_are_collected_before_the_cache_is_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    monkeypatch.setattr(gc, "collect", lambda: happened.append("collected"))
    monkeypatch.setattr(torch.accelerator, "empty_cache", lambda: happened.append("emptied"))
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    free_cached_memory()
    assert happened == []
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    free_cached_memory()
    assert happened == ["collected", "emptied"]


def test_a_new_learner_gives_back_what_loading_left(model: PreTrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[int] = []
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "empty_cache", lambda: emptied.append(1))
    Learner(model)
    assert emptied == [1]


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without settings of the allocator, which is put back."""
    monkeypatch.setattr(device_memory, "_set_here", {})
    for name in ALLOCATOR_SETTINGS:
        monkeypatch.setenv(name, "")


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize("setting", [None, *ALLOCATOR_SETTINGS])
def test_growing_segments_are_a_default_on_cuda(monkeypatch: pytest.MonkeyPatch, setting: str | None) -> None:
    monkeypatch.setattr(torch, "zeros", lambda *_, **__: None)
    pick_device("cpu")
    assert not any(os.environ[name] for name in ALLOCATOR_SETTINGS)
    if setting:
        monkeypatch.setenv(setting, "max_split_size_mb:512")
    pick_device("cuda:1")
    settings = {name: value for name in ALLOCATOR_SETTINGS if (value := os.environ[name])}
    assert settings == ({setting: "max_split_size_mb:512"} if setting else {"PYTORCH_ALLOC_CONF": "expandable_segments:True"})
    kept = {name: value for name, value in os.environ.items() if setting or name != "PYTORCH_ALLOC_CONF"}
    assert engine_environment() == kept
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "garbage_collection_threshold:0.8")  # somebody's later choice is theirs
    assert engine_environment()["PYTORCH_ALLOC_CONF"] == "garbage_collection_threshold:0.8"


def test_torch_heeds_the_setting_although_it_is_imported_before() -> None:
    program = (
        "import torch; from agents.hardware.memory import take_memory_in_segments; take_memory_in_segments('cuda');"
        "print(torch._C._accelerator_getAllocatorSettings())"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ALLOCATOR_SETTINGS}
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "expandable_segments:True\n"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_freed_memory_goes_back_to_the_device() -> None:
    kept = torch.zeros(1 << 20, device="cuda")
    cycle: list[object] = [torch.zeros(1 << 28, device="cuda")]
    cycle.append(cycle)
    before, _ = torch.cuda.mem_get_info()
    del cycle
    free_cached_memory()
    assert torch.cuda.mem_get_info()[0] - before >= 1 << 30
    assert kept.sum() == 0
